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

"""An agent without critics, and with a network of its own: two layers with tanh."""

from her_ros.learning.agents.actor_critic import Networks, NO_NOISE
from her_ros.learning.agents.networks import STATE
from onnx import helper
import torch

_UNITS = 64


class Imitation:
    """Learns the actions that led to the goals (Ghosh et al. 2021, arXiv 1912.06088)."""

    policy_delay = 1

    def __init__(self, task, parameters):
        self._sizes = (task.observation_size + task.goal_size, _UNITS, task.action_size)

    def initial(self, generator):
        """Draw parameters."""
        inputs, units, outputs = self._sizes
        first, second = torch.zeros(units, inputs), torch.zeros(outputs, units)
        for weight in (first, second):
            torch.nn.init.xavier_uniform_(weight, generator=generator)
        return Networks(actor=[first, torch.zeros(units), second, torch.zeros(outputs)])

    def noise(self, count, generator):
        """Draw nothing."""
        return NO_NOISE

    def losses(self, online, target, inputs):
        """Return the squared error where the goal is a later state of the episode."""
        counts = (inputs.steps_to_goal > 0).float()
        error = (self.act(online.actor, inputs.state) - inputs.action).square().mean(-1)
        return {'actor_loss': (error * counts).sum() / counts.sum().clamp(min=1.0)}

    def act(self, actor, state):
        """Return actions in [-1, 1], shape (n, A)."""
        first, first_bias, second, second_bias = actor
        hidden = torch.tanh(state @ first.t() + first_bias)
        return torch.tanh(hidden @ second.t() + second_bias)

    def policy_nodes(self):
        """Return ONNX nodes that compute what :meth:`act` does."""
        return [
            helper.make_node('Gemm', [STATE, 'first', 'first_bias'], ['sums'], transB=1),
            helper.make_node('Tanh', ['sums'], ['units']),
            helper.make_node('Gemm', ['units', 'second', 'second_bias'], ['outputs'], transB=1),
            helper.make_node('Tanh', ['outputs'], ['action']),
        ]

    def policy_constants(self, actor):
        """Return the constants of these nodes."""
        return dict(zip(('first', 'first_bias', 'second', 'second_bias'), actor, strict=True))
