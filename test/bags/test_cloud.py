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

import array

from her_ros.wire import cloud
from her_ros.wire.cloud import CLOUD_TYPE, CloudDecoder, encode_cloud
from her_ros.wire.row_layout import fields_of
from her_ros.wire.rows import RowError, step_dtype
import numpy as np
import pytest
from rosbags.typesys import get_typestore, Stores

STAMP_NS = 1_700_000_000_123_456_789
STORE = get_typestore(Stores.ROS2_JAZZY)


def foreign_cloud(rows, height=1, line_padding=0, big_endian=False, frame_id='odom'):
    """Have rosbags serialise rows of any layout; (height, width) rows make an image."""
    types = STORE.types
    data = rows.reshape(height, -1)
    row_step = data.shape[1] * rows.dtype.itemsize + line_padding
    lines = np.zeros((height, row_step), np.uint8)
    lines[:, : row_step - line_padding] = data.view(np.uint8).reshape(height, -1)
    message = types[CLOUD_TYPE](
        header=types['std_msgs/msg/Header'](
            stamp=types['builtin_interfaces/msg/Time'](sec=1, nanosec=2), frame_id=frame_id
        ),
        height=height,
        width=data.shape[1],
        fields=[
            types['sensor_msgs/msg/PointField'](**vars(field)) for field in fields_of(rows.dtype)
        ],
        is_bigendian=rows.dtype['session'].str.startswith('>'),
        point_step=rows.dtype.itemsize,
        row_step=row_step,
        data=lines.ravel(),
        is_dense=True,
    )
    return bytes(STORE.serialize_cdr(message, CLOUD_TYPE, little_endian=not big_endian))


def relaid(rows, names, formats=None, offsets=None, itemsize=None):
    """Copy rows into another layout, by name; fields we do not know hold 9."""
    formats = formats or [rows.dtype[name] for name in names]
    description = {'names': names, 'formats': formats}
    if offsets:
        description |= {'offsets': offsets, 'itemsize': itemsize}
    copied = np.zeros(len(rows), np.dtype(description))
    for name in names:
        copied[name] = rows[name] if name in rows.dtype.names else 9
    return copied


def rclpy_cloud(rows, frame_id):
    """Have rclpy serialise rows; it leaves garbage in the padding."""
    serialization = pytest.importorskip('rclpy.serialization')
    sensor_msgs = pytest.importorskip('sensor_msgs.msg')
    message = sensor_msgs.PointCloud2(height=1, width=len(rows), is_dense=True)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(STAMP_NS, 10**9)
    message.header.frame_id = frame_id
    message.fields = [sensor_msgs.PointField(**vars(each)) for each in fields_of(rows.dtype)]
    message.point_step = rows.dtype.itemsize
    message.row_step = rows.dtype.itemsize * len(rows)
    message.data = array.array('B', rows.tobytes())
    return serialization.serialize_message(message), message


@pytest.mark.parametrize('frame_id', ['world', '', 'base_link'])
@pytest.mark.parametrize('count', [1, 2, 7])
def test_bytes_are_those_of_rclpy_but_for_the_padding(make_rollout, frame_id, count):
    rows = make_rollout((5,) * count)[1]
    theirs, message = rclpy_cloud(rows, frame_id)
    ours = encode_cloud(rows, STAMP_NS, frame_id)
    # rosbags writes zeros into the padding.
    parsed = STORE.deserialize_cdr(theirs, CLOUD_TYPE)
    assert ours == bytes(STORE.serialize_cdr(parsed, CLOUD_TYPE))
    assert len(ours) == len(theirs)
    from rclpy.serialization import deserialize_message

    assert deserialize_message(ours, type(message)) == message


def test_what_rclpy_serialised_is_read(push, make_rollout, same):
    messages = make_rollout()
    clouds = [rclpy_cloud(rows, 'world')[0] for rows in messages]
    decoded = CloudDecoder(step_dtype(push)).decode(clouds)
    assert same(decoded, [np.concatenate(messages)])


def test_garbage_in_the_padding_costs_nothing(push, make_rollout, same, monkeypatch):
    """The head is read once, though no two messages have the same bytes in front of their rows."""
    reads = []
    read_head = cloud._read_head
    monkeypatch.setattr(cloud, '_read_head', lambda each: reads.append(1) or read_head(each))
    messages = make_rollout()
    clouds = []
    for index, rows in enumerate(messages, start=1):
        content = bytearray(encode_cloud(rows, 0))
        # frame 'world' ends at 22; the first field's 'session' needs no padding, its type does.
        for position in (22, 23, 53, 54, 55):
            assert content[position] == 0
            content[position] = index
        clouds.append(bytes(content))
    decoded = CloudDecoder(step_dtype(push)).decode(clouds)
    assert same([np.concatenate(decoded)], [np.concatenate(messages)])
    assert len(reads) == 1


def test_messages_of_changing_size_come_back(push, make_rollout, same):
    messages = make_rollout((2, 5, 3, 5))
    decoded = CloudDecoder(step_dtype(push)).decode(
        [encode_cloud(rows, STAMP_NS + index) for index, rows in enumerate(messages)]
    )
    assert same([np.concatenate(decoded)], [np.concatenate(messages)])


def test_one_decoder_reads_publishers_in_turn(push, make_rollout, same):
    messages = make_rollout()
    turns = [encode_cloud(rows, 0, 'a' * (1 + i % 2 * 9)) for i, rows in enumerate(messages)]
    decoded = CloudDecoder(step_dtype(push)).decode(turns)
    assert same([np.concatenate(decoded)], [np.concatenate(messages)])


@pytest.mark.parametrize('big_endian', [False, True])
def test_other_field_order_padding_and_fields_read_right_by_name(
    push, make_rollout, same, big_endian
):
    rows = make_rollout()[1]
    names = ['temperature', *reversed(rows.dtype.names)]
    formats = ['f4', *(rows.dtype[name] for name in reversed(rows.dtype.names))]
    packed = relaid(rows, names, formats)
    sizes = [np.dtype(kind).itemsize for kind in formats]
    offsets = (3 + np.cumsum([0, *(size + 5 for size in sizes[:-1])])).tolist()
    padded = relaid(rows, names, formats, offsets, offsets[-1] + sizes[-1] + 11)
    decoder = CloudDecoder(step_dtype(push))
    for foreign in (packed, padded):
        decoded = decoder.decode([foreign_cloud(foreign, big_endian=big_endian)])
        assert same(decoded, [rows])


def test_float32_states_are_widened(push, make_rollout):
    rows = make_rollout()[1]
    names = list(rows.dtype.names)
    formats = [
        (np.dtype('f4'), kind.shape) if kind.base == np.float64 else kind
        for kind in (rows.dtype[name] for name in names)
    ]
    (decoded,) = CloudDecoder(step_dtype(push)).decode(
        [foreign_cloud(relaid(rows, names, formats))]
    )
    assert decoded['observation'].dtype == np.float64
    np.testing.assert_array_equal(decoded['observation'], rows['observation'].astype('f4'))
    np.testing.assert_array_equal(decoded['action'], rows['action'])


def test_images_and_padded_lines_are_flattened(push, make_rollout, same):
    rows = make_rollout((5,) * 6)[1]
    decoder = CloudDecoder(step_dtype(push))
    for padding in (0, 20):
        clouds = [foreign_cloud(rows, height=3, line_padding=padding)] * 2
        assert same(decoder.decode(clouds), [np.concatenate([rows, rows])])


def test_big_endian_rows_are_swapped(push, make_rollout, same):
    rows = make_rollout()[1]
    swapped = rows.astype(rows.dtype.newbyteorder('>'))
    for big_endian in (False, True):
        content = foreign_cloud(swapped, big_endian=big_endian)
        assert same(CloudDecoder(step_dtype(push)).decode([content]), [rows])


def test_a_message_cut_anywhere_is_refused(push, make_rollout):
    content = encode_cloud(make_rollout()[1], STAMP_NS)
    decoder = CloudDecoder(step_dtype(push))
    decoder.decode([content])
    for fresh in (decoder, CloudDecoder(step_dtype(push))):
        for size in range(len(content)):
            with pytest.raises(RowError, match=r'cut short|not a CDR'):
                fresh.decode([content[:size]])


def test_rows_that_the_data_cannot_hold_are_refused(push, make_rollout):
    content = bytearray(encode_cloud(make_rollout()[1], STAMP_NS, 'abc'))
    # 4 bytes encapsulation, 8 stamp, 4 + 4 frame 'abc', then height and width
    for position in (20, 24):
        claimed = content.copy()
        claimed[position] += 1
        with pytest.raises(RowError, match='do not fit into'):
            CloudDecoder(step_dtype(push)).decode([bytes(claimed)])


def test_fields_of_another_size_are_named(push, make_rollout):
    rows = make_rollout()[1]
    names = [name for name in rows.dtype.names if name != 'reward']
    with pytest.raises(RowError, match='reward'):
        CloudDecoder(step_dtype(push)).decode([foreign_cloud(relaid(rows, names))])
