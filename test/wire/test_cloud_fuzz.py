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

"""Arbitrary and mutated bytes give rows or a RowError, in bounded time and memory."""

from contextlib import suppress
import struct
import time
import tracemalloc
import warnings

from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CloudDecoder, dtype_of, encode_cloud, stamp_of
from her_ros.wire.row_layout import Field, fields_of, RowDecoder
from her_ros.wire.rows import action_dtype, RowError, step_dtype
from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import pytest

PUSH = TASKS['FetchPush']
DTYPES = (step_dtype(PUSH), action_dtype(PUSH))
ROWS = [np.ones(3, dtype) for dtype in DTYPES]
MESSAGES = [encode_cloud(rows, 1_700_000_000_000_000_000) for rows in ROWS]
# Numbers at which sizes, counts and offsets go wrong.
NUMBERS = st.sampled_from([0, 1, 3, 7, 127, 2**16, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1])
OUR_FIELDS = {field.name: field for dtype in DTYPES for field in fields_of(dtype)}
_FUZZ = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcomes(message):
    """Read a message in all ways; return the rows that came of it."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for wanted in DTYPES:
            with suppress(RowError):
                found += CloudDecoder(wanted).decode([message])
        for read in (stamp_of, dtype_of):
            with suppress(RowError):
                found.append(read(message))
    return found


@_FUZZ
@given(st.binary(max_size=300), st.sampled_from([b'', b'\0\0\0\0', b'\0\1\0\0']))
def test_arbitrary_bytes(content, start):
    outcomes(start + content)


@st.composite
def mutated(draw):
    """Cut a message, and overwrite some of its words and bytes."""
    message = bytearray(draw(st.sampled_from(MESSAGES)))
    head = struct.unpack_from('<I', message, 28)[0] * 30
    for _ in range(draw(st.integers(1, 4))):
        position = draw(st.one_of(st.integers(0, head), st.integers(0, len(message) - 4)))
        if draw(st.booleans()):
            struct.pack_into('<I', message, position // 4 * 4, draw(NUMBERS))
        else:
            message[position] = draw(st.integers(0, 255))
    return bytes(message[: draw(st.one_of(st.just(len(message)), st.integers(0, len(message))))])


@_FUZZ
@given(mutated())
def test_mutated_messages(message):
    outcomes(message)


@st.composite
def described(draw):
    """Describe rows at random, as a sender may who follows the format and nothing else."""
    names = st.one_of(st.sampled_from([*OUR_FIELDS, '', 'x']), st.text(max_size=5))
    fields = []
    for name in draw(st.one_of(st.just(list(OUR_FIELDS)), st.lists(names, max_size=8))):
        ours = OUR_FIELDS.get(name, Field(name, 0, 7, 1))
        offset = draw(st.one_of(st.just(ours.offset), NUMBERS))
        count = draw(st.one_of(st.just(ours.count), NUMBERS))
        kind = draw(st.one_of(st.just(ours.datatype), st.integers(0, 255)))
        fields.append(Field(name, offset, kind, count))
    return fields


@_FUZZ
@given(described(), NUMBERS, NUMBERS, NUMBERS, st.booleans(), st.binary(max_size=2000))
def test_any_description_of_rows(fields, height, width, point_step, is_bigendian, content):
    outcomes(message_of(fields, height, width, point_step, is_bigendian, content))


def message_of(fields, height, width, point_step, is_bigendian=False, content=b''):
    """Write a PointCloud2 whose parts need not fit each other."""
    out = bytearray(b'\0\1\0\0' + bytes(8))

    def number(value, code='I'):
        out.extend(bytes(-len(out) % struct.calcsize(code)) + struct.pack(f'<{code}', value))

    def text(value):
        encoded = value.encode(errors='replace') + b'\0'
        number(len(encoded))
        out.extend(encoded)

    text('world')
    for value in (height, width, len(fields)):
        number(value)
    for field in fields:
        text(field.name)
        number(field.offset)
        number(field.datatype, 'B')
        number(field.count)
    number(is_bigendian, 'B')
    for value in (point_step, width * point_step & 0xFFFFFFFF, len(content)):
        number(value)
    return bytes(out + content + b'\1')


def test_the_writer_of_this_test_writes_what_is_read():
    for rows in ROWS:
        step = rows.dtype.itemsize
        message = message_of(fields_of(rows.dtype), 1, len(rows), step, content=rows.tobytes())
        (found,) = CloudDecoder(rows.dtype).decode([message])
        assert found.tobytes() == rows.tobytes()


def refusal(message, read):
    with pytest.raises(RowError) as caught:
        read(message)
    return str(caught.value)


def decode(message):
    return CloudDecoder(DTYPES[0]).decode([message])


@pytest.mark.parametrize('width', [0, 1])
def test_rows_of_gigabytes_are_refused(width):
    message = message_of(fields_of(DTYPES[0]), 1, width, 2**32 - 1)
    assert '4294967295 bytes' in refusal(message, decode)


def test_a_count_beyond_a_c_int_is_refused():
    fields = [Field('observation', 0, 8, 2**32 - 1)]
    message = message_of(fields, 1, 0, 8)
    assert 'bytes; at most' in refusal(message, dtype_of)
    assert 'missing' in refusal(message, decode)


@pytest.mark.parametrize('read', [decode, dtype_of])
def test_two_fields_of_one_name_are_refused(read):
    fields = fields_of(DTYPES[0])
    message = message_of((*fields, fields[0]), 1, 0, DTYPES[0].itemsize)
    assert refusal(message, read).startswith("fields ['session'] occur more than once;")


@pytest.mark.parametrize('read', [decode, dtype_of])
def test_a_field_without_a_name_is_refused(read):
    message = message_of([Field('', 0, 7, 1)], 1, 0, 8)
    assert refusal(message, read).startswith('field 0 has no name;')


def test_wanted_fields_that_overlap_are_refused_and_others_may():
    fields = list(fields_of(DTYPES[0]))
    again = Field('rgb', fields[0].offset, 7, 1)
    RowDecoder(DTYPES[0], [*fields, again], DTYPES[0].itemsize)
    moved = fields[2]
    fields[2] = Field(moved.name, fields[1].offset + 2, moved.datatype, moved.count)
    message = message_of(fields, 1, 0, DTYPES[0].itemsize)
    assert refusal(message, decode).startswith(
        'fields env and episode overlap at byte 6 of the row;'
    )


def test_a_text_longer_than_the_message_is_refused():
    message = bytearray(MESSAGES[0])
    struct.pack_into('<I', message, 12, 2**32 - 1)
    assert 'cut short in its head' in refusal(bytes(message), decode)


def test_float64_beyond_float32_becomes_infinity_without_a_warning():
    fields = [
        Field(f.name, 8 * 32 * i, 8 if f.name == 'action' else f.datatype, f.count)
        for i, f in enumerate(fields_of(DTYPES[1]))
    ]
    step = 8 * 32 * len(fields)
    content = bytearray(step)
    offset = next(f.offset for f in fields if f.name == 'action')
    struct.pack_into('<4d', content, offset, 1e300, -1e300, 0.5, np.nan)
    message = message_of(fields, 1, 1, step, content=bytes(content))
    rows = next(each for each in outcomes(message) if getattr(each, 'dtype', None) == DTYPES[1])
    np.testing.assert_array_equal(rows['action'][0], [np.inf, -np.inf, 0.5, np.nan])


def test_many_fields_take_neither_time_nor_memory():
    name, count = 'f', 100_000
    message = message_of([Field(f'{name}{i}', 0, 7, 1) for i in range(count)], 1, 0, 4)
    tracemalloc.start()
    begin = time.perf_counter()
    assert f'{count} fields' in refusal(message, decode)
    assert time.perf_counter() - begin < 0.05
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()
