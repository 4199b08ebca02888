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
Layout of the rows of a message, and rows of any layout as rows of ours.

A PointCloud2 describes its own rows: every field has a name, an offset, a type and a count. Rows
are therefore read by field name, so that another field order, padding, additional fields, or
float32 instead of float64 are still read correctly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from her_ros.wire.rows import ADDED_FIELDS, RowError, Rows, TRUTH
import numpy as np
from numpy.typing import NDArray

# sensor_msgs/PointField: INT8 = 1 ... FLOAT64 = 8
DATATYPES = ('i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'f4', 'f8')

#: of a row; those of our own take a few hundred
MAX_ROW_BYTES = 1 << 20


@dataclass(frozen=True)
class Field:
    """One sensor_msgs/PointField, without ROS."""

    name: str
    offset: int
    datatype: int
    count: int


def fields_of(dtype: np.dtype[np.void]) -> tuple[Field, ...]:
    """Describe a structured dtype the way a PointCloud2 does."""
    assert dtype.fields is not None
    assert dtype.names is not None
    described = []
    for name in dtype.names:
        kind, offset = dtype.fields[name][:2]
        count = kind.shape[0] if kind.shape else 1
        described.append(Field(name, offset, DATATYPES.index(kind.base.str[1:]) + 1, count))
    return tuple(described)


class RowDecoder:
    """
    Reads rows of one layout into rows of the wanted dtype; checks the layout once.

    :param wanted: the dtype to deliver, from :func:`step_dtype` or :func:`action_dtype`
    :param fields: the sender's fields
    :param point_step: bytes from one row to the next
    :param disturbed: the dtype to deliver instead if the message holds the truth, from
        :func:`disturbed_step_dtype`; None: the truth is left out
    :raises RowError: if a field of format 1 is missing, or a field has another size or kind
    """

    def __init__(
        self,
        wanted: np.dtype[np.void],
        fields: Iterable[Field],
        point_step: int,
        is_bigendian: bool = False,
        disturbed: np.dtype[np.void] | None = None,
    ) -> None:
        fields = tuple(fields)
        if disturbed is not None and {*TRUTH} <= {field.name for field in fields}:
            wanted = disturbed
        self.wanted = wanted
        self._source = _source_dtype(wanted, fields, point_step, is_bigendian)
        self._same = self._source == wanted

    def decode(self, buffer: bytes | memoryview | NDArray[np.uint8], count: int) -> Rows:
        """
        Read ``count`` rows.

        :return: rows of the wanted dtype, shape (count,); a read-only view of the buffer where
            its layout is our own
        :raises RowError: if the buffer is too short
        """
        if len(buffer) < count * self._source.itemsize:
            raise RowError(
                f'{count} rows of {self._source.itemsize} bytes announced,'
                f' but the message holds {len(buffer)} bytes'
            )
        rows = np.frombuffer(buffer, self._source, count)
        if self._same:
            return rows
        converted = np.zeros(count, self.wanted)
        with np.errstate(over='ignore', invalid='ignore'):  # too large for float32: infinity
            for name in self.wanted.names or ():
                is_there = name in (self._source.names or ())
                converted[name] = rows[name] if is_there else ADDED_FIELDS[name]
        return converted


def _source_dtype(
    wanted: np.dtype[np.void], fields: Sequence[Field], point_step: int, is_bigendian: bool
) -> np.dtype[np.void]:
    require_distinct(fields)
    if point_step > MAX_ROW_BYTES:
        raise RowError(f'a row takes {point_step} bytes', f'at most {MAX_ROW_BYTES} fit')
    by_name = {field.name: field for field in fields}
    assert wanted.names is not None
    missing = [name for name in wanted.names if name not in by_name]
    if required := [name for name in missing if name not in ADDED_FIELDS]:
        raise RowError(f'fields {required} are missing; the message has {list(by_name)}')
    names = [name for name in wanted.names if name not in missing]
    formats: list[tuple[str, tuple[int, ...]]] = []
    for name in names:
        field, kind = by_name[name], wanted[name]
        size = kind.shape[0] if kind.shape else 1
        if field.count != size:
            raise RowError(f'field {name} has {field.count} values per row', f'expected {size}')
        if not 1 <= field.datatype <= len(DATATYPES):
            raise RowError(f'field {name} has the unknown datatype {field.datatype}')
        code = ('>' if is_bigendian else '<') + DATATYPES[field.datatype - 1]
        if not np.can_cast(np.dtype(code), kind.base, 'same_kind'):
            raise RowError(f'field {name} is {np.dtype(code).name}', f'expected {kind.base.name}')
        if field.offset + np.dtype(code).itemsize * size > point_step:
            raise RowError(f'field {name} reaches beyond the row of {point_step} bytes')
        formats.append((code, kind.shape))
    _require_apart([by_name[name] for name in names])
    return np.dtype(
        {
            'names': names,
            'formats': formats,
            'offsets': [by_name[name].offset for name in names],
            'itemsize': point_step,
        }
    )


def require_distinct(fields: Sequence[Field]) -> None:
    """
    Refuse fields without a name, and two of one name.

    :raises RowError: naming them
    """
    names = [field.name for field in fields]
    if '' in names:
        raise RowError(f'field {names.index("")} has no name')
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RowError(f'fields {twice} occur more than once')


def _require_apart(wanted: Sequence[Field]) -> None:
    """
    Refuse wanted fields that share bytes; other fields may overlap.

    :raises RowError: naming the first two
    """
    spans = []
    for field in wanted:
        size = np.dtype(DATATYPES[field.datatype - 1]).itemsize * field.count
        spans.append((field.offset, field.offset + size, field.name))
    spans.sort()
    for (_, end, name), (begin, _, other) in pairwise(spans):
        if begin < end:
            raise RowError(f'fields {name} and {other} overlap at byte {begin} of the row')
