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

"""Convert messages to arrays and back; :mod:`her_ros.wire.cloud` converts rows."""

from array import array

from builtin_interfaces.msg import Time
from geometry_msgs.msg import PointStamped, PoseStamped
from her_ros.runtime.errors import HerRosError
from her_ros.wire.topics import GOAL, POLICY
import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import MultiArrayDimension, MultiArrayLayout, UInt8MultiArray

WORLD_FRAME = 'world'
# The parts of a signed policy.
_PARTS = ('onnx', 'ed25519')
# Before the identity of a run.
_RUN = 'run:'


def bytes_message(content: bytes) -> UInt8MultiArray:
    """Make a message of bytes."""
    # Anything but an array.array of the right type is checked value by value by rclpy.
    octets = array('B')
    octets.frombytes(content)
    return UInt8MultiArray(data=octets)


def bytes_of(message: UInt8MultiArray) -> bytes:
    """Return the bytes of a message."""
    return bytes(message.data)


def policy_message(content: bytes, signature: bytes = b'') -> UInt8MultiArray:
    """
    Make a message of a policy.

    :param content: the ONNX file
    :param signature: its Ed25519 signature; empty: none
    """
    if not signature:
        return bytes_message(content)
    sizes = [len(content), len(signature)]
    message = bytes_message(content + signature)
    message.layout = MultiArrayLayout(
        dim=[
            MultiArrayDimension(label=label, size=size, stride=1)
            for label, size in zip(_PARTS, sizes, strict=True)
        ]
    )
    return message


def run_policy_message(content: bytes, run: str) -> UInt8MultiArray:
    """
    Make a message of a policy that a run has learned.

    :param run: identity of the run
    """
    message = bytes_message(content)
    part = MultiArrayDimension(label=f'{_RUN}{run}', size=len(content), stride=1)
    message.layout = MultiArrayLayout(dim=[part])
    return message


def run_of(message: UInt8MultiArray) -> str:
    """Return the identity of the run that a policy comes from; empty: it tells none."""
    labels = [part.label for part in message.layout.dim[:1]]
    return labels[0].removeprefix(_RUN) if labels and labels[0].startswith(_RUN) else ''


def policy_of(message: UInt8MultiArray) -> tuple[bytes, bytes]:
    """
    Return a policy's file and its signature, empty where it has none.

    :raises HerRosError: if the message does not hold what its layout says
    """
    content, parts = bytes_of(message), message.layout.dim
    if tuple(part.label for part in parts) != _PARTS:
        return content, b''
    size, rest = (part.size for part in parts)
    if size + rest != len(content):
        raise HerRosError(
            f'{len(content)} bytes came, but the layout says {size} + {rest}',
            'send it by her-ros publish',
            POLICY,
        )
    return content[:size], content[size:]


def goal_of(message: PointStamped) -> NDArray[np.float64]:
    """
    Return a goal, metres, world frame, shape (3,).

    :raises HerRosError: if it stands in another frame, or is not finite
    """
    frame, point = message.header.frame_id, message.point
    if frame not in ('', WORLD_FRAME):
        raise HerRosError(f'its frame is {frame!r}', f'send it in {WORLD_FRAME!r}', GOAL)
    goal = np.array([point.x, point.y, point.z])
    if not np.isfinite(goal).all():
        raise HerRosError(f'{goal.tolist()} is not finite', 'send finite numbers', GOAL)
    return goal


def time_message(stamp_ns: int) -> Time:
    """Make a stamp of nanoseconds since 1970."""
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    return Time(sec=seconds, nanosec=nanoseconds)


def stamp_ns_of(stamp: Time) -> int:
    """Return a stamp in nanoseconds since 1970."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def pose_message(
    position: NDArray[np.float64], quaternion: NDArray[np.float64], stamp: Time
) -> PoseStamped:
    """
    Make a pose in the world frame.

    :param position: metres, shape (3,)
    :param quaternion: wxyz as in MuJoCo, shape (4,)
    """
    message = PoseStamped()
    message.header.frame_id, message.header.stamp = WORLD_FRAME, stamp
    point, turn = message.pose.position, message.pose.orientation
    point.x, point.y, point.z = position.tolist()
    turn.w, turn.x, turn.y, turn.z = quaternion.tolist()
    return message
