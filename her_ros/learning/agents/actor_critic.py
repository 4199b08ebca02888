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

"""Base of the agents that have an actor and critics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.agents.networks import Mlp, Parameters
from her_ros.tasks.goal_task import GoalTask
import onnx
import torch
from torch import Tensor

#: noise of losses that follow from the batch alone
NO_NOISE = torch.empty(0)


@dataclass(frozen=True)
class Inputs:
    """A batch as the networks see it: states (n, O + G) are normalised observation and goal."""

    state: Tensor
    action: Tensor
    next_state: Tensor
    reward: Tensor
    terminated: Tensor
    steps_to_goal: Tensor
    #: weight of each transition for the critics; None: all alike
    weight: Tensor | None = None
    #: random numbers of :meth:`Algorithm.noise`
    noise: Tensor = NO_NOISE
    #: state and next state as the critics see them; None: as the actor does
    true_states: tuple[Tensor, Tensor] | None = None

    @property
    def critic_state(self) -> Tensor:
        """Return the state as the critics see it, shape (n, O + G)."""
        return self.state if self.true_states is None else self.true_states[0]

    @property
    def next_critic_state(self) -> Tensor:
        """Return the next state as the critics see it, shape (n, O + G)."""
        return self.next_state if self.true_states is None else self.true_states[1]


@dataclass(frozen=True)
class Networks:
    """Parameters of an agent's networks; a subclass has a field for each further network."""

    #: the network that acts; averaged, delayed and exported
    actor: Parameters
    critic: Parameters = ()
    #: the logarithm of the temperature
    temperature: Parameters = ()

    def named(self) -> dict[str, Parameters]:
        """Return the parameters of the networks that there are, by the network's name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if len(value)}


class Algorithm(Protocol):
    """
    An agent's networks, and how their losses follow from a batch; updates are not its affair.

    Losses are scalars. Their sum is differentiated in one pass, so a loss must send gradients only
    into the networks that it is to train.
    """

    #: actor and targets move in one of so many updates
    policy_delay: int

    def initial(self, generator: torch.Generator) -> Networks:
        """Draw parameters."""

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw the random numbers of the losses of ``count`` samples, on the device."""

    def losses(self, online: Networks, target: Networks, inputs: Inputs) -> dict[str, Tensor]:
        """
        Return ``<network>_loss`` of networks, and what else is worth a look.

        A network without a loss of its own learns from those of others.

        Where the inputs have weights, ``td_error``, shape (n,), is among it.
        """

    def act(self, actor: Parameters, state: Tensor) -> Tensor:
        """Return the policy's actions in [-1, 1] without noise, shape (n, A)."""

    def policy_nodes(self) -> Sequence[onnx.NodeProto]:
        """
        Return ONNX nodes that compute what :meth:`act` does.

        They lead from :data:`~her_ros.learning.agents.networks.STATE` to ``action``. Robots accept
        the operators that :mod:`her_ros.policy.onnx_check` lists.
        """

    def policy_constants(self, actor: Parameters) -> Mapping[str, Tensor]:
        """Return the constants of these nodes by name."""


class ActorCritic:
    """
    An actor, and critics of (state, action) in one list of parameters.

    :param actor_outputs: numbers that the actor gives per component of the action
    """

    policy_delay = 1

    def __init__(
        self, task: GoalTask, parameters: LearnerParameters, actor_outputs: int = 1
    ) -> None:
        state_size = task.observation_size + task.goal_size
        self.actor = Mlp([state_size, *parameters.hidden_sizes, actor_outputs * task.action_size])
        self.critic = Mlp(
            [state_size + task.action_size, *parameters.hidden_sizes, 1],
            parameters.critic_layer_norm,
        )
        self._critics = parameters.critic_count
        self._discount = parameters.discount
        self._action_size = task.action_size

    def initial(self, generator: torch.Generator) -> Networks:
        """Draw parameters."""
        actor = self.actor.initial(generator)
        critics = [self.critic.initial(generator) for _ in range(self._critics)]
        return Networks(actor, [parameter for critic in critics for parameter in critic])

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw nothing."""
        return NO_NOISE

    def policy_layers(self, actor: Parameters) -> Parameters:
        """Return weight and bias of every layer of the policy, whose last function is tanh."""
        return actor

    def policy_nodes(self) -> list[onnx.NodeProto]:
        """Return the ONNX nodes of the policy."""
        return self.actor.policy_nodes()

    def policy_constants(self, actor: Parameters) -> dict[str, Tensor]:
        """Return the constants of these nodes by name."""
        return self.actor.policy_constants(self.policy_layers(actor))

    def values(self, critics: Parameters, state: Tensor, action: Tensor) -> Tensor:
        """Return Q(state, action) of each critic whose parameters are given, shape (c, n)."""
        inputs, size = torch.cat((state, action), -1), len(self.critic.shapes)
        each = [critics[i:][:size] for i in range(0, len(critics), size)]
        return torch.cat([self.critic(critic, inputs) for critic in each], -1).t()


def critic_losses(error: Tensor, weight: Tensor | None) -> dict[str, Tensor]:
    """
    Return the mean squared error of each critic, added up, and errors where they are weighted.

    :param error: values minus targets, shape (c, n)
    :param weight: how much each transition counts, shape (n,); None: all alike
    """
    if weight is None:
        return {'critic_loss': (error * error).mean(-1).sum()}
    return {
        'critic_loss': (weight * error * error).mean(-1).sum(),
        'td_error': error.detach().abs().mean(0),
    }


def drawn_normals(sets: int, count: int, action_size: int, generator: torch.Generator) -> Tensor:
    """Draw standard normal numbers for several sets of actions, shape (sets, count, A)."""
    return torch.randn((sets, count, action_size), generator=generator, device=generator.device)


def frozen(parameters: Parameters) -> list[Tensor]:
    """Return the same parameters, into which no gradient flows."""
    return [parameter.detach() for parameter in parameters]
