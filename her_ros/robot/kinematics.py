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

"""Tool pose, velocity and inverse kinematics of a robot, from its joint states."""

from dataclasses import replace

from her_ros.arms.description import ArmDescription
from her_ros.arms.fingers import is_first_at_plus_y
from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model_files import arm_model
from her_ros.arms.placement import placement_of
from her_ros.robot.frames import Pose
from her_ros.robot.tool import ToolMeasurement, ToolMotion
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_TOLERANCE_M = 1e-6


class ArmKinematics(ToolMotion):
    """
    Gripper pose, gripper velocity and inverse kinematics of an arm that stands in the world.

    Not thread-safe.

    :param base: pose of the base in the world
    :raises ArmError: if the model of the arm cannot be loaded
    """

    def __init__(self, description: ArmDescription, base: Pose) -> None:
        model = arm_model(description)
        self._ik = ik = InverseKinematics(description, model, _TOLERANCE_M)
        super().__init__(description, base, is_first_at_plus_y(description, model))
        arm, gripper = description.arm, description.gripper
        names = dict(zip(arm.joints, arm.driver_joints, strict=True))
        names |= dict(zip(arm.held_joints, arm.driver_held_joints, strict=True))
        #: names of the arm's joints in commands, from base to tool
        self.arm_joints = arm.driver_joints
        #: the joints that the gripper's pose depends on, and the fingers', as a driver names them
        self.joint_names = (*(names[each] for each in ik.chain.names), *gripper.driver_joints)
        endless = ik.chain.turning & np.isinf(ik.chain.upper) & ik.chain.commanded
        #: which of ``joint_names`` turn without limits, shape (J,)
        self.continuous = np.concatenate([endless, np.zeros(len(gripper.joints), bool)])
        self.update(
            [*ik.home, *[gripper.closed] * len(gripper.joints)], np.zeros(len(self.continuous))
        )

    def update(self, position: ArrayLike, velocity: ArrayLike) -> None:
        """
        Set the measured joints, in the order of ``joint_names``.

        :param position: rad, or m if prismatic, shape (J,)
        :param velocity: rad/s, or m/s if prismatic, shape (J,)
        """
        count = len(self._ik.home)
        position, velocity = np.array(position, np.float64), np.array(velocity, np.float64)
        #: as they were measured last, shape (J,)
        self.positions = position
        self._joints, fingers = position[:count], position[count:]
        self._tool = self._ik.chain.tool_state(self._joints)
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, self._tool.rotation.ravel())
        of_tool = self._tool.jacobian[:3] @ velocity[:count]
        self._state = ToolMeasurement(self._tool.position, quaternion, of_tool)
        self._set_fingers(fingers, velocity[count:])

    @property
    def grip_rotation(self) -> Floats:
        """Axes of the tool frame, as columns: world frame, shape (3, 3)."""
        rotation: Floats = self._base.rotation @ self._tool.rotation
        return rotation

    @property
    def turning_jacobian(self) -> Floats:
        """Velocity of the gripper by that of each revolute joint: m/rad, shape (3, n)."""
        jacobian: Floats = self._tool.jacobian[:3, self._ik.chain.turning]
        return jacobian

    def joints_after(
        self, displacement: ArrayLike, period_s: float, max_joint_speed: float | None = None
    ) -> Floats:
        """
        Compute arm joints that displace the gripper to the pose of :meth:`pose_after`.

        If a joint would exceed its speed limit, the change of all joints is scaled down by the
        same factor. Without a displacement these are the measured joints.

        :param displacement: from the measured position, metres, world frame, shape (3,)
        :param period_s: time for the change
        :param max_joint_speed: limit of every joint, rad/s (m/s if prismatic); None: those of the
            description
        :return: positions of ``arm_joints``, rad or m, shape (A,)
        """
        after = self._joints
        if np.any(displacement):
            axes = self.pose_after(displacement).rotation
            in_base = self._base.rotation.T @ np.asarray(displacement, np.float64)
            after = self._ik.joints_after(self._joints, in_base, period_s, max_joint_speed, axes)
        commanded: Floats = after[self._ik.chain.commanded]
        return commanded


def task_kinematics(task: GoalTask, base: Pose | None = None, urdf: str = '') -> ArmKinematics:
    """
    Return the kinematics of a task's arm.

    :param base: pose of the base in the world; None: as in training
    :param urdf: text of the model, where a robot publishes it
    :raises ArmError: if there is no such arm, or its description or model has a fault
    """
    placement = placement_of(task)
    description = replace(placement.description, urdf=urdf)
    return ArmKinematics(description, base or Pose.of('base', placement.base_m))
