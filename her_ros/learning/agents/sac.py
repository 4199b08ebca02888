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

"""SAC: a stochastic actor whose objective includes its entropy."""

import math

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.agents.actor_critic import (
    ActorCritic,
    critic_losses,
    drawn_normals,
    frozen,
    Inputs,
    Networks,
)
from her_ros.learning.agents.networks import Parameters
from her_ros.tasks.goal_task import GoalTask
import torch
from torch import Tensor
from torch.nn import functional

# Limits of the logarithm of the standard deviation, of the authors' own code.
_LOWEST_LOG_STD, _HIGHEST_LOG_STD = -20.0, 2.0
# Often it is 1, which pays as much for one unit of entropy as for one step at the goal: the first
# thousand updates would then only bring it down (docs/how_to/agents.md).
_FIRST_TEMPERATURE = 0.1


class Sac(ActorCritic):
    """
    Soft actor-critic with a learned temperature (Haarnoja et al. 2018b, arXiv 1812.05905).

    The actor gives mean and log standard deviation of a Gaussian that tanh squashes. The policy
    that is exported is tanh of the mean. With entropy in them, returns have no known limits: other
    than DDPG's, targets are not clipped. The temperature takes the actor's learning rate.
    """

    def __init__(self, task: GoalTask, parameters: LearnerParameters) -> None:
        super().__init__(task, parameters, actor_outputs=2)
        #: that the paper's appendix D asks for: -1 per component of the action
        self.target_entropy = -float(task.action_size)

    def initial(self, generator: torch.Generator) -> Networks:
        """Draw parameters; the temperature begins at 0.1."""
        networks = super().initial(generator)
        log_temperature = torch.full([1], math.log(_FIRST_TEMPERATURE))
        return Networks(networks.actor, networks.critic, [log_temperature])

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw standard normal numbers for the actions in both states, shape (2, n, A)."""
        return drawn_normals(2, count, self._action_size, generator)

    def act(self, actor: Parameters, state: Tensor) -> Tensor:
        """Return tanh of the mean, shape (n, A)."""
        return torch.tanh(self.actor(self.policy_layers(actor), state))

    def policy_layers(self, actor: Parameters) -> Parameters:
        """Return the layers without what gives the deviation."""
        *layers, weight, bias = actor
        return [*layers, weight[: self._action_size], bias[: self._action_size]]

    def sample(self, actor: Parameters, state: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """
        Return actions and the logarithms of their densities (appendix C of the paper).

        :param noise: standard normal numbers, shape (n, A)
        :return: actions in [-1, 1], shape (n, A), and log densities, shape (n,)
        """
        mean, log_std = self.actor(actor, state).chunk(2, -1)
        log_std = log_std.clamp(_LOWEST_LOG_STD, _HIGHEST_LOG_STD)
        unsquashed = mean + log_std.exp() * noise
        log_normal = -0.5 * noise.square() - log_std - 0.5 * math.log(2.0 * math.pi)
        # log(1 - tanh(u)^2), written so that it stays exact where tanh rounds to 1.
        log_slope = 2.0 * (math.log(2.0) - unsquashed - functional.softplus(-2.0 * unsquashed))
        return torch.tanh(unsquashed), (log_normal - log_slope).sum(-1)

    def targets(self, online: Networks, target: Networks, inputs: Inputs) -> Tensor:
        """Return the targets of Q, shape (n,) (eq. 2, 3); the actor has no target network."""
        with torch.no_grad():
            action, log_density = self.sample(online.actor, inputs.next_state, inputs.noise[0])
            value = self.values(target.critic, inputs.next_critic_state, action).amin(0)
            soft_value = value - online.temperature[0].exp() * log_density
            return inputs.reward + self._discount * torch.where(inputs.terminated, 0.0, soft_value)

    def losses(self, online: Networks, target: Networks, inputs: Inputs) -> dict[str, Tensor]:
        """Return losses, mean value, temperature and entropy, by equations 5, 7 and 18."""
        targets = self.targets(online, target, inputs)
        values = self.values(online.critic, inputs.critic_state, inputs.action)
        action, log_density = self.sample(online.actor, inputs.state, inputs.noise[1])
        proposed = self.values(frozen(online.critic), inputs.critic_state, action).amin(0)
        temperature = online.temperature[0].exp()
        entropy = -log_density.detach().mean()
        return {
            **critic_losses(values - targets, inputs.weight),
            'actor_loss': (temperature.detach() * log_density - proposed).mean(),
            'temperature_loss': (temperature * (entropy - self.target_entropy)).sum(),
            'value': values.detach().mean(),
            'temperature': temperature.detach().sum(),
            'entropy': entropy,
        }
