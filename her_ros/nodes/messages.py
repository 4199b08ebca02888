"""Messages to arrays and back."""

from array import array

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import UInt8MultiArray

from her_ros.core.rows import Field, RowDecoder, RowError, Rows, fields_of


class RowMessages:
    """Turns rows of one dtype into PointCloud2 messages and back.

    :param dtype: of the rows, from :mod:`her_ros.core.rows`
    :param frame_id: frame of the positions in the rows
    """

    def __init__(self, dtype: np.dtype[np.void], frame_id: str = 'world') -> None:
        self._dtype = dtype
        self._frame_id = frame_id
        self._fields = [
            PointField(name=f.name, offset=f.offset, datatype=f.datatype, count=f.count)
            for f in fields_of(dtype)
        ]
        self._decoder: RowDecoder | None = None
        self._decoded_layout: tuple[object, ...] = ()

    def message(self, rows: Rows, stamp: Time) -> PointCloud2:
        """Make a message of rows, one row per environment."""
        cloud = PointCloud2(
            height=1,
            width=len(rows),
            fields=self._fields,
            point_step=self._dtype.itemsize,
            row_step=self._dtype.itemsize * len(rows),
            is_dense=True,
            data=_octets(rows.tobytes()),
        )
        cloud.header.stamp = stamp
        cloud.header.frame_id = self._frame_id
        return cloud

    def rows(self, cloud: PointCloud2) -> Rows:
        """Read the rows of a message, whatever its layout.

        :raises RowError: if fields are missing or do not fit
        """
        layout = (cloud.point_step, cloud.is_bigendian, cloud.fields)
        if self._decoder is None or layout != self._decoded_layout:
            fields = [Field(f.name, f.offset, f.datatype, f.count) for f in cloud.fields]
            self._decoder = RowDecoder(self._dtype, fields, cloud.point_step, cloud.is_bigendian)
            self._decoded_layout = layout
        if cloud.height > 1 and cloud.row_step != cloud.width * cloud.point_step:
            raise RowError('rows of points with gaps between them are not supported')
        return self._decoder.decode(memoryview(cloud.data), cloud.width * cloud.height)


def bytes_message(content: bytes) -> UInt8MultiArray:
    """Make a message of bytes."""
    return UInt8MultiArray(data=_octets(content))


def bytes_of(message: UInt8MultiArray) -> bytes:
    """Return the bytes of a message."""
    return bytes(message.data)


def _octets(content: bytes) -> 'array[int]':
    # Anything but an array.array of the right type is checked value by value by rclpy.
    octets = array('B')
    octets.frombytes(content)
    return octets


def goal_of(position: object) -> NDArray[np.float64]:
    """Return a geometry_msgs/Point as goal, metres, shape (3,).

    :raises RowError: if it is not finite
    """
    goal = np.array([position.x, position.y, position.z])  # type: ignore[attr-defined]
    if not np.isfinite(goal).all():
        raise RowError(f'goal: {goal.tolist()} is not finite')
    return goal
