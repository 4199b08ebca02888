"""Messages to arrays and back; rows have :mod:`her_ros.core.cloud`."""

from array import array

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PointStamped, PoseStamped
from numpy.typing import NDArray
from std_msgs.msg import UInt8MultiArray

from her_ros.core.errors import HerRosError

WORLD_FRAME = 'world'


def bytes_message(content: bytes) -> UInt8MultiArray:
    """Make a message of bytes."""
    # Anything but an array.array of the right type is checked value by value by rclpy.
    octets = array('B')
    octets.frombytes(content)
    return UInt8MultiArray(data=octets)


def bytes_of(message: UInt8MultiArray) -> bytes:
    """Return the bytes of a message."""
    return bytes(message.data)


def goal_of(message: PointStamped) -> NDArray[np.float64]:
    """Return a goal, metres, world frame, shape (3,).

    :raises HerRosError: if it stands in another frame, or is not finite
    """
    frame, point = message.header.frame_id, message.point
    if frame not in ('', WORLD_FRAME):
        raise HerRosError(f'goal: frame {frame!r} is not {WORLD_FRAME!r}, and nothing transforms')
    goal = np.array([point.x, point.y, point.z])
    if not np.isfinite(goal).all():
        raise HerRosError(f'goal: {goal.tolist()} is not finite')
    return goal


def time_message(stamp_ns: int) -> Time:
    """Make a stamp of nanoseconds since 1970."""
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    return Time(sec=seconds, nanosec=nanoseconds)


def pose_message(
    position: NDArray[np.float64], quaternion: NDArray[np.float64], stamp: Time
) -> PoseStamped:
    """Make a pose in the world frame.

    :param position: metres, shape (3,)
    :param quaternion: wxyz as in MuJoCo, shape (4,)
    """
    message = PoseStamped()
    message.header.frame_id, message.header.stamp = WORLD_FRAME, stamp
    point, turn = message.pose.position, message.pose.orientation
    point.x, point.y, point.z = position.tolist()
    turn.w, turn.x, turn.y, turn.z = quaternion.tolist()
    return message
