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

"""Convert poses of messages, and look up frames in tf2 where it is installed."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Quaternion, TransformStamped, Vector3
from her_ros.arms.placement import Placement
from her_ros.nodes.messages import stamp_ns_of
from her_ros.nodes.qos import ROBOT
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Pose
from her_ros.wire.topics import TF
from rclpy.node import Node

# Stamps of a frame that go back by more than this, nanoseconds, are those of a clock set back.
_BACK_NS = 1_000_000_000


def pose_of(name: str, position: Point, orientation: Quaternion) -> Pose:
    """
    Return a pose from its parts.

    :param name: name for errors
    :raises RobotError: if it is not finite, or the orientation is 0
    """
    q = orientation
    return Pose.of(name, (position.x, position.y, position.z), (q.x, q.y, q.z, q.w))


class Transforms:
    """
    Frames of tf2, in the frame of the robot's base.

    :raises ImportError: if tf2_ros is not installed
    """

    def __init__(self, node: Node, base_frame: str) -> None:
        from rclpy.time import Time as LatestTime
        import tf2_ros

        transforms = self

        class Listener(tf2_ros.TransformListener):
            """Tells about each message."""

            def callback(self, data: Any) -> None:
                transforms._check_stamps(data.transforms)
                super().callback(data)
                transforms._arrived()

        self._base_frame, self._latest = base_frame, LatestTime()
        self._buffer: Any = tf2_ros.Buffer()
        self._error = tf2_ros.TransformException
        self._take: Callable[[Pose, int], None] | None = None
        self._followed, self._stamp_ns = '', 0
        #: newest stamp of each moving frame
        self._newest_ns: dict[str, int] = {}
        self._listener = Listener(self._buffer, node)

    def lookup(self, frame: str) -> Pose | None:
        """
        Return the latest pose of a frame; None: it is unknown.

        :raises RobotError: if the pose is not finite
        """
        found = self._find(frame)
        return None if found is None else _pose(frame, found)

    def follow(self, frame: str, take: Callable[[Pose, int], None]) -> None:
        """
        Call a function for each new pose of a frame, with its stamp, nanoseconds since 1970.

        Its stamp is that of the oldest transform between frame and base, but for static ones.
        """
        self._followed, self._take = frame, take

    def _check_stamps(self, transforms: Sequence[TransformStamped]) -> None:
        """Begin anew where time ran back, as tf2 would drop what follows."""
        stamps = [(each.child_frame_id, stamp_ns_of(each.header.stamp)) for each in transforms]
        if any(stamp_ns < self._newest_ns.get(child, 0) - _BACK_NS for child, stamp_ns in stamps):
            self._forget()
        for child, stamp_ns in stamps:
            self._newest_ns[child] = max(stamp_ns, self._newest_ns.get(child, 0))

    def _forget(self) -> None:
        self._buffer.clear()  # static transforms stay
        self._newest_ns.clear()
        self._stamp_ns = 0

    def _arrived(self) -> None:
        if self._take is None:
            return
        found = self._find(self._followed)
        # A stamp of 0 is one of static transforms alone, which measure nothing.
        if found is None or (stamp_ns := stamp_ns_of(found.header.stamp)) <= self._stamp_ns:
            return
        try:
            self._take(_pose(self._followed, found), stamp_ns)
        except RobotError:
            # A stamp in the future would hide all that come until then.
            self._forget()
            raise
        self._stamp_ns = stamp_ns

    def _find(self, frame: str) -> Any:
        try:
            return self._buffer.lookup_transform(self._base_frame, frame, self._latest)
        except self._error:
            return None


class ToolTransform:
    """
    Makes messages of where the frame of a tool is in that of the base.

    It has a publisher only if tf2_msgs is installed.
    """

    def __init__(self, node: Node, placement: Placement) -> None:
        description = placement.description
        self._frames = description.driver.base_frame, description.tool_frame
        self._from_base = Pose.of('base', placement.base_m).inverse()
        self._to_frame = Pose.of('tool.offset', description.tool.offset).inverse()
        self.publisher: Any = None
        with suppress(ImportError):  # the wheels of rclpy come without it
            from tf2_msgs.msg import TFMessage

            self._kind = TFMessage
            self.publisher = node.create_publisher(TFMessage, TF, ROBOT)

    def message(self, tool: Pose, stamp: Time) -> Any:
        """
        Return a message for the publisher.

        :param tool: pose of the tool in the world
        """
        frame = self._from_base @ tool @ self._to_frame
        message = TransformStamped(child_frame_id=self._frames[1])
        message.header.frame_id, message.header.stamp = self._frames[0], stamp
        (x, y, z), (qw, qx, qy, qz) = frame.position.tolist(), frame.quaternion.tolist()
        message.transform.translation = Vector3(x=x, y=y, z=z)
        message.transform.rotation = Quaternion(w=qw, x=qx, y=qy, z=qz)
        return self._kind(transforms=[message])


def _pose(frame: str, found: Any) -> Pose:
    return pose_of(frame, found.transform.translation, found.transform.rotation)


def tf2_transforms(node: Node, base_frame: str, is_needed: bool) -> Transforms | None:
    """
    Subscribe to tf2; return None without tf2.

    :param is_needed: whether the bridge cannot do without it
    :raises RobotError: if it is needed and not installed
    """
    try:
        return Transforms(node, base_frame)
    except ImportError:
        if is_needed:
            raise RobotError(
                'tool_source is tf, and tf2_ros is not installed',
                'sudo apt install ros-jazzy-tf2-ros-py, or set it to joint_states or current_pose',
            ) from None
        return None
