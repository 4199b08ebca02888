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

"""Disturb what is measured: noise and bias of object and gripper, errors of the base's pose."""

from her_ros.sim.disturbed.fields import measured_fields
from her_ros.sim.observations import Floats
from her_ros.tasks.disturbances import Drawn
from her_ros.tasks.goal_task import GoalTask
import numpy as np

#: standard normal numbers that a measurement of one environment takes
NORMALS = 15


def base_rotation(drawn: Drawn) -> Floats:
    """Return the rotation matrices of the errors of the base's pose, shape (N, 3, 3)."""
    yaw = np.deg2rad(drawn['base_yaw_deg'][:, 0].astype(np.float64))
    matrices = np.tile(np.eye(3), (len(drawn), 1, 1))
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(yaw)
    matrices[:, 1, 0] = np.sin(yaw)
    matrices[:, 0, 1] = -matrices[:, 1, 0]
    return matrices


class Sensing:
    """
    Turns true observations into measured ones.

    The errors of a position reach everything that is computed from it: the object's position
    relative to the gripper, and the achieved goal.

    :param base_m: position of the robot's base, about which errors of its yaw turn the gripper:
        metres, world frame, shape (3,)
    """

    def __init__(self, task: GoalTask, base_m: Floats) -> None:
        self._fields = measured_fields(task)
        self._base_m = base_m

    def measure(
        self, drawn: Drawn, observation: Floats, achieved_goal: Floats, normals: Floats
    ) -> tuple[Floats, Floats]:
        """
        Return measured observations and achieved goals, as arrays of their own.

        :param drawn: what the episodes drew, shape (N,)
        :param observation: the truth, shape (N, O)
        :param achieved_goal: metres, world frame, shape (N, G)
        :param normals: standard normal numbers, shape (N, NORMALS)
        """
        fields, seen = self._fields, observation.copy()
        gripper_error = object_error = None
        position, velocity, rotation, spin, gripper = np.split(normals, 5, axis=1)
        turn = base_rotation(drawn) - np.eye(3)
        if fields.gripper_position is not None:
            arm = observation[:, fields.gripper_position] - self._base_m
            gripper_error = (turn @ arm[..., None])[..., 0] + drawn['base_position_m']
            gripper_error += drawn['gripper_noise_m'] * gripper
            seen[:, fields.gripper_position] += gripper_error
        change = np.zeros((len(drawn), 3))
        if fields.gripper_velocity is not None:
            change = (turn @ observation[:, fields.gripper_velocity, None])[..., 0]
            seen[:, fields.gripper_velocity] += change
        if fields.object_position is not None:
            object_error = drawn['object_bias_m'] + drawn['object_noise_m'] * position
            seen[:, fields.object_position] += object_error
        if fields.object_position_from_gripper is not None:
            seen[:, fields.object_position_from_gripper] += _difference(
                object_error, gripper_error
            )
        if fields.object_velocity_from_gripper is not None:
            error = drawn['object_velocity_noise_m'] * velocity
            seen[:, fields.object_velocity_from_gripper] += error - change
        if fields.object_angular_velocity is not None:
            seen[:, fields.object_angular_velocity] += drawn['object_spin_noise_rad'] * spin
        if fields.object_rotation is not None:
            error = drawn['object_rotation_noise_rad'] * rotation
            error[:, 2:] += drawn['object_yaw_bias_rad']
            angles = seen[:, fields.object_rotation] + error
            wrapped = (angles + np.pi) % (2 * np.pi) - np.pi
            seen[:, fields.object_rotation] = np.where(np.abs(angles) > np.pi, wrapped, angles)
        # The achieved goal is the object's position, or the gripper's where there is none.
        goal_error = gripper_error if object_error is None else object_error
        if goal_error is None or achieved_goal.shape[1] != 3:
            return seen, achieved_goal.copy()
        return seen, achieved_goal + goal_error


def _difference(object_error: Floats | None, gripper_error: Floats | None) -> Floats | float:
    """Return the error of the object's position minus that of the gripper's."""
    first = 0.0 if object_error is None else object_error
    return first - (0.0 if gripper_error is None else gripper_error)
