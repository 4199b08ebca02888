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

"""The four Fetch tasks: fields of their observations, sizes, timing and symmetries."""

from typing import Any

from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.symmetry import Kind, Symmetries
import numpy as np
from numpy.typing import NDArray

#: displacement of the gripper that a full action commands per control period, metres
FULL_ACTION_M = 0.05

#: limits of velocities per control period, metres, by field of an observation. Gripper: twice a
#: full action in all three directions at once; the simulation reaches three quarters of one. A
#: finger: its whole range of 0.05 m in a quarter of a control period, in either direction.
MAX_MOVE_M = {
    'gripper_velocity': 2 * 3**0.5 * FULL_ACTION_M,
    'finger_velocities': 4 * 0.05,
}

# Positions in metres, world frame; rotations as Euler angles, rad; velocities per control period
# (m or rad in 0.04 s, not per second), as gymnasium-robotics defines them.
_REACH_FIELDS = (
    ('gripper_position', 3),
    ('finger_positions', 2),
    ('gripper_velocity', 3),
    ('finger_velocities', 2),
)
_OBJECT_FIELDS = (
    ('gripper_position', 3),
    ('object_position', 3),
    ('object_position_from_gripper', 3),
    ('finger_positions', 2),
    ('object_rotation', 3),
    ('object_velocity_from_gripper', 3),
    ('object_angular_velocity', 3),
    ('gripper_velocity', 3),
    ('finger_velocities', 2),
)
_KINDS = {
    'gripper_position': Kind.POSITION,
    'object_position': Kind.POSITION,
    'object_position_from_gripper': Kind.DISPLACEMENT,
    'finger_positions': Kind.FINGER_PAIR,
    'object_rotation': Kind.EULER_ROTATION,
    'object_velocity_from_gripper': Kind.LINEAR_VELOCITY,
    'object_angular_velocity': Kind.ANGULAR_VELOCITY,
    'gripper_velocity': Kind.LINEAR_VELOCITY,
    'finger_velocities': Kind.FINGER_PAIR,
}
# Where episodes start: the settled gripper, around which objects and goals are drawn. The
# simulation computes it, and a test compares the two.
_GRIPPER_Y_M = 0.7491
_GRIPPER_X_M, _PUSH_X_M, _SLIDE_X_M = 1.3419, 1.3629, 1.0130


def _fetch(
    name: str,
    observation_fields: tuple[tuple[str, int], ...],
    gripper_x_m: float,
) -> GoalTask:
    symmetries = Symmetries(
        observation=tuple(_KINDS[field] for field, _ in observation_fields),
        goal=Kind.POSITION,
        # Displacement of the gripper, and opening of the fingers.
        action=((Kind.DISPLACEMENT, 3), (Kind.SCALAR, 1)),
        left_right_y_m=_GRIPPER_Y_M,
        front_back_x_m=gripper_x_m,
        # Less than half of the table, and within the arm's reach.
        largest_offset_m=0.3,
    )
    return GoalTask(
        name=name,
        observation_fields=observation_fields,
        goal_size=3,
        action_size=4,
        goal_tolerance_m=0.05,
        control_period_s=0.04,
        episode_length=50,
        symmetries=symmetries,
        simulation='her_ros.sim.fetch:FetchBatch',
    )


#: the tasks of our own simulation
FETCH_TASKS: dict[str, GoalTask] = {
    task.name: task
    for task in (
        _fetch('FetchReach', _REACH_FIELDS, _GRIPPER_X_M),
        _fetch('FetchPush', _OBJECT_FIELDS, _PUSH_X_M),
        _fetch('FetchSlide', _OBJECT_FIELDS, _SLIDE_X_M),
        _fetch('FetchPickAndPlace', _OBJECT_FIELDS, _GRIPPER_X_M),
    )
}


def fingers_after(
    fingers: NDArray[np.float64], action: Any, widest_m: float
) -> NDArray[np.float64]:
    """
    Return the finger positions that an action commands, metres, shape (..., 2).

    The action is added in metres. This exceeds the range of the fingers, so all but the smallest
    actions open or close them fully.

    :param fingers: measured distances from the middle, metres, shape (..., 2)
    :param action: last value of an action, shape () or (..., 1)
    :param widest_m: largest distance of a finger from the middle, metres
    """
    commanded: NDArray[np.float64] = np.clip(fingers + action, 0.0, widest_m)
    return commanded
