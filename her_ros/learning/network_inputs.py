# Copyright 2026 her_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Inputs of the networks: normalised observations and goals of a batch."""

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.agents.actor_critic import Inputs, NO_NOISE
from her_ros.learning.normalizer import Normalizer
from her_ros.learning.replay.batch import Batch
from her_ros.tasks.goal_task import GoalTask
import torch
from torch import Tensor


class NetworkInputs:
    """Normalises observations and goals, for the policy and for critics that see the truth."""

    def __init__(
        self, task: GoalTask, parameters: LearnerParameters, device: torch.device
    ) -> None:
        self._parameters = parameters
        clips = (
            parameters.normalizer_input_clip,
            parameters.normalizer_output_clip,
            parameters.normalizer_minimum_std,
            device,
        )
        sizes = {'observation': task.observation_size, 'goal': task.goal_size}
        # Means and deviations of all of them side by side, as the networks see them.
        self._scale = torch.empty((2, sum(sizes.values())), device=device)
        parts = zip(*(row.split([*sizes.values()]) for row in self._scale), strict=True)
        self.normalizers = {
            name: Normalizer(size, *clips, scale=scale)
            for (name, size), scale in zip(sizes.items(), parts, strict=True)
        }

    def update_normalizers(self, batch: Batch) -> None:
        """Update the normalisers with the first states of a batch, as the policy saw them."""
        self.normalizers['observation'].update(batch.observation)
        self.normalizers['goal'].update(self._shown(_seen_twice(batch)[0], batch.goal))

    def state(self, observation: Tensor, achieved_goal: Tensor, goal: Tensor) -> Tensor:
        """Return the networks' view of observations and goals, shape (n, O + G)."""
        normalize = self.normalizers
        goal = normalize['goal'](self._shown(achieved_goal, goal))
        return torch.cat((normalize['observation'](observation), goal), -1)

    def _states(self, batch: Batch) -> Tensor:
        """Return both states of a batch, as :meth:`state` does, shape (2, n, O + G)."""
        observations = torch.stack((batch.observation, batch.next_observation))
        return self._normalized(observations, torch.stack(_seen_twice(batch)), batch.goal)

    def _true_states(self, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Return both states as critics see them that see the truth; None: as the policy does."""
        if batch.true_observation is None or batch.next_true_observation is None:
            return None
        observations = torch.stack((batch.true_observation, batch.next_true_observation))
        achieved = torch.stack((batch.achieved_goal, batch.next_achieved_goal))
        state, next_state = self._normalized(observations, achieved, batch.goal).unbind()
        return state, next_state

    def _normalized(self, observations: Tensor, achieved: Tensor, goal: Tensor) -> Tensor:
        goals = self._shown(achieved, goal).expand_as(achieved).float()
        p, (mean, std) = self._parameters, self._scale
        states = torch.cat((observations, goals), -1)
        states = (
            states.clamp_(-p.normalizer_input_clip, p.normalizer_input_clip).sub_(mean).div_(std)
        )
        return states.clamp_(-p.normalizer_output_clip, p.normalizer_output_clip)

    def _shown(self, achieved_goal: Tensor, goal: Tensor) -> Tensor:
        return goal - achieved_goal if self._parameters.relative_goals else goal

    def of_batch(self, batch: Batch, noise: Tensor = NO_NOISE) -> Inputs:
        """Normalise a batch; ``noise`` are the random numbers of the algorithm for it."""
        state, next_state = self._states(batch).unbind()
        return Inputs(
            state=state,
            action=batch.action,
            next_state=next_state,
            reward=batch.reward,
            terminated=batch.terminated,
            steps_to_goal=batch.steps_to_goal,
            weight=batch.weight,
            noise=noise,
            true_states=self._true_states(batch),
        )


def _seen_twice(batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the achieved goals of both states, as the policy saw them, shape (n, G)."""
    if batch.seen_achieved_goal is None or batch.next_seen_achieved_goal is None:
        return batch.achieved_goal, batch.next_achieved_goal
    return batch.seen_achieved_goal.double(), batch.next_seen_achieved_goal.double()
