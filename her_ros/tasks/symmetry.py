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
Symmetries of a task, and their effect on each value of a state, a goal and an action.

Axes are those of REP 103: x points forward, y left, z up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from her_ros.runtime.errors import HerRosError
import numpy as np
from numpy.typing import NDArray


class SymmetryError(HerRosError):
    """Kinds that do not fit a field, or a symmetry that a task does not have."""


class Kind(Enum):
    """
    Kind of the values of a field. It determines how they transform.

    Vectors are in the world frame. A field of two values is (x, y); any other field holds vectors
    (x, y, z), one after the other.
    """

    #: points, metres
    POSITION = 'position'
    #: differences of two points, metres, or in units of an action
    DISPLACEMENT = 'displacement'
    LINEAR_VELOCITY = 'linear velocity'
    #: angles about fixed axes, as in R = Rx(a) Ry(b) Rz(c), of a body that is itself symmetric
    EULER_ROTATION = 'Euler rotation'
    ANGULAR_VELOCITY = 'angular velocity'
    #: one value each of two fingers that face each other along y
    FINGER_PAIR = 'finger pair'
    #: values that no symmetry changes
    SCALAR = 'scalar'


# A reflection negates the component along its normal of a polar vector, and the other two
# components of an axial vector, as rotations and angular velocities are.
_POLAR = (Kind.POSITION, Kind.DISPLACEMENT, Kind.LINEAR_VELOCITY)
_AXIAL = (Kind.EULER_ROTATION, Kind.ANGULAR_VELOCITY)

#: kinds and sizes of consecutive fields
Fields = Iterable[tuple[Kind, int]]


@dataclass(frozen=True)
class Symmetries:
    """
    Symmetries of a task, and the kinds of its values. A plane of None means no such reflection.

    The reward must not change when state, goal and action transform together.
    """

    #: of the task's ``observation_fields``, in their order
    observation: tuple[Kind, ...]
    goal: Kind
    #: kinds of an action's values, and how many there are of each, in their order
    action: tuple[tuple[Kind, int], ...]
    #: y of the plane of the left-right reflection, metres
    left_right_y_m: float | None = None
    #: x of the plane of the front-back reflection, metres
    front_back_x_m: float | None = None
    #: largest horizontal offset, along x and along y, metres
    largest_offset_m: float = 0.0


class ValueMap(NamedTuple):
    """Effect of symmetries on each of n values; rows belong to the axes x and y."""

    #: whether the reflection along the axis negates the value, shape (2, n)
    negated: NDArray[np.bool]
    #: whether the value is a coordinate along the axis, shape (2, n)
    coordinate: NDArray[np.bool]
    #: index of the value that replaces each one in the left-right reflection, shape (n,)
    source: NDArray[np.intp]


def value_map(fields: Fields) -> ValueMap:
    """
    Return the effect of symmetries on the values of consecutive fields.

    :raises SymmetryError: if the size of a field does not fit its kind
    """
    maps = [_field_map(kind, size) for kind, size in fields]
    firsts = np.cumsum([0, *(len(each.source) for each in maps)])
    return ValueMap(
        np.concatenate([each.negated for each in maps], 1),
        np.concatenate([each.coordinate for each in maps], 1),
        np.concatenate([first + each.source for first, each in zip(firsts, maps, strict=False)]),
    )


def _field_map(kind: Kind, size: int) -> ValueMap:
    source = np.arange(size)
    if kind is Kind.FINGER_PAIR:
        if size != 2:
            raise SymmetryError(
                f'a {kind.value} has 2 values, not {size}', 'correct the kinds of the task'
            )
        source = source[::-1]
    if kind not in _POLAR + _AXIAL:
        return ValueMap(np.zeros((2, size), bool), np.zeros((2, size), bool), source)
    dimensions = 2 if size == 2 and kind in _POLAR else 3
    if size % dimensions:
        raise SymmetryError(f'a {kind.value} of {size} values', 'it needs a multiple of 3')
    along = np.tile(np.eye(3, dtype=bool)[:2, :dimensions], size // dimensions)
    return ValueMap(
        negated=along if kind in _POLAR else ~along,
        coordinate=along & (kind is Kind.POSITION),
        source=source,
    )


def check_symmetries(
    name: str,
    symmetries: Symmetries | None,
    front_back: float,
    left_right: float,
    offset_m: float,
) -> None:
    """
    Check that a task has the symmetries that a learner's parameters use.

    :param name: of the task
    :raises SymmetryError: naming the first parameter that the task does not allow
    """
    has = symmetries or Symmetries((), Kind.SCALAR, ())
    if front_back and has.front_back_x_m is None:
        wrong = f'symmetry.front_back is {front_back}, but task {name} has no such symmetry'
    elif left_right and has.left_right_y_m is None:
        wrong = f'symmetry.left_right is {left_right}, but task {name} has no such symmetry'
    elif offset_m > has.largest_offset_m:
        wrong = (
            f'symmetry.offset_m is {offset_m}, but task {name} allows at most'
            f' {has.largest_offset_m}'
        )
    else:
        return
    raise SymmetryError(wrong, 'set 0.0, or add it to the task')
