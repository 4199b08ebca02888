"""Batches of the replay buffer, and the random numbers that determine them."""

from dataclasses import dataclass

import torch
from torch import Tensor

#: random numbers for the symmetries of a transition: whether it is mirrored front-back and
#: left-right, and how far it is moved along x and y
SYMMETRY_NUMBERS = 4


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

    @classmethod
    def random(
        cls,
        count: int,
        generator: torch.Generator,
        candidates: int = 0,
        symmetries: bool = False,
    ) -> 'Draws':
        """Draw for ``count`` transitions on the generator's device.

        :param candidates: goals of each that a curriculum chooses from; 0: there is none
        :param symmetries: whether samples are transformed by symmetries of the task
        """
        rows = cls.rows(candidates, symmetries)
        numbers = torch.rand(
            (rows, count), dtype=torch.float64, generator=generator, device=generator.device
        )
        return cls.of(numbers, symmetries)

    @staticmethod
    def rows(candidates: int, symmetries: bool) -> int:
        """Return how many numbers a transition needs."""
        return 3 + candidates + SYMMETRY_NUMBERS * symmetries

    @classmethod
    def of(cls, numbers: Tensor, symmetries: bool = False) -> 'Draws':
        """Take numbers of shape (3 + c, n), c of them for each transition's candidates.

        :param symmetries: whether four more rows, the last ones, are for symmetries
        """
        end = len(numbers) - SYMMETRY_NUMBERS * symmetries
        transition, relabel, future, *_ = numbers.unbind()
        candidates = numbers[3:end] if end > 3 else None
        symmetry = numbers[end:] if symmetries else None
        return cls(transition, relabel, future, candidates, symmetry)
