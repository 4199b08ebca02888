"""Agents: what every update has in common, and DDPG."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from her_ros.core.parameters import LearnerParameters
from her_ros.core.task import GoalTask
from her_ros.learning.networks import Mlp


@dataclass(frozen=True)
class Inputs:
    """A batch as the networks see it: states (n, O + G) are normalised observation and goal."""

    state: Tensor
    action: Tensor
    next_state: Tensor
    reward: Tensor
    terminated: Tensor


@dataclass(frozen=True)
class Networks:
    """Flat parameters of actor and critic."""

    actor: Tensor
    critic: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """Return the parameters by name."""
        return {'actor': self.actor, 'critic': self.critic}


class Algorithm(Protocol):
    """An actor-critic algorithm: how its losses follow from a batch. Updates are not its affair.

    Losses are scalars. ``actor_loss`` must not send gradients into the critic, nor
    ``critic_loss`` into the actor, so that their sum can be differentiated in one pass.
    """

    def initial(self, generator: torch.Generator) -> Networks:
        """Draw parameters."""

    def losses(self, online: Networks, target: Networks, inputs: Inputs) -> dict[str, Tensor]:
        """Return ``actor_loss``, ``critic_loss`` and what else is worth a look."""

    def act(self, actor: Tensor, state: Tensor) -> Tensor:
        """Return actions in [-1, 1], shape (n, A)."""


class Ddpg:
    """Deep deterministic policy gradient as Plappert et al. 2018 use it for Fetch.

    Lillicrap et al. 2016 (arXiv 1509.02971), with targets clipped to the possible returns and an
    L2 penalty on actions (arXiv 1802.09464, appendix A).
    """

    def __init__(self, task: GoalTask, parameters: LearnerParameters) -> None:
        state_size = task.observation_size + task.goal_size
        self.actor = Mlp([state_size, *parameters.hidden_sizes, task.action_size])
        self.critic = Mlp([state_size + task.action_size, *parameters.hidden_sizes, 1])
        self._discount = parameters.discount
        self._action_l2 = parameters.action_l2
        # Rewards are -1 or 0, so no return lies below this or above 0.
        self._lowest_return = -1.0 / (1.0 - parameters.discount)

    def initial(self, generator: torch.Generator) -> Networks:
        """Draw parameters."""
        return Networks(self.actor.initial(generator), self.critic.initial(generator))

    def act(self, actor: Tensor, state: Tensor) -> Tensor:
        """Return actions in [-1, 1], shape (n, A)."""
        return torch.tanh(self.actor(actor, state))

    def value(self, critic: Tensor, state: Tensor, action: Tensor) -> Tensor:
        """Return Q(state, action), shape (n,)."""
        return self.critic(critic, torch.cat((state, action), -1)).squeeze(-1)

    def targets(self, target: Networks, inputs: Inputs) -> Tensor:
        """Return what Q should be, shape (n,); only termination cuts the bootstrap."""
        with torch.no_grad():
            next_action = self.act(target.actor, inputs.next_state)
            next_value = self.value(target.critic, inputs.next_state, next_action)
            value = inputs.reward + self._discount * torch.where(
                inputs.terminated, 0.0, next_value
            )
            return value.clamp(self._lowest_return, 0.0)

    def losses(self, online: Networks, target: Networks, inputs: Inputs) -> dict[str, Tensor]:
        """Return the losses, and the mean value of the batch."""
        value = self.value(online.critic, inputs.state, inputs.action)
        error = value - self.targets(target, inputs)
        action = self.act(online.actor, inputs.state)
        improved = self.value(online.critic.detach(), inputs.state, action)
        return {
            'critic_loss': (error * error).mean(),
            'actor_loss': (self._action_l2 * action * action).mean() - improved.mean(),
            'value': value.detach().mean(),
        }


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
        self._learning_rates = {
            'actor': parameters.actor_learning_rate,
            'critic': parameters.critic_learning_rate,
        }
        initial = algorithm.initial(generator).tensors()
        self.online = Networks(**{k: v.to(device) for k, v in initial.items()})
        self.target = Networks(**{k: v.to(device, copy=True) for k, v in initial.items()})
        self._moments = {
            k: (torch.zeros_like(v, device=device), torch.zeros_like(v, device=device))
            for k, v in initial.items()
        }
        self._steps = torch.zeros((), device=device)

    def gradients(self, inputs: Inputs) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Differentiate the losses of a batch; changes nothing.

        :return: the gradient of each network, and the losses as tensors on the device
        """
        online = {k: v.detach().requires_grad_() for k, v in self.online.tensors().items()}
        losses = self.algorithm.losses(Networks(**online), self.target, inputs)
        total = losses['actor_loss'] + losses['critic_loss']
        gradients = torch.autograd.grad(total, list(online.values()))
        return (
            dict(zip(online, gradients, strict=True)),
            {name: loss.detach() for name, loss in losses.items()},
        )

    def apply(self, gradients: dict[str, Tensor]) -> None:
        """Take one step of Adam on both networks, then move the targets."""
        # Adam's bias correction divides by 1 - beta^steps, so it counts from 1.
        self._steps += 1
        for name, gradient in gradients.items():
            self._adam(name, gradient)
            target = self.target.tensors()[name]
            target.lerp_(self.online.tensors()[name], self._target_update)

    def _adam(self, name: str, gradient: Tensor) -> None:
        """Apply Adam (Kingma & Ba 2015, algorithm 1) to one network, in one kernel."""
        mean, square = self._moments[name]
        torch._fused_adam_(
            [self.online.tensors()[name]],
            [gradient],
            [mean],
            [square],
            [],
            [self._steps],
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
            'online': self.online.tensors(),
            'target': self.target.tensors(),
            'mean': {k: mean for k, (mean, _) in self._moments.items()},
            'square': {k: square for k, (_, square) in self._moments.items()},
            'steps': {'adam': self._steps},
        }

    def load_state_dict(self, state: dict[str, dict[str, Tensor]]) -> None:
        """Take over parameters and optimiser state."""
        for group, tensors in self.state_dict().items():
            for name, tensor in tensors.items():
                tensor.copy_(state[group][name])
