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

"""Subscribe to what a robot measures: joints, the tool, and the object."""

from collections.abc import Callable, Mapping
import time

from geometry_msgs.msg import PoseStamped
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.nodes.guarded_node import GuardedNode, PAUSE_S
from her_ros.nodes.messages import stamp_ns_of
from her_ros.nodes.qos import SENSOR
from her_ros.nodes.transforms import pose_of, Transforms
from her_ros.robot.bridge.arrivals import Arrivals
from her_ros.robot.bridge.control import RobotControl
from her_ros.robot.frames import Frames, Pose
from her_ros.wire.topics import CURRENT_POSE, JOINT_STATES, OBJECT_POSE, TF
from sensor_msgs.msg import JointState


class Measurements:
    """
    Gives measurements to the observer of a robot, in the world and by the local clock.

    :param transforms: frames of tf2; None: tf2 is not installed
    :param arm_measured: called with the stamp of each new measurement of the arm, nanoseconds
        since 1970
    """

    def __init__(
        self,
        node: GuardedNode,
        parameters: RobotBridgeParameters,
        frames: Frames,
        transforms: Transforms | None,
        control: RobotControl,
        arm_measured: Callable[[int], None],
    ) -> None:
        self._frames, self._arm_measured = frames, arm_measured
        self._observer = control.observer
        self._description = control.kinematics.description
        self._arrivals = {
            topic: Arrivals(topic, parameters.timeout_input_s)
            for topic in (JOINT_STATES, CURRENT_POSE, TF, OBJECT_POSE)
        }
        for kind, topic, take, qos in (
            (JointState, JOINT_STATES, self._take_joints, SENSOR),
            (PoseStamped, OBJECT_POSE, self._take_object, SENSOR),
            (PoseStamped, CURRENT_POSE, self._take_tool, SENSOR),
        ):
            if topic != CURRENT_POSE or parameters.tool_source == CURRENT_POSE:
                node.create_subscription(kind, topic, take, qos, pause_s=PAUSE_S)
        if parameters.tool_source == 'tf' and transforms is not None:
            transforms.follow(self._description.tool_frame, self._take_transform)

    def problems(self, now_s: float) -> Mapping[str, str]:
        """Return why messages of each topic were refused recently; empty if none was."""
        return {topic: each.problem(now_s) for topic, each in self._arrivals.items()}

    def _take_joints(self, message: JointState) -> None:
        joints = (message.name, message.position, message.velocity)
        measured_s, stamp_ns = self._measured(JOINT_STATES, stamp_ns_of(message.header.stamp))
        # Only messages of the arm's driver start periods, not those of other drivers.
        if self._observer.take_joints(*joints, measured_s):
            self._arm_measured(stamp_ns)

    def _take_tool(self, message: PoseStamped) -> None:
        pose = self._in_world(CURRENT_POSE, message)
        self._tool_measured(CURRENT_POSE, pose, stamp_ns_of(message.header.stamp))

    def _take_transform(self, frame: Pose, stamp_ns: int) -> None:
        """Take a pose of the tool's frame in that of the base."""
        pose = frame @ Pose.of('tool.offset', self._description.tool.offset)
        self._tool_measured(TF, self._frames.base @ pose, stamp_ns)

    def _tool_measured(self, topic: str, pose: Pose, stamp_ns: int) -> None:
        measured_s, stamp_ns = self._measured(topic, stamp_ns)
        if self._observer.take_tool(pose, measured_s):
            self._arm_measured(stamp_ns)

    def _take_object(self, message: PoseStamped) -> None:
        pose = self._in_world(OBJECT_POSE, message)
        stamp_ns = stamp_ns_of(message.header.stamp)
        self._observer.take_object(pose, self._measured(OBJECT_POSE, stamp_ns)[0])

    def _in_world(self, topic: str, message: PoseStamped) -> Pose:
        pose = pose_of(topic, message.pose.position, message.pose.orientation)
        return self._frames.to_world(message.header.frame_id, pose, topic)

    def _measured(self, topic: str, stamp_ns: int) -> tuple[float, int]:
        """Return when a message was measured: monotonic seconds, and wall time, nanoseconds."""
        now_ns = time.time_ns()
        measured_s = self._arrivals[topic].measured_s(stamp_ns, now_ns, time.monotonic())
        return measured_s, min(stamp_ns or now_ns, now_ns)
