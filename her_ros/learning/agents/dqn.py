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

"""DQN with Hindsight Experience Replay, for tasks with discrete actions."""

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.agents.networks import Mlp
from her_ros.learning.replay.batch import Batch
from her_ros.learning.torch_private import foreach_lerp_
from her_ros.tasks.goal_task import GoalTask
import torch
from torch import Tensor


class Dqn:
    """
    Deep Q-network (Mnih et al. 2015), with double Q-learning (van Hasselt et al. 2016).

    Reaching the goal ends an episode, so the value of what comes after a reward of 0 is 0; this
    holds for relabelled goals alike. Actions are rows of zeros with a one at the number of what
    was chosen, so that they are stored as all others are. States are seen as they are.

    :param parameters: layers, ``critic.learning_rate``, ``discount`` and ``tau``
    :param generator: CPU generator that draws the initial parameters
    """

    def __init__(
        self, task: GoalTask, parameters: LearnerParameters, generator: torch.Generator
    ) -> None:
        sizes = [task.observation_size + task.goal_size, *parameters.hidden_sizes]
        self.network = Mlp([*sizes, task.action_size])
        self.online = [p.requires_grad_() for p in self.network.initial(generator)]
        self.target = [p.detach().clone() for p in self.online]
        self._optimizer = torch.optim.Adam(
            self.online, parameters.critic_learning_rate, fused=True
        )
        self._discount = parameters.discount
        self._target_update = parameters.tau
        # Rewards are -1 or 0, so no return lies below this or above 0.
        self._lowest_return = -1.0 / (1.0 - parameters.discount)

    def choose(self, observation: Tensor, goal: Tensor) -> Tensor:
        """Return the number of the best action in each state, shape (n,)."""
        with torch.no_grad():
            return self.network(self.online, _state(observation, goal)).argmax(-1)

    def targets(self, batch: Batch) -> Tensor:
        """Return the targets of Q of the actions taken, shape (n,)."""
        next_state = _state(batch.next_observation, batch.goal)
        with torch.no_grad():
            best = self.network(self.online, next_state).argmax(-1, keepdim=True)
            next_value = self.network(self.target, next_state).gather(-1, best).squeeze(-1)
            value = batch.reward + self._discount * torch.where(batch.reward < 0, next_value, 0.0)
            return value.clamp(self._lowest_return, 0.0)

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean squared error of the actions taken."""
        values = self.network(self.online, _state(batch.observation, batch.goal))
        error = (values * batch.action).sum(-1) - self.targets(batch)
        return (error * error).mean()

    def update(self, batch: Batch) -> None:
        """Take one step of Adam, then move the target."""
        self._optimizer.zero_grad()
        self.loss(batch).backward()
        self._optimizer.step()
        with torch.no_grad():
            foreach_lerp_(self.target, self.online, self._target_update)


def _state(observation: Tensor, goal: Tensor) -> Tensor:
    return torch.cat((observation, goal.to(observation.dtype)), -1)
