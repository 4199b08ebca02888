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
HER's goal strategies: how hindsight goals are chosen for a stored transition.

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
class GoalCandidates:
    """Rows of states that a hindsight goal can come from; all shapes (n,)."""

    #: rows of the states acted in
    row: Tensor
    #: rows of the first states of their episodes, for strategies that need them
    first: Tensor
    #: rows of the last states of their episodes
    last: Tensor
    #: numbers in [0, 1), float64
    uniform: Tensor
    #: picks rows of states acted in among all that are stored, by numbers in [0, 1)
    anywhere: Callable[[Tensor], Tensor]


def future_rows(candidates: GoalCandidates) -> Tensor:
    """Choose uniformly among the states after each transition: row + 1 … last."""
    row, last = candidates.row, candidates.last
    return row + 1 + (candidates.uniform * (last - row)).long()


def final_rows(candidates: GoalCandidates) -> Tensor:
    """Choose the last state of each episode."""
    return candidates.last


def episode_rows(candidates: GoalCandidates) -> Tensor:
    """Choose uniformly among the states of each episode: first + 1 … last."""
    first, last = candidates.first, candidates.last
    return first + 1 + (candidates.uniform * (last - first)).long()


def random_rows(candidates: GoalCandidates) -> Tensor:
    """Choose uniformly among the states that the stored transitions led to."""
    return candidates.anywhere(candidates.uniform) + 1


@dataclass(frozen=True)
class GoalStrategy:
    """
    Rule that selects the achieved goals which become goals.

    :param rows: chooses, for each transition, the row of the state whose achieved goal it gets
    :param always_later: whether these states always come after the transition in its episode
    :param needs_first: whether ``rows`` uses :attr:`GoalCandidates.first`; it is stored only then
    """

    rows: Callable[[GoalCandidates], Tensor]
    always_later: bool = False
    needs_first: bool = True


FUTURE = GoalStrategy(future_rows, always_later=True, needs_first=False)
FINAL = GoalStrategy(final_rows, always_later=True, needs_first=False)
EPISODE = GoalStrategy(episode_rows)
RANDOM = GoalStrategy(random_rows, needs_first=False)
