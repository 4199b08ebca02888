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
Random offsets of hindsight goals, which put near misses into the batches.

A hindsight goal is a position that was reached, so few sampled transitions miss their goal by
little, and the critic learns slowly where success ends. Half of the hindsight goals are moved
along x and y; the reward is computed for the moved goal.
"""

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.symmetry import SymmetryError, value_map
import torch
from torch import Tensor

# Share of the hindsight goals that are moved.
_SHARE = 0.5


def goal_offsets_of(
    task: GoalTask, parameters: LearnerParameters, device: torch.device | str = 'cpu'
) -> 'GoalOffsets | None':
    """
    Return the offsets of hindsight goals; None if they are not moved.

    :raises SymmetryError: if the task's goals are not known to be positions
    """
    offset_m = parameters.her_goal_offset_m
    if not offset_m:
        return None
    coordinates = value_map(task.goal_kinds).coordinate
    if not coordinates.any():
        raise SymmetryError(
            f'her.goal_offset_m is {offset_m}, but the goals of task {task.name} are not known to'
            ' be positions',
            'set 0.0, or add symmetries to the task that say so',
        )
    return GoalOffsets(torch.from_numpy(coordinates.astype(float)).to(device), offset_m)


class GoalOffsets:
    """
    Moves goals by given random numbers. It has no branches on data, so it can be compiled.

    :param coordinates: 1 where a value of a goal is its x and its y, else 0, shape (2, G)
    :param offset_m: largest offset along x and y, metres
    """

    def __init__(self, coordinates: Tensor, offset_m: float) -> None:
        self._coordinates = coordinates
        self._offset_m = offset_m

    def apply(self, goal: Tensor, is_hindsight: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """
        Move half of the hindsight goals, uniformly within a square.

        :param goal: metres, float64, shape (n, G)
        :param is_hindsight: which of them may be moved, shape (n,)
        :param uniform: numbers in [0, 1), float64, shape (3, n)
        :return: the goals, and which of them were moved
        """
        is_moved = is_hindsight & (uniform[0] < _SHARE)
        offset = (2.0 * uniform[1:] - 1.0) * self._offset_m * is_moved
        return goal + offset.t() @ self._coordinates, is_moved
