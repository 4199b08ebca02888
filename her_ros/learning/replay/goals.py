"""HER's goal strategies: how hindsight goals are chosen for a stored transition.

Andrychowicz et al. 2017 (arXiv 1707.01495), section 4.5. Of an episode with the states 0 … T, the
transition t leads from state t to state t + 1.

============ ======================================================================
``future``   a later state of the episode: t + 1 … T
``final``    its last state: T
``episode``  any state of it but the first, which no action led to: 1 … T
``random``   the state that any stored transition led to
============ ======================================================================
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Choice:
    """What there is to choose from; all shapes (n,)."""

    #: rows of the states acted in
    row: Tensor
    #: rows of the first states of their episodes; only ``episode`` looks at them
    first: Tensor
    #: rows of the last states of their episodes
    last: Tensor
    #: numbers in [0, 1), float64
    uniform: Tensor
    #: picks rows of states acted in among all that are stored, by numbers in [0, 1)
    anywhere: Callable[[Tensor], Tensor]


def future_rows(choice: Choice) -> Tensor:
    """Choose uniformly among the states after each transition: row + 1 … last."""
    row, last = choice.row, choice.last
    return row + 1 + (choice.uniform * (last - row)).long()


def final_rows(choice: Choice) -> Tensor:
    """Choose the last state of each episode."""
    return choice.last


def episode_rows(choice: Choice) -> Tensor:
    """Choose uniformly among the states of each episode: first + 1 … last."""
    first, last = choice.first, choice.last
    return first + 1 + (choice.uniform * (last - first)).long()


def random_rows(choice: Choice) -> Tensor:
    """Choose uniformly among the states that the stored transitions led to."""
    return choice.anywhere(choice.uniform) + 1


#: strategies by the name that a parameter file gives: rows of goals, from what there is
STRATEGIES: dict[str, Callable[[Choice], Tensor]] = {
    'future': future_rows,
    'final': final_rows,
    'episode': episode_rows,
    'random': random_rows,
}
#: those whose goals lie in the future of the transition that gets them
ALWAYS_LATER = ('future', 'final')
