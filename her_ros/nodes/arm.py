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

"""Publish commands for a robot's arm and fingers as messages of its drivers."""

import time

from geometry_msgs.msg import PoseStamped, TwistStamped
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.nodes.gripper import gripper_commands
from her_ros.nodes.guarded_node import GuardedNode
from her_ros.nodes.qos import COMMAND
from her_ros.robot.bridge.arm_commands import Command
from her_ros.robot.bridge.control import RobotControl
from her_ros.robot.frames import Floats
from her_ros.robot.kinematics import ArmKinematics
from her_ros.wire.topics import TOOL_POSE, TRAJECTORY, TWIST
from rclpy.duration import Duration
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint


class ArmPublisher:
    """
    Publishes commands: twists for MoveIt Servo, trajectories for ros2_control, or tool poses.

    :param period_s: time for which a command is valid
    :param base_frame: frame of the robot, in which it is commanded
    """

    def __init__(
        self,
        node: GuardedNode,
        parameters: RobotBridgeParameters,
        control: RobotControl,
        period_s: float,
        base_frame: str,
    ) -> None:
        self._node = node
        self._parameters = parameters
        self._control = control
        self._period_s = period_s
        self._base_frame = base_frame
        if control.output == 'twist':
            self._arm = node.create_publisher(TwistStamped, TWIST, COMMAND)
        elif control.output == 'joint_trajectory':
            self._arm = node.create_publisher(JointTrajectory, TRAJECTORY, COMMAND)
        else:
            self._arm = node.create_publisher(PoseStamped, TOOL_POSE, COMMAND)
        self._gripper = gripper_commands(node, control.kinematics.description)
        self._episode = 0

    def send(self, command: Command) -> None:
        """
        Publish a command.

        Positions for standing still are the measured ones. Where these are too old, the arm gets
        none, as it may have moved since: its driver holds the last target.
        """
        if self._has_target(command):
            self._send_arm(command)
        # Somebody may have moved the gripper between episodes.
        if self._control.episodes.episode != self._episode:
            self._episode = self._control.episodes.episode
            self._gripper.forget()
        self._gripper.send(self._control.kinematics.gripper_joints(command.fingers))

    def _has_target(self, command: Command) -> bool:
        is_position = self._control.output != 'twist'
        stands = is_position and not command.velocity.any()
        return not (stands and self._control.missing(time.monotonic()))

    def _send_arm(self, command: Command) -> None:
        if self._control.output == 'twist':
            self._arm.publish(self._twist(command.velocity))
        elif self._control.output == 'joint_trajectory':
            self._arm.publish(self._trajectory(command.velocity))
        else:
            self._arm.publish(self._tool_pose(command.velocity))

    def _twist(self, velocity: Floats) -> TwistStamped:
        message = TwistStamped()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.header.frame_id = self._base_frame
        linear = message.twist.linear
        linear.x, linear.y, linear.z = self._control.units.linear(velocity).tolist()
        return message

    def _tool_pose(self, velocity: Floats) -> PoseStamped:
        pose = self._control.kinematics.pose_after(velocity * self._period_s)
        message = PoseStamped()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.header.frame_id = self._base_frame
        place, turn = message.pose.position, message.pose.orientation
        place.x, place.y, place.z = pose.position.tolist()
        turn.w, turn.x, turn.y, turn.z = pose.quaternion.tolist()
        return message

    def _trajectory(self, velocity: Floats) -> JointTrajectory:
        kinematics = self._control.kinematics
        assert isinstance(kinematics, ArmKinematics)  # or this output would be refused
        positions = kinematics.joints_after(
            velocity * self._period_s,
            self._period_s,
            self._parameters.command_max_joint_speed or None,
        )
        until = Duration(seconds=self._period_s).to_msg()
        point = JointTrajectoryPoint(positions=positions.tolist(), time_from_start=until)
        # A stamp of 0 makes a joint_trajectory_controller start immediately.
        return JointTrajectory(joint_names=list(kinematics.arm_joints), points=[point])
