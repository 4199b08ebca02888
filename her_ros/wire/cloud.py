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

"""
Encode and decode sensor_msgs/PointCloud2 in CDR, without ROS.

The layout of the message is that of OMG DDS-RTPS 2.5, section 10 (CDR, version 1): a member of
n bytes starts at a multiple of n, and a string carries its length and a closing NUL.

All messages of one publisher share the part in front of their rows, except for the stamp and the
padding, whose content Fast CDR leaves undefined. So that part is parsed once. Later messages are
compared with it, and their rows are taken out.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
import struct
from typing import Literal, NamedTuple

from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.row_layout import (
    DATATYPES,
    Field,
    fields_of,
    MAX_ROW_BYTES,
    require_distinct,
    RowDecoder,
)
from her_ros.wire.rows import disturbed_step_dtype, RowError, Rows, step_dtype
import numpy as np

CLOUD_TYPE = 'sensor_msgs/msg/PointCloud2'

_LITTLE_ENDIAN = b'\0\1\0\0'
# Behind the encapsulation and the stamp.
_HEAD = 12
# A publisher that leaves rows out brings one head per number of rows.
_MAX_KNOWN_HEADS = 1024
# Heads of messages of ours take less than 500 bytes; what is known of them is kept.
_MAX_FIELDS = 128
_MAX_HEAD = 8192


def encode_cloud(rows: Rows, stamp_ns: int, frame_id: str = 'world') -> bytes:
    """
    Write rows as a PointCloud2 of height 1.

    :param rows: structured rows, shape (n,)
    :param stamp_ns: time of the message, wall time, nanoseconds
    :return: the message in little-endian CDR, as rclpy serialises it, the padding zeroed
    """
    head = _encode_head(rows.dtype, len(rows), frame_id)
    stamp = struct.pack('<iI', *divmod(stamp_ns, 1_000_000_000))
    return b''.join((_LITTLE_ENDIAN, stamp, head, rows.tobytes(), b'\1'))


def stamp_of(message: bytes | memoryview) -> int:
    """
    Return the time in a message's header, nanoseconds.

    :param message: a message in CDR that begins with a header, as PointCloud2 does
    :raises RowError: if it is too short to have one
    """
    if len(message) < _HEAD:
        raise RowError(f'a message of {len(message)} bytes is cut short in its stamp')
    seconds, nanoseconds = struct.unpack_from('<iI' if message[1] else '>iI', message, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


@lru_cache(maxsize=_MAX_KNOWN_HEADS)
def _encode_head(dtype: np.dtype[np.void], count: int, frame_id: str) -> bytes:
    head = bytearray()

    def text(value: str) -> None:
        content = value.encode() + b'\0'
        head.extend(struct.pack('<I', len(content)) + content)
        head.extend(bytes(-len(head) % 4))

    # Encapsulation and stamp take 12 bytes, so alignment to 4 can be counted from here.
    text(frame_id)
    fields = fields_of(dtype)
    head.extend(struct.pack('<III', 1, count, len(fields)))
    for field in fields:
        text(field.name)
        head.extend(struct.pack('<IB3xI', field.offset, field.datatype, field.count))
    size = dtype.itemsize * count
    head.extend(struct.pack('<?3xIII', False, dtype.itemsize, size, size))
    return bytes(head)


class _Head(NamedTuple):
    """The part of a message in front of its rows; sizes in bytes."""

    height: int
    width: int
    fields: tuple[Field, ...]
    is_bigendian: bool
    point_step: int
    row_step: int
    #: start and end of the rows, counted from the start of the message
    start: int
    end: int
    #: 0xff where a byte counts and 0 where it is padding, little endian, from _HEAD to start
    mask: int


class _Layout(NamedTuple):
    """Position and decoder of the rows of messages with a known head."""

    head: _Head
    decoder: RowDecoder
    row_count: int

    def cut(self, message: memoryview) -> bytes | memoryview:
        """Return the bytes of the rows, without the padding between the lines of an image."""
        head = self.head
        line = head.width * head.point_step
        start, end = head.start, head.start + head.height * head.row_step
        content = message[start:end]
        if line == head.row_step:
            return content
        lines = np.frombuffer(content, np.uint8).reshape(head.height, head.row_step)
        return lines[:, :line].tobytes()


class CloudDecoder:
    """
    Reads PointCloud2 messages into rows of one dtype, whatever their layout.

    :param wanted: the dtype to deliver, from :func:`her_ros.wire.rows.step_dtype`
    :param disturbed: see :class:`~her_ros.wire.row_layout.RowDecoder`
    """

    def __init__(
        self, wanted: np.dtype[np.void], disturbed: np.dtype[np.void] | None = None
    ) -> None:
        self._wanted, self._disturbed = wanted, disturbed
        # By head, the padding masked out; all of them of the length and mask of the last one.
        self._layouts: dict[tuple[bytes, int], _Layout] = {}
        self._start, self._mask = _HEAD, 0

    def decode(self, messages: Iterable[bytes | memoryview]) -> list[Rows]:
        """
        Read the rows of many messages in one go.

        :param messages: messages in CDR
        :return: all rows in order; a new array begins where the field layout changes
        :raises RowError: if a message is cut short, is no PointCloud2, or its fields are not the
            wanted ones
        """
        views = [memoryview(message) for message in messages]
        layouts = [self._layout_of(view) for view in views]
        runs = []
        for decoder, run in groupby(
            zip(layouts, views, strict=True), key=lambda pair: pair[0].decoder
        ):
            pairs = list(run)
            rows = b''.join([layout.cut(view) for layout, view in pairs])
            runs.append(decoder.decode(rows, sum(layout.row_count for layout, _ in pairs)))
        return runs

    def _key(self, message: memoryview) -> tuple[bytes, int]:
        start = self._start
        head = int.from_bytes(message[_HEAD:start], 'little')
        return bytes(message[:2]), head & self._mask

    def _layout_of(self, message: memoryview) -> _Layout:
        layout = self._layouts.get(self._key(message))
        if layout is None:
            layout = self._learn(message)
        if len(message) <= layout.head.end:
            raise RowError(
                f'a message of {len(message)} bytes is cut short: its rows alone end at byte'
                f' {layout.head.end}'
            )
        return layout

    def _learn(self, message: memoryview) -> _Layout:
        head = _read_head(message)
        decoder = _row_decoder(
            self._wanted, head.fields, head.point_step, head.is_bigendian, self._disturbed
        )
        layout = _Layout(head, decoder, head.height * head.width)
        is_same_kind = (head.start, head.mask) == (self._start, self._mask)
        if not is_same_kind or len(self._layouts) >= _MAX_KNOWN_HEADS:
            self._layouts.clear()
        self._start, self._mask = head.start, head.mask
        self._layouts[self._key(message)] = layout
        return layout


def decoder_with_truth(task: GoalTask) -> CloudDecoder:
    """Make a decoder of ``step`` messages that keeps the truth of those that hold it."""
    return CloudDecoder(step_dtype(task), disturbed_step_dtype(task))


# Decoding needs no state of earlier messages, so bags share the decoders. Making one takes longer
# than reading a message.
_row_decoder = lru_cache(maxsize=64)(RowDecoder)


class _Cursor:
    """Reads the members of a CDR message in order, from the head on."""

    def __init__(self, message: memoryview) -> None:
        if bytes(message[:2]) not in (b'\0\0', b'\0\1'):
            raise RowError(f'not a CDR message: it starts with {bytes(message[:4]).hex(" ")}')
        self._message = message
        self._byteorder: Literal['little', 'big'] = 'little' if message[1] else 'big'
        self.position = _HEAD
        self.mask = bytearray()

    def integer(self, size: int) -> int:
        padding = -self.position % size
        begin = self.position + padding
        self._advance(begin + size)
        self.mask += b'\0' * padding + b'\xff' * size
        end = self.position
        return int.from_bytes(self._message[begin:end], self._byteorder)

    def _advance(self, position: int) -> None:
        if position > len(self._message):
            raise RowError(f'a message of {len(self._message)} bytes is cut short in its head')
        if position > _MAX_HEAD:
            raise RowError(f'the head of a message takes more than {_MAX_HEAD} bytes')
        self.position = position

    def text(self) -> str:
        length = self.integer(4)
        begin = self.position
        self._advance(begin + length)
        end = self.position
        content = bytes(self._message[begin:end])
        self.mask += b'\xff' * length
        return content.rstrip(b'\0').decode(errors='replace')


def dtype_of(message: bytes | memoryview) -> np.dtype[np.void]:
    """
    Return the dtype in which a message describes its own rows, native byte order.

    :raises RowError: if the message is cut short, is no PointCloud2, has unknown datatypes, or
        fields that are nameless, too many or too large
    """
    fields = _read_head(memoryview(message)).fields
    require_distinct(fields)
    if unknown := [f.name for f in fields if not 1 <= f.datatype <= len(DATATYPES)]:
        raise RowError(f'fields {unknown} have an unknown datatype')
    sizes = [np.dtype(DATATYPES[f.datatype - 1]).itemsize * f.count for f in fields]
    if sum(sizes) > MAX_ROW_BYTES:
        raise RowError(f'a row takes {sum(sizes)} bytes', f'at most {MAX_ROW_BYTES} fit')
    return np.dtype([(f.name, DATATYPES[f.datatype - 1], (f.count,)) for f in fields])


def _read_head(message: memoryview) -> _Head:
    cursor = _Cursor(message)
    cursor.text()  # frame_id
    height, width, field_count = (cursor.integer(4) for _ in range(3))
    if field_count > _MAX_FIELDS:
        raise RowError(
            f'a message announces {field_count} fields', f'at most {_MAX_FIELDS} are read'
        )
    fields = tuple(
        Field(cursor.text(), cursor.integer(4), cursor.integer(1), cursor.integer(4))
        for _ in range(field_count)
    )
    is_bigendian = bool(cursor.integer(1))
    point_step, row_step, size = (cursor.integer(4) for _ in range(3))
    line, start = width * point_step, cursor.position
    if height == 1:
        row_step = line  # with one line, the distance to the next does not matter
    if row_step < line or size < height * row_step:
        raise RowError(
            f'{height} × {width} rows of {point_step} bytes, row_step {row_step}, do not fit'
            f' into {size} bytes'
        )
    mask = int.from_bytes(cursor.mask, 'little')
    return _Head(
        height, width, fields, is_bigendian, point_step, row_step, start, start + size, mask
    )
