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


class Needs(NamedTuple):
    """Random numbers that samples need beside those for a plain transition."""

    #: goals of each transition that a curriculum chooses from; 0: there is none
    candidates: int = 0
    #: whether samples are transformed by symmetries of the task
    symmetries: bool = False
    #: whether hindsight goals are moved
    goal_offsets: bool = False

    @property
    def rows(self) -> int:
        """Number of random numbers that a transition needs."""
        return (
            3
            + self.candidates
            + OFFSET_NUMBERS * self.goal_offsets
            + SYMMETRY_NUMBERS * self.symmetries
        )


#: those of plain transitions
NO_NEEDS = Needs()


@dataclass(frozen=True)
class Batch:
    """Transitions whose goal stands in both states; all tensors share their first dimension.

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
    #: where the buffer keeps the observation, (n,)
    row: Tensor
    #: how much a transition counts, (n,), where some are drawn for their errors; None: all alike
    weight: Tensor | None = None


@dataclass(frozen=True)
class Draws:
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
    def random(cls, count: int, generator: torch.Generator, needs: Needs = NO_NEEDS) -> 'Draws':
        """Draw for ``count`` transitions on the generator's device."""
        numbers = torch.rand(
            (needs.rows, count), dtype=torch.float64, generator=generator, device=generator.device
        )
        return cls.of(numbers, needs)

    @classmethod
    def of(cls, numbers: Tensor, needs: Needs = NO_NEEDS) -> 'Draws':
        """Take numbers of shape (``needs.rows``, n)."""
        sizes = (
            3,
            needs.candidates,
            OFFSET_NUMBERS * needs.goal_offsets,
            SYMMETRY_NUMBERS * needs.symmetries,
        )
        first, candidates, goal_offset, symmetry = numbers.split(sizes)
        transition, relabel, future = first.unbind()
        return cls(
            transition,
            relabel,
            future,
            candidates=candidates if needs.candidates else None,
            symmetry=symmetry if needs.symmetries else None,
            goal_offset=goal_offset if needs.goal_offsets else None,
        )
