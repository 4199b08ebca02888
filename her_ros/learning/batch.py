"""What is drawn from the replay buffer, and the random numbers it follows from."""

from dataclasses import dataclass

import torch
from torch import Tensor


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

    @classmethod
    def random(cls, count: int, generator: torch.Generator, candidates: int = 0) -> 'Draws':
        """Draw for ``count`` transitions on the generator's device.

        :param candidates: goals of each that a curriculum chooses from; 0: there is none
        """
        numbers = torch.rand(
            (3 + candidates, count),
            dtype=torch.float64,
            generator=generator,
            device=generator.device,
        )
        return cls.of(numbers)

    @classmethod
    def of(cls, numbers: Tensor) -> 'Draws':
        """Take numbers of shape (3 + c, n), c of them for each transition's candidates."""
        transition, relabel, future = numbers[:3]
        return cls(transition, relabel, future, numbers[3:] if len(numbers) > 3 else None)
