"""Samples transformed by symmetries of their task.

A reflection or a horizontal offset acts on both states, the goal and the action together, so a
transformed sample is one that could have been recorded, with the same reward. Mirrored states for
HER: Lin et al. 2019 (arXiv 1909.10707).
"""

import torch
from torch import Tensor

from her_ros.core.learner_parameters import LearnerParameters
from her_ros.core.symmetry import Fields, check_symmetries, value_map
from her_ros.core.task import GoalTask


def symmetries_of(
    task: GoalTask, parameters: LearnerParameters, device: torch.device | str = 'cpu'
) -> 'SampleSymmetries | None':
    """Return how samples are transformed; None: not at all.

    :raises SymmetryError: if the task lacks a symmetry that the parameters use
    """
    probabilities = (parameters.mirror_front_back, parameters.mirror_left_right)
    check_symmetries(task.name, task.symmetries, *probabilities, parameters.horizontal_offset_m)
    if not any(probabilities) and not parameters.horizontal_offset_m:
        return None
    return SampleSymmetries(task, probabilities, parameters.horizontal_offset_m, device)


class SampleSymmetries:
    """Reflects and moves samples by random numbers; tensors alone decide, so it can be compiled.

    :param probabilities: of the front-back and of the left-right reflection
    :param offset_m: largest offset along x and y, metres
    """

    def __init__(
        self,
        task: GoalTask,
        probabilities: tuple[float, float],
        offset_m: float,
        device: torch.device | str,
    ) -> None:
        symmetries = task.symmetries
        assert symmetries is not None
        self._probability = torch.tensor(probabilities, dtype=torch.float64, device=device)[
            :, None
        ]
        planes = [symmetries.front_back_x_m or 0.0, symmetries.left_right_y_m or 0.0]
        self._twice_plane_m = (
            2.0 * torch.tensor(planes, dtype=torch.float64, device=device)[:, None]
        )
        self._offset_m = offset_m
        moment = [*task.observation_kinds, *task.action_kinds]
        self._moments = Transformation([*moment, *moment], torch.float32, device)
        self._goals = Transformation([*task.goal_kinds, *task.goal_kinds], torch.float64, device)
        self._goal = Transformation(task.goal_kinds, torch.float64, device)

    def apply(
        self, moments: Tensor, goals: Tensor, goal: Tensor, uniform: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Transform samples.

        :param moments: observation and action, twice, float32, shape (n, 2 (O + A))
        :param goals: achieved goals of both states, metres, float64, shape (n, 2 G)
        :param goal: metres, float64, shape (n, G)
        :param uniform: numbers in [0, 1), float64, shape (4, n)
        """
        mirrored = uniform[:2] < self._probability
        offset = (2.0 * uniform[2:] - 1.0) * self._offset_m
        shift = torch.where(mirrored, self._twice_plane_m, 0.0) + offset
        return (
            self._moments(moments, mirrored, shift),
            self._goals(goals, mirrored, shift),
            self._goal(goal, mirrored, shift),
        )


class Transformation:
    """What symmetries do to rows of values of these kinds."""

    def __init__(
        self, fields: Fields, dtype: torch.dtype, device: torch.device | str = 'cpu'
    ) -> None:
        values = value_map(fields)
        negated, coordinate = torch.tensor(values.negated), torch.tensor(values.coordinate)
        # Which of the signs (1, x, y, x y) and of the shifts (0, x, y) each value has.
        self._sign = (negated[0].long() + 2 * negated[1]).to(device)
        self._shift = (coordinate[0].long() + 2 * coordinate[1]).to(device)
        self._source = torch.tensor(values.source, device=device)
        self._swaps = bool((values.source != range(len(values.source))).any())
        self._dtype = dtype

    def __call__(self, values: Tensor, mirrored: Tensor, shift: Tensor) -> Tensor:
        """Transform rows.

        :param values: shape (n, m)
        :param mirrored: whether each row is reflected along x and along y, shape (2, n)
        :param shift: what to add to coordinates along x and y, after the sign, shape (2, n)
        """
        if self._swaps:
            swapped = values.index_select(1, self._source)
            values = torch.where(mirrored[1, :, None], swapped, values)
        x, y = (1.0 - 2.0 * mirrored.to(self._dtype)).unbind()
        signs = torch.stack((torch.ones_like(x), x, y, x * y), 1)
        shifts = torch.nn.functional.pad(shift.to(self._dtype).t(), (1, 0))
        return torch.addcmul(
            shifts.index_select(1, self._shift), values, signs.index_select(1, self._sign)
        )
