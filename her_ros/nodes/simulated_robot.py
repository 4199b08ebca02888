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

"""The ``simulated_robot`` node: a simulated arm in real time with the topics of a robot."""

from array import array
from collections.abc import Callable
import time
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped, TwistStamped
from her_ros.arms.placement import placement_of
from her_ros.config.parameters.robot import SimulatedRobotParameters
from her_ros.config.schema import ConfigError
from her_ros.nodes.gripper_server import GripperServer
from her_ros.nodes.guarded_node import GuardedNode
from her_ros.nodes.messages import pose_message, stamp_ns_of
from her_ros.nodes.node import Diagnostics, read_parameters, run
from her_ros.nodes.qos import ROBOT
from her_ros.nodes.scene import ScenePublisher
from her_ros.nodes.transforms import ToolTransform
from her_ros.robot.commands import CommandChecker, stamp_fault
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Pose
from her_ros.robot.simulated.delay import Delay
from her_ros.robot.simulated.disturber import RobotDisturber
from her_ros.robot.simulated.robot import start_seed
from her_ros.robot.simulated.robots import simulated_robot
from her_ros.robot.simulated.tick_counter import TickCounter
from her_ros.runtime.seeds import generator
from her_ros.tasks.disturbances import parse_disturbances
from her_ros.tasks.registry import task_named
from her_ros.wire.topics import (
    CURRENT_POSE,
    GRIPPER,
    JOINT_STATES,
    OBJECT_POSE,
    TOOL_POSE,
    TRAJECTORY,
    TWIST,
)
import numpy as np
from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray, Header
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

_SUBSTEPS_PER_S = 500
#: longest time of physics to catch up at once, seconds; further time is skipped
_MOST_BEHIND_S = 0.1


class SimulatedRobotNode(GuardedNode):
    """Simulates a robot in real time: publishes measurements and follows commands."""

    def __init__(self) -> None:
        super().__init__('simulated_robot')
        self._config = p = read_parameters(self, SimulatedRobotParameters)
        if _SUBSTEPS_PER_S % p.rate_hz:
            raise ConfigError(
                f'rate_hz is {p.rate_hz}',
                f'it must divide {_SUBSTEPS_PER_S}',
                source=self.get_name(),
            )
        self._task = task = task_named(p.task, p.arm)
        self._robot = simulated_robot(task, p.command_timeout_s)
        self._check = CommandChecker(task)
        self._disturber = RobotDisturber(
            task,
            parse_disturbances(p.disturb),
            self._robot,
            generator(p.seed, 'simulated_robot_sensors'),
        )
        self._resets = 0
        self._reset()
        self._delay: Delay[tuple[Any, Any]] = Delay()
        self._last: dict[int, Any] = {}  # the last message, by the publisher's id
        self._counts = dict.fromkeys(
            ('lost_sent', 'lost_received', 'stale', 'future', 'unstamped'), 0
        )
        self._commanded_at = -np.inf
        self._reported = (time.monotonic(), 0)
        self._ticks = 0
        self._connect()
        self._scene = ScenePublisher(self, task, measured=False) if p.publish_scene else None
        # Steps of the system clock do not affect it, unlike the node's clock.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._schedule = TickCounter(
            1.0 / p.rate_hz, time.monotonic(), max(round(_MOST_BEHIND_S * p.rate_hz), 1)
        )
        self.create_timer(1.0 / p.rate_hz, self._on_time, clock=steady)

    def _connect(self) -> None:
        self._joint_states = self.create_publisher(JointState, JOINT_STATES, ROBOT)
        self._object_pose = self.create_publisher(PoseStamped, OBJECT_POSE, ROBOT)
        self._tool_pose = None
        if self._config.publish_tool_pose:
            self._tool_pose = self.create_publisher(PoseStamped, CURRENT_POSE, ROBOT)
            self._tool_transform = ToolTransform(self, placement_of(self._task))
        self._subscribe(TwistStamped, TWIST, self._on_twist)
        self._subscribe(JointTrajectory, TRAJECTORY, self._on_trajectory)
        self._subscribe(PoseStamped, TOOL_POSE, self._on_tool_pose)
        self._subscribe(Float64MultiArray, GRIPPER, self._on_gripper)
        description = placement_of(self._task).description
        self._gripper_joint = description.gripper.driver_joints[0]
        self._gripper = None
        if description.driver.gripper_command == 'gripper_action':
            follow = (self._check.gripper, self._robot.command_gripper)
            self._gripper = GripperServer(self, description.gripper, *follow)
        self.create_service(Trigger, '~/reset', self._on_reset)
        self._diagnostics = Diagnostics(self, self._status)

    def _subscribe(self, message_type: Any, topic: str, take: Callable[[Any], None]) -> None:
        def checked(message: Any) -> None:
            if self._disturber.loses():
                self._counts['lost_received'] += 1
                return
            take(message)

        self.create_subscription(message_type, topic, checked, ROBOT, pause_s=1.0)

    def _on_twist(self, message: TwistStamped) -> None:
        header, linear, angular = message.header, message.twist.linear, message.twist.angular
        velocity = self._check.twist(
            header.frame_id,
            [linear.x, linear.y, linear.z],
            [angular.x, angular.y, angular.z],
        )
        if self._is_of_now('twist', header):
            self._commanded_at = time.monotonic()
            self._disturber.command_velocity(velocity, self._config.command_timeout_s)

    def _on_tool_pose(self, message: PoseStamped) -> None:
        header, place, turn = message.header, message.pose.position, message.pose.orientation
        pose = self._check.tool_pose(
            header.frame_id,
            [place.x, place.y, place.z],
            [turn.x, turn.y, turn.z, turn.w],
        )
        if self._is_of_now('tool pose', header):
            self._begin_motion('tool poses')
            self._robot.command_tool(pose.position, pose.quaternion)

    def _is_of_now(self, what: str, header: Header) -> bool:
        """Return whether the stamp of a command is current; count and log one that is not."""
        fault = stamp_fault(
            what, stamp_ns_of(header.stamp), time.time_ns(), self._config.command_timeout_s
        )
        if fault is None:
            return True
        self._counts[fault.kind] += 1
        self.log.warning(fault.kind, f'{fault.text}; ignored')
        return False

    def _on_trajectory(self, message: JointTrajectory) -> None:
        if not message.points:
            raise RobotError('trajectory: it holds no point', 'send one at least')
        last = message.points[-1]
        duration_s = last.time_from_start.sec + last.time_from_start.nanosec / 1e9
        positions = self._check.joints(message.joint_names, last.positions, duration_s)
        # A stamp of 0 makes a joint_trajectory_controller start immediately.
        if stamp_ns_of(message.header.stamp) and not self._is_of_now('trajectory', message.header):
            return
        self._begin_motion('trajectories')
        self._robot.command_joints(positions, duration_s)

    def _begin_motion(self, kind: str) -> None:
        """Prepare for a command other than a twist."""
        self._commanded_at = time.monotonic()
        self._disturber.end_velocity()
        if names := self._disturber.only_of_twists:
            self.log.warning(
                'undisturbed',
                f'{", ".join(names)} of disturb do not act on {kind}; set'
                ' robot_bridge.command.output=twist',
            )

    def _on_gripper(self, message: Float64MultiArray) -> None:
        self._robot.command_gripper(self._check.gripper(message.data))

    def _reset(self) -> int:
        """Set the robot to its next start state; return the seed of it."""
        seed = start_seed(self._config.seed, self._resets)
        self._disturber.begin(seed)
        self._robot.reset(seed)
        return seed

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._resets += 1
        seed = self._reset()
        pose = self._robot.object_pose
        where = 'no object' if pose is None else f'object at {pose[0].round(6).tolist()} m'
        response.success, response.message = True, f'start {self._resets}, seed {seed}: {where}'
        return response

    def _on_time(self) -> None:
        """Advance the simulation to the wall clock and publish the measurements."""
        skipped = self._schedule.skipped
        ticks = self._schedule.due(time.monotonic())
        if ticks:
            self._disturber.advance(ticks / self._config.rate_hz)
            self._robot.advance(ticks * _SUBSTEPS_PER_S // self._config.rate_hz)
            self._ticks += ticks
            self._measure()
        if lost := self._schedule.skipped - skipped:
            self.log.warning(
                'skipped',
                f'{lost / self._config.rate_hz:.2f} s behind the wall clock; skipped, the robot'
                ' stood still; is the machine too busy?',
            )
        for publisher, message in self._delay.taken(time.monotonic()):
            publisher.publish(message)

    def _measure(self) -> None:
        """Queue the messages that are not lost for their latency."""
        if self._gripper is not None:
            of_joint = dict(zip(self._robot.joint_names, self._robot.joint_positions, strict=True))
            self._gripper.advance(of_joint[self._gripper_joint], time.monotonic())
        if self._scene is not None:
            self._scene.publish(self._robot.qpos, None, time.time_ns())
        for publisher, message in self._measured(self.get_clock().now().to_msg()):
            if self._disturber.loses():
                self._counts['lost_sent'] += 1
                continue
            if self._disturber.repeats():
                message = self._last.get(id(publisher), message)
            self._last[id(publisher)] = message
            # Messages are published at the tick nearest to the end of their latency.
            latency_s = self._disturber.latency_s() - 0.5 / self._config.rate_hz
            self._delay.put((publisher, message), time.monotonic() + latency_s)

    def _measured(self, stamp: Time) -> list[tuple[Any, Any]]:
        """Read the sensors; return publishers and messages, those that begin periods last."""
        robot = self._robot
        joints = JointState(name=list(robot.joint_names))
        joints.header.stamp = stamp
        positions = self._disturber.joint_positions(robot.joint_positions)
        joints.position = array('d', positions)
        joints.velocity = array('d', robot.joint_velocities)
        measured: list[tuple[Any, Any]] = [(self._joint_states, joints)]
        if self._tool_pose is not None:
            pose = self._disturber.tool_pose(*robot.tool_pose)
            measured.append((self._tool_pose, pose_message(*pose, stamp)))
            if self._tool_transform.publisher is not None:
                transform = self._tool_transform.message(Pose(*pose), stamp)
                measured.append((self._tool_transform.publisher, transform))
        if robot.object_pose is not None:
            seen = pose_message(*self._disturber.object_pose(*robot.object_pose), stamp)
            # Before the joints, as subscribers treat joint states as the newest message.
            measured.insert(0, (self._object_pose, seen))
        return measured

    def _status(self) -> dict[str, object]:
        now, (then, ticks) = time.monotonic(), self._reported
        self._reported = (now, self._ticks)
        return {
            'message': 'commanded' if self._robot.commanded else 'stopped',
            'rate_hz': round((self._ticks - ticks) / max(now - then, 1e-9), 1),
            'late_ticks': self._schedule.late,
            'skipped_ticks': self._schedule.skipped,
            'last_command_age_s': round(now - self._commanded_at, 3),
            'resets': self._resets,
            **self._counts,
            **self._disturber.shown(),
        }


def main() -> None:
    """Run the node."""
    run(SimulatedRobotNode, config=SimulatedRobotParameters)


if __name__ == '__main__':
    main()
