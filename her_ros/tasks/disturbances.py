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
Disturbances of a robot: what each one is, its range, and what an episode draws of it.

Training, evaluation and the simulated robot use this list.
A disturbance is drawn once per episode. At strength 1 its values lie in the range of the
list; see :func:`parse_disturbances` for other strengths.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.registry import choose_one
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray

#: values of all disturbances of N episodes: a structured array with a field for each, shape (N,)
Drawn = NDArray[np.void]

#: greatest strength, at which a factor of 2 has become 16
MAX_STRENGTH = 4.0


class DisturbanceError(HerRosError):
    """A disturbance that does not exist, or that a task or a simulation does not have."""


@dataclass(frozen=True)
class Disturbance:
    """
    One disturbance; its name ends with its unit.

    A value is drawn uniformly from ``low`` to ``high``, a factor with a uniform logarithm.
    """

    name: str
    description: str
    low: float
    high: float
    #: number of values that are drawn, each by itself, such as x, y and z
    size: int = 1
    #: the value without the disturbance: 1.0 for a factor
    neutral: float = 0.0

    def values(self, strength: float, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Return what numbers in [0, 1) draw; the same shape.

        :param strength: of 2, twice as much, or the square of a factor
        """
        low, high = self.low, self.high
        if self.neutral == 1.0:
            low, high = np.log(low), np.log(high)
        drawn = strength * (low + (high - low) * uniform)
        return np.exp(drawn) if self.neutral == 1.0 else drawn


#: 40 ms is one control period of the Fetch tasks
DISTURBANCES = {
    each.name: each
    for each in (
        Disturbance(
            'object_noise_m', 'standard deviation of each coordinate of the object', 0.01, 0.01
        ),
        Disturbance(
            'object_bias_m', 'constant error of the position of the object', -0.01, 0.01, 3
        ),
        # A line through 11 poses in 0.1 s with 1 cm of noise each leaves 0.095 m/s of it.
        Disturbance(
            'object_velocity_noise_m',
            'standard deviation of its velocity, metres per control period',
            0.004,
            0.004,
        ),
        Disturbance(
            'object_rotation_noise_rad', 'standard deviation of its Euler angles', 0.05, 0.05
        ),
        Disturbance('object_yaw_bias_rad', 'constant error of its yaw', -0.1, 0.1),
        Disturbance(
            'object_spin_noise_rad',
            'standard deviation of its angular velocity, rad per control period',
            0.02,
            0.02,
        ),
        Disturbance(
            'gripper_noise_m',
            "standard deviation of the gripper's position, as noise of the joints makes it",
            0.01,
            0.01,
        ),
        Disturbance('latency_periods', 'age of what is seen, control periods', 1.0, 1.0),
        Disturbance(
            'latency_jitter_periods',
            'greatest additional age, drawn in every control period',
            1.0,
            1.0,
        ),
        Disturbance(
            'lost_share', 'probability that an observation or an action is lost', 0.05, 0.05
        ),
        Disturbance(
            'repeated_share', 'probability that the observation before comes again', 0.05, 0.05
        ),
        Disturbance('arm_lag_periods', 'time constant of a first-order lag of the arm', 0.5, 0.5),
        Disturbance(
            'action_scale', 'factor on the displacement of the gripper', 0.8, 1.25, neutral=1.0
        ),
        Disturbance('friction_scale', 'factor on all friction', 0.5, 1.5, neutral=1.0),
        Disturbance('mass_scale', 'factor on the mass of the object', 0.5, 2.0, neutral=1.0),
        Disturbance('damping_scale', 'factor on the damping of the object', 0.5, 2.0, neutral=1.0),
        Disturbance(
            'object_size_scale', 'factor on the size of the object', 0.9, 1.1, neutral=1.0
        ),
        Disturbance('table_height_m', 'table higher than in training', -0.01, 0.01),
        Disturbance('base_position_m', 'error of base_pose, position', -0.005, 0.005, 3),
        Disturbance('base_yaw_deg', 'error of base_pose, rotation about z', -1.0, 1.0),
        Disturbance(
            'push_mps',
            'speed that a push adds to the object, once in an episode, horizontally',
            0.0,
            0.3,
        ),
    )
}

#: named sets of disturbances
SETS: dict[str, tuple[str, ...]] = {
    'robot': (
        'object_noise_m',
        'object_velocity_noise_m',
        'latency_periods',
        'lost_share',
        'friction_scale',
        'mass_scale',
        'object_size_scale',
        'base_position_m',
        'base_yaw_deg',
    ),
    'all': tuple(DISTURBANCES),
}

#: values of a field of an observation that disturbances act on
FIELD_SIZE = 3
# The field of an observation that a disturbance acts on; the others act on every task.
_FIELDS = {
    'object_noise_m': 'object_position',
    'object_bias_m': 'object_position',
    'object_velocity_noise_m': 'object_velocity_from_gripper',
    'object_rotation_noise_rad': 'object_rotation',
    'object_yaw_bias_rad': 'object_rotation',
    'object_spin_noise_rad': 'object_angular_velocity',
    'gripper_noise_m': 'gripper_position',
    'base_position_m': 'gripper_position',
    'base_yaw_deg': 'gripper_position',
}
# Those that act on the physics of an object.
_OF_OBJECTS = ('mass_scale', 'damping_scale', 'object_size_scale', 'push_mps')

#: structured dtype of :data:`Drawn`
DRAWN_DTYPE = np.dtype([(each.name, 'f4', (each.size,)) for each in DISTURBANCES.values()])


class Disturbances:
    """
    Disturbances and their strengths, by name; those that are not named are off.

    :param single: names that the user gave, not as part of a set
    :param share: share of the episodes that are disturbed
    """

    def __init__(
        self, strengths: Mapping[str, float], single: Iterable[str] = (), share: float = 1.0
    ) -> None:
        self.strengths = dict(strengths)
        self._single = frozenset(single)
        self._share = share

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.strengths)

    def acting_on(self, task: GoalTask) -> 'Disturbances':
        """
        Return those that act on a task: without those of sets for which it lacks a field.

        :raises DisturbanceError: if one that was named by itself does not act on the task
        """
        lacking = {name: missing for name in self.strengths if (missing := _missing(name, task))}
        for name in self.strengths:
            if name in lacking and name in self._single and self.strengths[name] > 0.0:
                raise DisturbanceError(
                    f'disturbance {name!r} acts on {lacking[name]}, which {task.name} lacks',
                    'leave it out',
                )
        return Disturbances(
            {name: value for name, value in self.strengths.items() if name not in lacking},
            share=self._share,
        )

    def without(self, names: Iterable[str], cure: str) -> 'Disturbances':
        """
        Return the others, where some cannot act.

        :param cure: what to do instead of naming them
        :raises DisturbanceError: if one of them was named by itself
        """
        left_out = {name for name in names if name in self.strengths}
        for name in sorted(left_out & self._single):
            if self.strengths[name] > 0.0:
                raise DisturbanceError(f'disturbance {name!r} does not act here', cure)
        kept = {name: value for name, value in self.strengths.items() if name not in left_out}
        return Disturbances(kept, self._single, self._share)

    def draw(self, generator: np.random.Generator) -> Drawn:
        """
        Draw the values of an episode, shape (1,).

        All of the list are drawn and then left out, so that a value does not depend on which
        others are on.
        """
        drawn = neutral(1)
        is_disturbed = self._share == 1.0 or generator.random() < self._share
        for name, each in DISTURBANCES.items():
            uniform = generator.random(each.size)
            if is_disturbed and name in self.strengths:
                drawn[name] = each.values(self.strengths[name], uniform)
        return drawn


def _missing(name: str, task: GoalTask) -> str:
    """Return what a disturbance needs and a task lacks; empty: nothing."""
    fields = task.observation_fields
    if name in _OF_OBJECTS:
        return '' if any(field.startswith('object_') for field, _ in fields) else 'an object'
    field = _FIELDS.get(name)
    if field is None or (field, FIELD_SIZE) in fields:
        return ''
    return f'the {FIELD_SIZE} values of {field}'


def neutral(count: int) -> Drawn:
    """Return the values of episodes without disturbances, shape (count,)."""
    drawn = np.zeros(count, DRAWN_DTYPE)
    for name, each in DISTURBANCES.items():
        drawn[name] = each.neutral
    return drawn


def parse_disturbances(text: str, share: float = 1.0) -> Disturbances:
    """
    Read disturbances as users write them, such as ``robot`` or ``robot:0.5,push_mps``.

    :param text: names of disturbances and of sets, separated by commas, each with an optional
        strength; a later one counts; empty: none
    :param share: share of the episodes that are disturbed
    :raises DisturbanceError: if a name is unknown or a strength out of range
    """
    strengths: dict[str, float] = {}
    single = set()
    for part in filter(None, text.replace(' ', '').split(',')):
        name, colon, number = part.partition(':')
        if name not in SETS and name not in DISTURBANCES:
            raise DisturbanceError(
                f'disturbance {name!r}', choose_one(name, (*SETS, *DISTURBANCES))
            )
        strength = _strength(part, number) if colon else 1.0
        strengths.update(dict.fromkeys(SETS.get(name, (name,)), strength))
        if name in DISTURBANCES:
            single.add(name)
    return Disturbances(strengths, single, share)


def _strength(part: str, number: str) -> float:
    try:
        strength = float(number)
    except ValueError:
        strength = np.nan
    if not 0.0 <= strength <= MAX_STRENGTH:
        raise DisturbanceError(
            f'disturbance {part!r}', f'its strength must be a number in [0, {MAX_STRENGTH:g}]'
        )
    return strength
