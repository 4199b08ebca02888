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

"""Batches of the replay buffer, and the random numbers that determine them."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

#: random numbers for the symmetries of a transition: whether it is mirrored front-back and
#: left-right, and how far it is moved along x and y
SYMMETRY_NUMBERS = 4
#: random numbers for the offset of a hindsight goal: whether it is moved, how far along x and y
OFFSET_NUMBERS = 3
# Numbers that every transition uses: which one, whether it is relabelled, with which goal.
_PLAIN_NUMBERS = 3


class NoiseSpec(NamedTuple):
    """The random numbers that one transition of a batch uses."""

    #: goals of each transition that a curriculum chooses from; 0: there is none
    candidates: int = 0
    #: whether samples are transformed by symmetries of the task
    symmetries: bool = False
    #: whether hindsight goals are moved
    goal_offsets: bool = False

    @property
    def rows(self) -> int:
        """Return the number of random numbers per transition."""
        return (
            _PLAIN_NUMBERS
            + self.candidates
            + OFFSET_NUMBERS * self.goal_offsets
            + SYMMETRY_NUMBERS * self.symmetries
        )


#: without curriculum, symmetries and moved goals
PLAIN_NOISE = NoiseSpec()


@dataclass(frozen=True)
class Batch:
    """
    Transitions whose goal stands in both states; all tensors share their first dimension.

    Shapes: observations (n, O), achieved goals and goal (n, G), action (n, A), reward, terminated
    and steps_to_goal (n,). Goals are float64, in which the environment computes its rewards too.
    """

    observation: Tensor
    achieved_goal: Tensor
    action: Tensor
    next_observation: Tensor
    next_achieved_goal: Tensor
    goal: Tensor
    reward: Tensor
    terminated: Tensor
    #: moves from the observation to the later state of its episode whose achieved goal became the
    #: goal; 0 for all other goals
    steps_to_goal: Tensor
    #: row of the observation in the buffer, (n,)
    row: Tensor
    #: weight of a transition, (n,), if some are drawn for their errors; None: all alike
    weight: Tensor | None = None
    #: achieved goals as the policy saw them, if the truth is stored, float32, (n, G)
    seen_achieved_goal: Tensor | None = None
    next_seen_achieved_goal: Tensor | None = None
    #: true observations, if critics see the truth, (n, O)
    true_observation: Tensor | None = None
    next_true_observation: Tensor | None = None


@dataclass(frozen=True)
class SampleNoise:
    """Uniform random numbers in [0, 1), float64, shape (n,), from which a batch follows."""

    transition: Tensor
    relabel: Tensor
    future: Tensor
    #: for a curriculum: one number for each goal that it chooses from, shape (c, n)
    candidates: Tensor | None = None
    #: for symmetries: :data:`SYMMETRY_NUMBERS` numbers each, shape (4, n)
    symmetry: Tensor | None = None
    #: for moved hindsight goals: :data:`OFFSET_NUMBERS` numbers each, shape (3, n)
    goal_offset: Tensor | None = None

    @classmethod
    def random(
        cls, count: int, generator: torch.Generator, spec: NoiseSpec = PLAIN_NOISE
    ) -> 'SampleNoise':
        """Draw for ``count`` transitions on the generator's device."""
        numbers = torch.rand(
            (spec.rows, count), dtype=torch.float64, generator=generator, device=generator.device
        )
        return cls.of(numbers, spec)

    @classmethod
    def of(cls, numbers: Tensor, spec: NoiseSpec = PLAIN_NOISE) -> 'SampleNoise':
        """Split numbers of shape (``spec.rows``, n) by what they decide."""
        transition, relabel, future = numbers[:_PLAIN_NUMBERS]
        if spec == PLAIN_NOISE:
            return cls(transition, relabel, future)
        sizes = (
            spec.candidates,
            OFFSET_NUMBERS * spec.goal_offsets,
            SYMMETRY_NUMBERS * spec.symmetries,
        )
        candidates, goal_offset, symmetry = numbers[_PLAIN_NUMBERS:].split(sizes)
        return cls(
            transition,
            relabel,
            future,
            candidates=candidates if spec.candidates else None,
            symmetry=symmetry if spec.symmetries else None,
            goal_offset=goal_offset if spec.goal_offsets else None,
        )
