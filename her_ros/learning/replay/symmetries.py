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
Transform sampled transitions by symmetries of their task.

A reflection or a horizontal offset acts on both states, the goal and the action together, so a
transformed sample is one that could have been recorded, with the same reward. Mirrored states for
HER: Lin et al. 2019 (arXiv 1909.10707).
"""

from collections.abc import Sequence
from itertools import chain

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.replay.stored_values import stored_values
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.symmetry import check_symmetries, Fields, Kind, value_map
import torch
from torch import Tensor


def symmetries_of(
    task: GoalTask, parameters: LearnerParameters, device: torch.device | str = 'cpu'
) -> 'SampleSymmetries | None':
    """
    Return how samples are transformed; None: not at all.

    :raises SymmetryError: if the task lacks a symmetry that the parameters use
    """
    probabilities = (parameters.symmetry_front_back, parameters.symmetry_left_right)
    check_symmetries(task.name, task.symmetries, *probabilities, parameters.symmetry_offset_m)
    if not any(probabilities) and not parameters.symmetry_offset_m:
        return None
    kinds = [*chain(*stored_values(task, parameters.truth))]
    return SampleSymmetries(task, probabilities, parameters.symmetry_offset_m, device, kinds)


class SampleSymmetries:
    """
    Reflects and moves samples by random numbers; tensors alone decide, so it can be compiled.

    :param probabilities: of the front-back and of the left-right reflection
    :param offset_m: largest offset along x and y, metres
    :param stored_kinds: kinds and sizes of the values of a stored state; empty: those of an
        observation and an action
    """

    def __init__(
        self,
        task: GoalTask,
        probabilities: tuple[float, float],
        offset_m: float,
        device: torch.device | str,
        stored_kinds: Sequence[tuple[Kind, int]] = (),
    ) -> None:
        symmetries = task.symmetries
        assert symmetries is not None
        planes = [symmetries.front_back_x_m or 0.0, symmetries.left_right_y_m or 0.0]

        def column(values: Sequence[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float64, device=device)[:, None]

        self._probability = column(probabilities)
        self._twice_plane_m = column([2.0 * plane for plane in planes])
        self._least_offset_m = column([-offset_m, -offset_m])
        self._offset_range_m = 2.0 * offset_m
        kinds = stored_kinds or [*task.observation_kinds, *task.action_kinds]
        self._values = Transformation([*kinds, *kinds], torch.float32, device)
        self._goals = Transformation([*task.goal_kinds] * 3, torch.float64, device)

    def apply(
        self, values: Tensor, goals: Tensor, goal: Tensor, uniform: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """
        Transform samples.

        :param values: stored values of both states, float32, such as (n, 2 (O + A))
        :param goals: achieved goals of both states, metres, float64, shape (n, 2 G)
        :param goal: metres, float64, shape (n, G)
        :param uniform: numbers in [0, 1), float64, shape (4, n)
        """
        happens, place = uniform.split(2)
        mirrored = (happens < self._probability).double()
        offset = torch.add(self._least_offset_m, place, alpha=self._offset_range_m)
        shift = torch.addcmul(offset, mirrored, self._twice_plane_m)
        which = reflections(mirrored)
        all_goals = self._goals(torch.cat((goals, goal), 1), mirrored, which, shift)
        values = self._values(values, mirrored.float(), which, shift.float())
        return values, *all_goals.split((goals.shape[1], goal.shape[1]), 1)


def reflections(mirrored: Tensor) -> Tensor:
    """
    Return which reflections happen, 0: none, 1: along x, 2: along y, 3: both, shape (n,).

    :param mirrored: 1 where a row is reflected along x and along y, else 0, shape (2, n)
    """
    along_x, along_y = mirrored.unbind()
    return torch.add(along_x, along_y, alpha=2).int()


class Transformation:
    """Effect of symmetries on rows of values of these kinds."""

    def __init__(
        self, fields: Fields, dtype: torch.dtype, device: torch.device | str = 'cpu'
    ) -> None:
        values = value_map(fields)
        x, y = (torch.where(torch.tensor(each), -1.0, 1.0) for each in values.negated)
        # By which of the reflections happen: none, along x, along y, both; shape (4, m).
        self._signs = torch.stack((torch.ones_like(x), x, y, x * y)).to(device, dtype)
        #: 1 for coordinates along x and along y, shape (2, m)
        self._coordinates = torch.tensor(values.coordinate, dtype=dtype, device=device)
        self._source = torch.tensor(values.source, device=device)
        self._swaps = bool((values.source != range(len(values.source))).any())

    def __call__(self, values: Tensor, mirrored: Tensor, which: Tensor, shift: Tensor) -> Tensor:
        """
        Transform rows.

        :param values: shape (n, m)
        :param mirrored: 1 where a row is reflected along x and along y, else 0, shape (2, n)
        :param which: the same as :func:`reflections` gives it
        :param shift: what to add to coordinates along x and y, after the sign, shape (2, n)
        """
        if self._swaps:
            swapped = values.index_select(1, self._source)
            # With weights of 0 and 1 this selects without rounding, faster than torch.where.
            values = torch.lerp(values, swapped, mirrored[1, :, None])
        signs = self._signs.index_select(0, which)
        # Each coordinate gets one of the two numbers, times 1: nothing is rounded.
        return (signs * values).addmm_(shift.t(), self._coordinates)
