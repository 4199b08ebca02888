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

"""
Offline regularizers: loss terms that keep the policy near the recorded actions.

Off-policy learning trusts the critic for actions that were never recorded, and without new
episodes nothing corrects its errors. A regularizer ties the actor to the recorded actions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# Weight of the value beside the imitation, TD3+BC's alpha (Fujimoto & Gu 2021, section 5).
_VALUE_WEIGHT = 2.5
# WGCSL's limit of the advantage weight, and what is left of it where the advantage is low (Yang et
# al. 2022, section 3.2 and appendix).
_HIGHEST_WEIGHT, _LOWEST_SHARE = 10.0, 0.05
# Share of the imitated samples whose advantage counts as low. WGCSL raises it during training from
# 0 to 0.8; this is the middle of it.
_LOW_ADVANTAGES = 0.4


@dataclass(frozen=True)
class ActorLossInputs:
    """Proposed and recorded actions of a batch, compared; all of shape (n,)."""

    #: Q(s, π(s)); gradients flow into the actor
    value: Tensor
    #: mean squared difference of π(s) and the recorded action; gradients flow into the actor
    deviation: Tensor
    #: advantage of the recorded action over π(s), by the critic
    advantage: Tensor
    #: moves from s to the goal in the recorded episode; 0 if the goal is no later state of it
    steps_to_goal: Tensor
    discount: float


def unregularized(inputs: ActorLossInputs) -> Tensor:
    """Raise the value, as DDPG does."""
    return -inputs.value.mean()


def td3_bc(inputs: ActorLossInputs) -> Tensor:
    """
    Raise the value and imitate, in equal units.

    Fujimoto & Gu 2021 (arXiv 2106.06860), eq. 5 and 6; here with HER's goals, and with the mean
    size of Q(s, π(s)), as the authors' own code has it.
    """
    scale = inputs.value.detach().abs().mean().clamp(min=1e-6)
    return inputs.deviation.mean() - _VALUE_WEIGHT / scale * inputs.value.mean()


def gcsl(inputs: ActorLossInputs) -> Tensor:
    """Imitate the actions that led to the goal (Ghosh et al. 2021, arXiv 1912.06088)."""
    return _mean(inputs.deviation, (inputs.steps_to_goal > 0).to(inputs.deviation.dtype))


def wgcsl(inputs: ActorLossInputs) -> Tensor:
    """
    Imitate the actions that led to the goal; sooner and better ones count more.

    Weighted goal-conditioned supervised learning, Yang et al. 2022 (arXiv 2202.04478), eq. 4 to 6:
    discount, exponential advantage, and less of what lies in the lower part of the advantages.
    """
    advantage, steps = inputs.advantage, inputs.steps_to_goal
    weight = inputs.discount**steps * advantage.exp().clamp(max=_HIGHEST_WEIGHT)
    # Compared with the samples that are imitated, and with no others.
    threshold = torch.where(steps > 0, advantage, torch.nan).nanquantile(_LOW_ADVANTAGES)
    weight = torch.where(advantage < threshold, _LOWEST_SHARE * weight, weight)
    return _mean(weight * inputs.deviation, (steps > 0).to(weight.dtype))


def _mean(values: Tensor, counts: Tensor) -> Tensor:
    return (values * counts).sum() / counts.sum().clamp(min=1.0)


#: actor losses by the name that a parameter file gives
OFFLINE_REGULARIZERS: dict[str, Callable[[ActorLossInputs], Tensor]] = {
    'none': unregularized,
    'td3_bc': td3_bc,
    'wgcsl': wgcsl,
    'gcsl': gcsl,
}
