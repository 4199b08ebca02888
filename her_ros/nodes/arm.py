"""Publish commands for a robot's arm and fingers as messages of its drivers."""

from geometry_msgs.msg import TwistStamped
from rclpy.duration import Duration
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.nodes.qos import COMMAND
from her_ros.robot.bridge.arm_commands import Command
from her_ros.robot.bridge.control import RobotControl
from her_ros.robot.frames import Floats
from her_ros.wire.topics import GRIPPER, TRAJECTORY, TWIST


class ArmPublisher:
    """Publishes commands as twists for MoveIt Servo, or as trajectories for ros2_control.

    :param period_s: time for which a command is valid
    """

    def __init__(
        self,
        node: Node,
        parameters: RobotBridgeParameters,
        control: RobotControl,
        period_s: float,
    ) -> None:
        self._node = node
        self._parameters = parameters
        self._control = control
        self._period_s = period_s
        if parameters.command_output == 'twist':
            self._arm = node.create_publisher(TwistStamped, TWIST, COMMAND)
        else:
            self._arm = node.create_publisher(JointTrajectory, TRAJECTORY, COMMAND)
        self._gripper = node.create_publisher(Float64MultiArray, GRIPPER, COMMAND)

    def send(self, command: Command) -> None:
        """Publish a command."""
        if self._parameters.command_output == 'twist':
            self._arm.publish(self._twist(command.velocity))
        else:
            self._arm.publish(self._trajectory(command.velocity))
        joints = self._control.kinematics.gripper_joints(command.fingers)
        self._gripper.publish(Float64MultiArray(data=joints.tolist()))

    def _twist(self, velocity: Floats) -> TwistStamped:
        message = TwistStamped()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.header.frame_id = self._parameters.base_frame
        linear = message.twist.linear
        linear.x, linear.y, linear.z = self._control.units.linear(velocity).tolist()
        return message

    def _trajectory(self, velocity: Floats) -> JointTrajectory:
        positions = self._control.kinematics.joints_after(
            velocity * self._period_s,
            self._period_s,
            self._parameters.command_max_joint_speed or None,
        )
        until = Duration(seconds=self._period_s).to_msg()
        point = JointTrajectoryPoint(positions=positions.tolist(), time_from_start=until)
        # A stamp of 0 makes a joint_trajectory_controller start immediately.
        return JointTrajectory(
            joint_names=list(self._control.kinematics.arm_joints), points=[point]
        )
