"""Convert poses of messages, and look up frames in tf2 where it is installed."""

from typing import Any

from geometry_msgs.msg import Point, Quaternion
from rclpy.node import Node

from her_ros.robot.frames import Lookup, Pose


def pose_of(name: str, position: Point, orientation: Quaternion) -> Pose:
    """Return a pose from its parts.

    :param name: name for errors
    :raises RobotError: if it is not finite, or the orientation is 0
    """
    q = orientation
    return Pose.of(name, (position.x, position.y, position.z), (q.x, q.y, q.z, q.w))


def tf2_lookup(node: Node, base_frame: str) -> Lookup | None:
    """Subscribe to tf2; return a lookup of frames in the base frame, or None without tf2."""
    try:
        import tf2_ros
    except ImportError:
        return None
    from rclpy.time import Time as LatestTime

    buffer: Any = tf2_ros.Buffer()
    listener: Any = tf2_ros.TransformListener(buffer, node)

    def lookup(frame: str, _: Any = listener) -> Pose | None:
        try:
            found = buffer.lookup_transform(base_frame, frame, LatestTime()).transform
        except tf2_ros.TransformException:
            return None
        return pose_of(frame, found.translation, found.rotation)

    return lookup
