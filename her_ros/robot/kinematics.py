"""Tool pose, velocity and inverse kinematics of a robot, from its joint states."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from her_ros.arms.description import ArmDescription
from her_ros.arms.fingers import is_first_at_plus_y
from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model_files import kinematic_model
from her_ros.arms.placement import placement_of
from her_ros.robot.frames import Pose
from her_ros.tasks.goal_task import GoalTask

Floats = NDArray[np.float64]

_TOLERANCE_M = 1e-6


class ArmKinematics:
    """Gripper pose, gripper velocity and inverse kinematics of an arm that stands in the world.

    Not thread-safe.

    :param base: pose of the base in the world
    :raises ArmError: if the model of the arm cannot be loaded
    """

    def __init__(self, description: ArmDescription, base: Pose) -> None:
        self.description = description
        self._base = base
        model = kinematic_model(description)
        self._ik = ik = InverseKinematics(description, model, _TOLERANCE_M)
        # Between the order of the gripper's joints and that of observations, at +y first.
        self._finger_order = slice(None, None, 1 if is_first_at_plus_y(description, model) else -1)
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
        """Set the measured joints, in the order of ``joint_names``.

        :param position: rad, or m if prismatic, shape (J,)
        :param velocity: rad/s, or m/s if prismatic, shape (J,)
        """
        count = len(self._ik.home)
        position, velocity = np.array(position, np.float64), np.array(velocity, np.float64)
        #: as they were measured last, shape (J,)
        self.positions = position
        self._joints, fingers = position[:count], position[count:]
        self._tool = self._ik.chain.tool_state(self._joints)
        self._velocity = self._tool.jacobian[:3] @ velocity[:count]
        gripper = self.description.gripper
        share = gripper.distance_per_position
        self._fingers = self.fingers_at(fingers)
        # One joint may move both fingers.
        self._finger_velocity = np.broadcast_to(velocity[count:] * share, 2)[self._finger_order]

    @property
    def grip_position(self) -> Floats:
        """Position of the gripper: metres, world frame, shape (3,)."""
        return self._base.position + self._base.rotation @ self._tool.position

    @property
    def grip_rotation(self) -> Floats:
        """Axes of the tool frame, as columns: world frame, shape (3, 3)."""
        rotation: Floats = self._base.rotation @ self._tool.rotation
        return rotation

    @property
    def grip_velocity(self) -> Floats:
        """Velocity of the gripper: m/s, world frame, shape (3,)."""
        velocity: Floats = self._base.rotation @ self._velocity
        return velocity

    @property
    def finger_position(self) -> Floats:
        """Distances of the fingers at +y and at -y from the middle: metres, shape (2,)."""
        return self._fingers.copy()

    @property
    def finger_velocity(self) -> Floats:
        """Velocities of the fingers at +y and at -y: m/s, shape (2,)."""
        return self._finger_velocity.copy()

    def gripper_joints(self, fingers: Floats) -> Floats:
        """Return positions of the gripper's joints for those of the fingers.

        :param fingers: distances of those at +y and at -y from the middle, metres, shape (2,)
        :return: m or rad, in the order of the description, shape (1,) or (2,)
        """
        gripper = self.description.gripper
        positions = gripper.closed + fingers[self._finger_order] / gripper.distance_per_position
        return positions if len(gripper.joints) == 2 else positions.mean(keepdims=True)

    def fingers_at(self, joints: Floats) -> Floats:
        """Return positions of the fingers for those of the gripper's joints.

        :param joints: m or rad, in the order of the description, shape (1,) or (2,)
        :return: distances of those at +y and at -y from the middle, metres, shape (2,)
        """
        gripper = self.description.gripper
        distances = (joints - gripper.closed) * gripper.distance_per_position
        fingers: Floats = np.broadcast_to(distances, 2)[self._finger_order].copy()
        return fingers

    def joints_after(
        self, displacement: ArrayLike, period_s: float, max_joint_speed: float | None = None
    ) -> Floats:
        """Compute arm joints that displace the gripper and point it straight down, as in training.

        The orientation is corrected if it has drifted. If a joint would exceed its speed limit,
        the change of all joints is scaled down by the same factor.

        :param displacement: from the measured position, metres, world frame, shape (3,)
        :param period_s: time for the change
        :param max_joint_speed: limit of every joint, rad/s (m/s if prismatic); None: those of the
            description
        :return: positions of ``arm_joints`` within their limits, rad or m, shape (A,)
        """
        in_base = self._base.rotation.T @ np.asarray(displacement, np.float64)
        after = self._ik.joints_after(self._joints, in_base, period_s, max_joint_speed)
        commanded: Floats = after[self._ik.chain.commanded]
        return commanded

    def pose_after(self, displacement: ArrayLike) -> Pose:
        """Return the pose of the tool after a displacement, pointing straight down.

        :param displacement: from the measured position, metres, world frame, shape (3,)
        :return: pose in the frame of the base
        """
        in_base = self._base.rotation.T @ np.asarray(displacement, np.float64)
        down = np.array(self.description.tool.down_quaternion)
        return Pose(self._tool.position + in_base, down)

    def within_workspace(self, displacement: Floats) -> Floats:
        """Return a displacement without what leads out of the workspace of the description.

        :param displacement: from the measured position, metres, world frame, shape (3,)
        """
        workspace, tool = self.description.workspace, self._tool.position
        least = np.minimum(workspace.low - tool, 0.0)
        most = np.maximum(workspace.high - tool, 0.0)
        in_base = np.clip(self._base.rotation.T @ displacement, least, most)
        within: Floats = self._base.rotation @ in_base
        return within


def task_kinematics(task: GoalTask, base: Pose | None = None) -> ArmKinematics:
    """Return the kinematics of a task's arm.

    :param base: pose of the base in the world; None: as in training
    :raises ArmError: if there is no such arm, or its description or model has a fault
    """
    placement = placement_of(task)
    return ArmKinematics(placement.description, base or Pose.of('base', placement.base_m))
