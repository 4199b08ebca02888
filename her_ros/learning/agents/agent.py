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

"""DDPG, and the update that all agents share."""

from collections.abc import Mapping, Sequence

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.agents.actor_critic import (
    ActorCritic,
    Algorithm,
    critic_losses,
    frozen,
    Inputs,
    Networks,
)
from her_ros.learning.agents.networks import Parameters
from her_ros.learning.agents.offline_regularizer import ActorLossInputs, OFFLINE_REGULARIZERS
from her_ros.learning.torch_private import fused_adam_
from her_ros.tasks.goal_task import GoalTask
import torch
from torch import Tensor


class Ddpg(ActorCritic):
    """
    Deep deterministic policy gradient as Plappert et al. 2018 use it for Fetch.

    Lillicrap et al. 2016 (arXiv 1509.02971), with targets clipped to the possible returns and an
    L2 penalty on actions (arXiv 1802.09464, appendix A). With several critics, the lowest of their
    targets counts for all (clipped double Q-learning, Fujimoto et al. 2018, arXiv 1802.09477).
    """

    def __init__(self, task: GoalTask, parameters: LearnerParameters) -> None:
        super().__init__(task, parameters)
        # Where actions are imitated it would make them smaller than the recorded ones.
        regularizer = parameters.offline_regularizer
        self._action_l2 = parameters.actor_action_l2 if regularizer == 'none' else 0.0
        self._regularizer = OFFLINE_REGULARIZERS[regularizer]
        # Rewards are -1 or 0, so no return lies below this or above 0.
        self._lowest_return = -1.0 / (1.0 - parameters.discount)

    def act(self, actor: Parameters, state: Tensor) -> Tensor:
        """Return actions in [-1, 1], shape (n, A)."""
        return torch.tanh(self.actor(actor, state))

    def next_action(self, actor: Parameters, inputs: Inputs) -> Tensor:
        """Return the actions that targets assume in the next states, shape (n, A)."""
        return self.act(actor, inputs.next_state)

    def targets(self, target: Networks, inputs: Inputs) -> Tensor:
        """Return the targets of Q, shape (n,); only termination cuts the bootstrap."""
        with torch.no_grad():
            next_action = self.next_action(target.actor, inputs)
            next_value = self.values(target.critic, inputs.next_critic_state, next_action).amin(0)
            value = inputs.reward + self._discount * torch.where(
                inputs.terminated, 0.0, next_value
            )
            return value.clamp(self._lowest_return, 0.0)

    def losses(self, online: Networks, target: Networks, inputs: Inputs) -> dict[str, Tensor]:
        """Return the losses, and the mean value of the batch."""
        targets = self.targets(target, inputs)
        values = self.values(online.critic, inputs.critic_state, inputs.action)
        action = self.act(online.actor, inputs.state)
        # The actor follows the first critic, as in TD3.
        first = frozen(online.critic[: len(self.critic.shapes)])
        improved = self.values(first, inputs.critic_state, action)[0]
        actor_inputs = ActorLossInputs(
            value=improved,
            deviation=(action - inputs.action).square().mean(-1),
            advantage=targets - improved.detach(),
            steps_to_goal=inputs.steps_to_goal,
            discount=self._discount,
        )
        return {
            **critic_losses(values - targets, inputs.weight),
            'actor_loss': (self._action_l2 * action * action).mean()
            + self._regularizer(actor_inputs),
            'value': values.detach().mean(),
        }


class _Flat:
    """Parameters in one piece of memory, so that what is done to all of them is done at once."""

    def __init__(self, parameters: Parameters, device: torch.device | str) -> None:
        self.whole = torch.cat([parameter.ravel() for parameter in parameters]).to(device)
        parts = self.whole.split([parameter.numel() for parameter in parameters])
        self.parts = [
            part.view(parameter.shape) for part, parameter in zip(parts, parameters, strict=True)
        ]


class Agent:
    """
    Online and target networks of an algorithm, and the one way to update them.

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
        self._target_update = parameters.tau
        # A new critic knows nothing yet, and would spoil a trained actor.
        self._held = parameters.actor_hold_updates if parameters.starts_without_critics else 0
        self._policy_average = parameters.actor_ema
        drawn = algorithm.initial(generator)
        # A subclass of Networks may have more of them.
        self._networks, initial = type(drawn), drawn.named()
        self._learning_rates = {
            **dict.fromkeys(initial, parameters.critic_learning_rate),
            **dict.fromkeys(('actor', 'temperature'), parameters.actor_learning_rate),
        }
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
        self._steps = {'adam': torch.zeros((), device=device)}
        self._delay = algorithm.policy_delay
        if self._delay > 1:
            # Updates since the actor's last one; an integer, which never grows too large to count.
            self._steps['since_actor'] = torch.zeros((), dtype=torch.int32, device=device)
        #: the actor that is to act: averaged over the last updates (Polyak & Juditsky 1992; for
        #: policies Nikishin et al. 2018), since the online one never comes to rest
        self.policy = self._memory.get('average', self._memory['online'])['actor'].parts
        self.online = self._networks(**{k: v.parts for k, v in self._memory['online'].items()})
        self.target = self._networks(**{k: v.parts for k, v in self._memory['target'].items()})

    def gradients(self, inputs: Inputs) -> tuple[dict[str, list[Tensor]], dict[str, Tensor]]:
        """
        Differentiate the losses of a batch; changes nothing.

        :return: the gradients of each network, and what the algorithm's losses are, on the device
        """
        online = {name: flat.parts for name, flat in self._memory['online'].items()}
        leaves = {name: [p.requires_grad_() for p in frozen(v)] for name, v in online.items()}
        losses = self.algorithm.losses(self._networks(**leaves), self.target, inputs)
        own = [losses[f'{name}_loss'] for name in leaves if f'{name}_loss' in losses]
        total = own[0]
        for loss in own[1:]:
            total = total + loss
        gradients = iter(torch.autograd.grad(total, [p for v in leaves.values() for p in v]))
        return (
            {name: [next(gradients) for _ in v] for name, v in leaves.items()},
            {name: loss.detach() for name, loss in losses.items()},
        )

    @property
    def steps(self) -> Tensor:
        """Return the number of updates made, a scalar on the device."""
        return self._steps['adam']

    def apply(self, gradients: Mapping[str, Sequence[Tensor]]) -> None:
        """
        Take one step of Adam on every network, then move targets and average.

        Where actor and targets are delayed, or the actor is held, a tensor says whether it is
        their turn, and the actor's gradient is there either way: so what is captured is the same
        in every update.
        """
        # Adam's bias correction divides by 1 - beta^steps, so it counts from 1.
        self._steps['adam'] += 1
        skipped = self._skipped()
        rate: float | Tensor = self._target_update
        if skipped is not None:
            rate = self._target_update * ~skipped
        for name, each in gradients.items():
            if name == 'actor':
                self._adam(name, each, self._with_hold(skipped), self._held)
            else:
                self._adam(name, each)
            online, target = (self._memory[kind][name].whole for kind in ('online', 'target'))
            target.lerp_(online, rate)
        if 'average' in self._memory:
            online, average = (self._memory[kind]['actor'].whole for kind in ('online', 'average'))
            # A plain mean at first, which forgets where the actor began.
            share = (1.0 / self._steps['adam']).clamp(min=self._policy_average)
            average.lerp_(online, share)

    def _skipped(self) -> Tensor | None:
        """Tell whether this update leaves actor and targets alone; None: none ever does."""
        if self._delay == 1:
            return None
        since = self._steps['since_actor']
        since.add_(1).remainder_(self._delay)
        return since != 0

    def _with_hold(self, skipped: Tensor | None) -> Tensor | None:
        """Tell whether this update leaves the actor alone; None: none ever does."""
        if not self._held:
            return skipped
        is_held = self._steps['adam'] <= self._held
        return is_held if skipped is None else is_held | skipped

    def _adam(
        self,
        name: str,
        gradients: Sequence[Tensor],
        skipped: Tensor | None = None,
        held: int = 0,
    ) -> None:
        """
        Apply Adam (Kingma & Ba 2015, algorithm 1) to one network, in one call.

        :param skipped: whether to change nothing; None: never
        :param held: number of the first updates that change nothing
        """
        online, mean, square = (
            self._memory[kind][name].parts for kind in ('online', 'mean', 'square')
        )
        # The CUDA kernel reads its steps as float32, whatever the networks are.
        steps, leave_out = self._steps['adam'].float(), None
        if skipped is not None:
            steps = ((steps - held) // self._delay).clamp(min=1.0)
            # What the kernel has for gradients that overflowed: it then changes nothing.
            leave_out = skipped.float()
        fused_adam_(
            online,
            list(gradients),
            mean,
            square,
            [],
            [steps] * len(gradients),
            lr=self._learning_rates[name],
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
            found_inf=leave_out,
        )

    def load_policy(self, constants: Mapping[str, Tensor]) -> None:
        """Copy the constants of a policy's ONNX nodes into the actor and its copies."""
        for kind in ('online', 'target', 'average'):
            if kind in self._memory:
                actor = self._memory[kind]['actor'].parts
                for name, own in self.algorithm.policy_constants(actor).items():
                    own.copy_(constants[name])

    def load_networks(self, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        """
        Copy online and target networks of a state that :meth:`state_dict` returned.

        If the state has an averaged actor, that one becomes the online actor and its average.
        """
        for kind in ('online', 'target'):
            for name, flat in self._memory[kind].items():
                flat.whole.copy_(state[kind][name])
        actor = state.get('average', state['online'])['actor']
        for kind in ('online', 'average'):
            if kind in self._memory:
                self._memory[kind]['actor'].whole.copy_(actor)

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        """Return parameters and optimiser state."""
        return {
            **{
                kind: {name: flat.whole for name, flat in flats.items()}
                for kind, flats in self._memory.items()
            },
            'steps': self._steps,
        }

    def load_state_dict(self, state: dict[str, dict[str, Tensor]]) -> None:
        """Take over parameters and optimiser state."""
        for group, tensors in self.state_dict().items():
            for name, tensor in tensors.items():
                tensor.copy_(state[group][name])
