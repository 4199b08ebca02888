"""Agents: what every update has in common, and DDPG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from her_ros.core.parameters import LearnerParameters
from her_ros.core.task import GoalTask
from her_ros.learning.guard import GUARDS, Proposal
from her_ros.learning.networks import Mlp, Parameters


@dataclass(frozen=True)
class Inputs:
    """A batch as the networks see it: states (n, O + G) are normalised observation and goal."""

    state: Tensor
    action: Tensor
    next_state: Tensor
    reward: Tensor
    terminated: Tensor
    steps_to_goal: Tensor
    #: how much each transition counts for the critic; None: all alike
    weight: Tensor | None = None


@dataclass(frozen=True)
class Networks:
    """Parameters of actor and critic."""

    actor: Parameters
    critic: Parameters

    def named(self) -> dict[str, Parameters]:
        """Return the parameters by the network's name."""
        return {'actor': self.actor, 'critic': self.critic}


class Algorithm(Protocol):
    """An actor-critic algorithm: how its losses follow from a batch. Updates are not its affair.

    Losses are scalars. ``actor_loss`` must not send gradients into the critic, nor
    ``critic_loss`` into the actor, so that their sum can be differentiated in one pass.
    """

    def initial(self, generator: torch.Generator) -> Networks:
        """Draw parameters."""

    def losses(self, online: Networks, target: Networks, inputs: Inputs) -> dict[str, Tensor]:
        """Return ``actor_loss``, ``critic_loss`` and what else is worth a look.

        Where the inputs have weights, ``td_error``, shape (n,), is among it.
        """

    def act(self, actor: Parameters, state: Tensor) -> Tensor:
        """Return actions in [-1, 1], shape (n, A)."""


class Ddpg:
    """Deep deterministic policy gradient as Plappert et al. 2018 use it for Fetch.

    Lillicrap et al. 2016 (arXiv 1509.02971), with targets clipped to the possible returns and an
    L2 penalty on actions (arXiv 1802.09464, appendix A). With several critics, the lowest of their
    targets counts for all (clipped double Q-learning, Fujimoto et al. 2018, arXiv 1802.09477).
    """

    def __init__(self, task: GoalTask, parameters: LearnerParameters) -> None:
        state_size = task.observation_size + task.goal_size
        self.actor = Mlp([state_size, *parameters.hidden_sizes, task.action_size])
        self.critic = Mlp(
            [state_size + task.action_size, *parameters.hidden_sizes, 1],
            parameters.critic_layer_norm,
        )
        self._critics = parameters.critics
        self._discount = parameters.discount
        # Where actions are imitated it would make them smaller than the recorded ones.
        self._action_l2 = parameters.action_l2 if parameters.guard == 'none' else 0.0
        self._guard = GUARDS[parameters.guard]
        # Rewards are -1 or 0, so no return lies below this or above 0.
        self._lowest_return = -1.0 / (1.0 - parameters.discount)

    def initial(self, generator: torch.Generator) -> Networks:
        """Draw parameters."""
        actor = self.actor.initial(generator)
        critics = [self.critic.initial(generator) for _ in range(self._critics)]
        return Networks(actor, [parameter for critic in critics for parameter in critic])

    def act(self, actor: Parameters, state: Tensor) -> Tensor:
        """Return actions in [-1, 1], shape (n, A)."""
        return torch.tanh(self.actor(actor, state))

    def values(self, critics: Parameters, state: Tensor, action: Tensor) -> Tensor:
        """Return Q(state, action) of each critic whose parameters are given, shape (c, n)."""
        inputs, size = torch.cat((state, action), -1), len(self.critic.shapes)
        each = [critics[i : i + size] for i in range(0, len(critics), size)]
        return torch.cat([self.critic(critic, inputs) for critic in each], -1).t()

    def targets(self, target: Networks, inputs: Inputs) -> Tensor:
        """Return what Q should be, shape (n,); only termination cuts the bootstrap."""
        with torch.no_grad():
            next_action = self.act(target.actor, inputs.next_state)
            next_value = self.values(target.critic, inputs.next_state, next_action).amin(0)
            value = inputs.reward + self._discount * torch.where(
                inputs.terminated, 0.0, next_value
            )
            return value.clamp(self._lowest_return, 0.0)

    def losses(self, online: Networks, target: Networks, inputs: Inputs) -> dict[str, Tensor]:
        """Return the losses, and the mean value of the batch."""
        targets = self.targets(target, inputs)
        values = self.values(online.critic, inputs.state, inputs.action)
        error = values - targets
        action = self.act(online.actor, inputs.state)
        # The actor follows the first critic, as in TD3.
        first = frozen(online.critic[: len(self.critic.shapes)])
        improved = self.values(first, inputs.state, action)[0]
        proposal = Proposal(
            value=improved,
            deviation=(action - inputs.action).square().mean(-1),
            advantage=targets - improved.detach(),
            steps_to_goal=inputs.steps_to_goal,
            discount=self._discount,
        )
        return {
            **critic_losses(error, inputs.weight),
            'actor_loss': (self._action_l2 * action * action).mean() + self._guard(proposal),
            'value': values.detach().mean(),
        }


def critic_losses(error: Tensor, weight: Tensor | None) -> dict[str, Tensor]:
    """Return the mean squared error of each critic, added up, and errors where they are weighted.

    :param error: values minus targets, shape (c, n)
    :param weight: how much each transition counts, shape (n,); None: all alike
    """
    if weight is None:
        return {'critic_loss': (error * error).mean(-1).sum()}
    return {
        'critic_loss': (weight * error * error).mean(-1).sum(),
        'td_error': error.detach().abs().mean(0),
    }


def frozen(parameters: Parameters) -> list[Tensor]:
    """Return the same parameters, into which no gradient flows."""
    return [parameter.detach() for parameter in parameters]


class _Flat:
    """Parameters in one piece of memory, so that what is done to all of them is done at once."""

    def __init__(self, parameters: Parameters, device: torch.device | str) -> None:
        self.whole = torch.cat([parameter.ravel() for parameter in parameters]).to(device)
        parts = self.whole.split([parameter.numel() for parameter in parameters])
        self.parts = [
            part.view(parameter.shape) for part, parameter in zip(parts, parameters, strict=True)
        ]


class Agent:
    """Online and target networks of an algorithm, and the one way to update them.

    :param generator: CPU generator that draws the initial parameters
    """

    def __init__(
        self,
        algorithm: Algorithm,
        parameters: LearnerParameters,
        generator: torch.Generator,
        device: torch.device | str = 'cpu',
    ) -> None:
        self.algorithm = algorithm
        self._target_update = parameters.target_update
        self._policy_average = parameters.policy_average
        self._learning_rates = {
            'actor': parameters.actor_learning_rate,
            'critic': parameters.critic_learning_rate,
        }
        initial = algorithm.initial(generator).named()
        zeros = {k: [torch.zeros_like(p) for p in v] for k, v in initial.items()}
        # By what they are, then by network: all that an update changes.
        self._memory = {
            kind: {name: _Flat(values, device) for name, values in start.items()}
            for kind, start in (
                ('online', initial), ('target', initial), ('mean', zeros), ('square', zeros),
            )
        }  # fmt: skip
        if self._policy_average < 1.0:
            self._memory['average'] = {'actor': _Flat(initial['actor'], device)}
        self._steps = torch.zeros((), device=device)
        #: the actor that is to act: averaged over the last updates (Polyak & Juditsky 1992; for
        #: policies Nikishin et al. 2018), since the online one never comes to rest
        self.policy = self._memory.get('average', self._memory['online'])['actor'].parts
        self.online = Networks(**{k: v.parts for k, v in self._memory['online'].items()})
        self.target = Networks(**{k: v.parts for k, v in self._memory['target'].items()})

    def gradients(self, inputs: Inputs) -> tuple[dict[str, list[Tensor]], dict[str, Tensor]]:
        """Differentiate the losses of a batch; changes nothing.

        :return: the gradients of each network, and what the algorithm's losses are, on the device
        """
        online = self.online.named().items()
        leaves = {name: [p.requires_grad_() for p in frozen(v)] for name, v in online}
        losses = self.algorithm.losses(Networks(**leaves), self.target, inputs)
        total = losses['actor_loss'] + losses['critic_loss']
        gradients = iter(torch.autograd.grad(total, [p for v in leaves.values() for p in v]))
        return (
            {name: [next(gradients) for _ in v] for name, v in leaves.items()},
            {name: loss.detach() for name, loss in losses.items()},
        )

    @property
    def steps(self) -> Tensor:
        """Number of updates made, a scalar on the device."""
        return self._steps

    def apply(self, gradients: Mapping[str, Sequence[Tensor]]) -> None:
        """Take one step of Adam on both networks, then move targets and average."""
        # Adam's bias correction divides by 1 - beta^steps, so it counts from 1.
        self._steps += 1
        for name, each in gradients.items():
            self._adam(name, each)
            online, target = (self._memory[kind][name].whole for kind in ('online', 'target'))
            target.lerp_(online, self._target_update)
        if 'average' in self._memory:
            online, average = (self._memory[kind]['actor'].whole for kind in ('online', 'average'))
            # A plain mean at first, which forgets where the actor began.
            average.lerp_(online, (1.0 / self._steps).clamp(min=self._policy_average))

    def _adam(self, name: str, gradients: Sequence[Tensor]) -> None:
        """Apply Adam (Kingma & Ba 2015, algorithm 1) to one network, in one call."""
        online, mean, square = (
            self._memory[kind][name].parts for kind in ('online', 'mean', 'square')
        )
        torch._fused_adam_(
            online,
            list(gradients),
            mean,
            square,
            [],
            [self._steps] * len(gradients),
            lr=self._learning_rates[name],
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        """Return parameters and optimiser state."""
        return {
            **{
                kind: {name: flat.whole for name, flat in flats.items()}
                for kind, flats in self._memory.items()
            },
            'steps': {'adam': self._steps},
        }

    def load_state_dict(self, state: dict[str, dict[str, Tensor]]) -> None:
        """Take over parameters and optimiser state."""
        for group, tensors in self.state_dict().items():
            for name, tensor in tensors.items():
                tensor.copy_(state[group][name])
