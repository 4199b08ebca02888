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

"""TD3: DDPG with clipped double Q-learning, delayed actor updates and target smoothing."""

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.agents.actor_critic import drawn_normals, Inputs
from her_ros.learning.agents.agent import Ddpg
from her_ros.learning.agents.networks import Parameters
from her_ros.tasks.goal_task import GoalTask
import torch
from torch import Tensor


class Td3(Ddpg):
    """
    Twin delayed DDPG (Fujimoto et al. 2018, arXiv 1802.09477, algorithm 1).

    Adds two things to DDPG: the target's action is blurred (section 5.3), and actor and targets
    move less often than the critics (section 5.2). The third, the lowest of two critics, is the
    parameter ``critic.count``. Targets stay clipped to the possible returns, and actions are
    penalised.
    """

    def __init__(self, task: GoalTask, parameters: LearnerParameters) -> None:
        super().__init__(task, parameters)
        self.policy_delay = parameters.td3_policy_delay
        self._noise_std = parameters.td3_noise_std
        self._noise_clip = parameters.td3_noise_clip

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw standard normal numbers for the target's actions, shape (1, n, A)."""
        return drawn_normals(1, count, self._action_size, generator)

    def next_action(self, actor: Parameters, inputs: Inputs) -> Tensor:
        """Return the target's actions with clipped noise, within their limits."""
        clip = self._noise_clip
        noise = (self._noise_std * inputs.noise[0]).clamp(-clip, clip)
        return (self.act(actor, inputs.next_state) + noise).clamp(-1.0, 1.0)
