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

"""Find the states after which an episode's achieved goal still moves."""

from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray

# States of one episode compared at a time with all that come later.
_BLOCK = 256


def moves_on(achieved_goal: NDArray[np.float64], task: GoalTask) -> NDArray[np.bool]:
    """
    Tell from which states on the achieved goal still gets away from where it is.

    From the other states every goal that HER puts in is reached already, and nothing is learned
    (Manela & Biess 2021, arXiv 1905.05498, filter them out).

    :param achieved_goal: of a whole episode, shape (T + 1, G)
    :return: whether any later one is out of tolerance, of every state, shape (T + 1,)
    """
    length = len(achieved_goal)
    moves = np.zeros(length, bool)
    # In blocks, so that an episode of any length takes little memory.
    for first in range(0, length, _BLOCK):
        some = slice(first, first + _BLOCK)
        reached = task.is_success(achieved_goal[some, None], achieved_goal[None, first:])
        moves[some] = np.triu(np.logical_not(reached), 1).any(1)
    return moves
