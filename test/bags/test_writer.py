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

import os
from pathlib import Path
import resource
import signal
import subprocess
import sys

import her_ros
from her_ros.bags.errors import BagError
from her_ros.bags.reader import read_bag, read_bag_metadata
from her_ros.bags.writer import BagWriter, write_rollout
from her_ros.wire.cloud import CLOUD_TYPE, encode_cloud
from mcap.reader import make_reader, NonSeekingReader
from mcap.records import Channel
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader
import yaml

METADATA = {'task': 'FetchPush', 'worker': 'worker_0', 'note': 'größer als "5"\n: yes'}


def fill(writer, messages, topic='/run/worker_0/step'):
    for stamp_ns, rows in enumerate(messages, start=1):
        writer.write(topic, CLOUD_TYPE, encode_cloud(rows, stamp_ns), stamp_ns)


def test_bag_appears_at_close_and_only_then(tmp_path, make_rollout):
    writer = BagWriter(tmp_path, 'r1', METADATA)
    fill(writer, make_rollout())
    assert not list(tmp_path.glob('*.mcap'))
    assert all(path.name.startswith('.') for path in tmp_path.iterdir())
    assert writer.close() == tmp_path / 'r1.mcap'
    assert list(tmp_path.iterdir()) == [tmp_path / 'r1.mcap']


def test_discard_leaves_nothing(tmp_path, make_rollout):
    writer = BagWriter(tmp_path, 'r1', METADATA)
    fill(writer, make_rollout())
    writer.discard()
    assert not list(tmp_path.iterdir())


def test_metadata_known_at_the_end_is_added(tmp_path, make_rollout):
    writer = BagWriter(tmp_path, 'r1', METADATA)
    fill(writer, make_rollout())
    path = writer.close({'policy_version': '3'})
    assert (
        read_bag_metadata(path) == read_bag(path).metadata == {**METADATA, 'policy_version': '3'}
    )


def test_a_killed_writer_leaves_no_bag(tmp_path, make_rollout):
    code = (
        'import os, signal, sys, pathlib\n'
        'from her_ros.bags.writer import BagWriter\n'
        "writer = BagWriter(pathlib.Path(sys.argv[1]), 'r1', {})\n"
        "for _ in range(3): writer.write('/step', 'std_msgs/msg/String', bytes(2**20), 1)\n"
        'os.kill(os.getpid(), signal.SIGKILL)\n'
    )
    root = Path(her_ros.__file__).parents[1]
    killed = subprocess.run(
        [sys.executable, '-c', code, str(tmp_path)],
        cwd=root,
        env={**os.environ, 'PYTHONPATH': str(root)},
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ['.r1.mcap.tmp']
    # The next writer of that name is not disturbed by what is left.
    path = write_rollout(tmp_path, 'r1', METADATA, make_rollout())
    assert len(read_bag(path).episodes) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path, make_rollout):
    writer = BagWriter(tmp_path, 'r1', METADATA)
    fill(writer, make_rollout())
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(BagError, match=r'r1\.mcap: cannot be written'):
            writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not list(tmp_path.iterdir())
    # Nor can a file with a hole be finished once there is room again.
    with pytest.raises(BagError, match='discarded'):
        writer.close()
    assert not list(tmp_path.iterdir())


def test_bags_are_not_overwritten(tmp_path, make_rollout):
    path = write_rollout(tmp_path, 'r1', METADATA, make_rollout())
    before = path.read_bytes()
    with pytest.raises(BagError, match='exists already'):
        write_rollout(tmp_path, 'r1', METADATA, make_rollout())
    assert path.read_bytes() == before


@pytest.mark.parametrize('name', ['a/b', '../b', ''])
def test_a_name_is_not_a_path(tmp_path, name):
    with pytest.raises(BagError, match='name'):
        BagWriter(tmp_path / 'bags', name, METADATA)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BagError, match=r'bags/r1\.mcap: cannot be written'):
        BagWriter(tmp_path / 'bags', 'r1', METADATA)


def test_an_unknown_type_is_named_and_leaves_nothing(tmp_path):
    writer = BagWriter(tmp_path, 'r1', METADATA)
    with pytest.raises(BagError, match='my_msgs/msg/Thing'):
        writer.write('/thing', 'my_msgs/msg/Thing', b'', 0)


def test_mcap_reads_it_and_finds_every_checksum_right(tmp_path, make_rollout):
    messages = make_rollout()
    path = write_rollout(tmp_path, 'r1', METADATA, messages, start_ns=10, period_s=0.04)
    with path.open('rb') as file:
        reader = make_reader(file, validate_crcs=True)
        assert reader.get_header().profile == 'ros2'
        read = list(reader.iter_messages())
        assert [message.log_time for _, _, message in read] == [
            10 + 40_000_000 * index for index in range(len(messages))
        ]
        schema, channel, _ = read[0]
        assert (schema.name, schema.encoding) == (CLOUD_TYPE, 'ros2msg')
        assert (channel.topic, channel.message_encoding) == ('/step', 'cdr')
        metadata = {record.name: record.metadata for record in reader.iter_metadata()}
        assert metadata['her_ros'] == METADATA
    with path.open('rb') as file:  # this one checks the data section as well
        assert len(list(NonSeekingReader(file, validate_crcs=True).iter_messages())) == 6


def test_plain_rosbag2_tools_read_it_as_it_stands(tmp_path, make_rollout):
    messages = make_rollout()
    path = write_rollout(tmp_path, 'r1', METADATA, messages)
    with Reader(path) as reader:
        (connection,) = reader.connections
        assert (connection.topic, connection.msgcount) == ('/step', len(messages))
        (qos,) = connection.ext.offered_qos_profiles
        assert (qos.depth, qos.reliability.name, qos.durability.name) == (
            10,
            'RELIABLE',
            'VOLATILE',
        )
    with AnyReader([path]) as reader:  # takes the message definition from the file
        read = [reader.deserialize(cdr, each.msgtype) for each, _, cdr in reader.messages()]
    assert [message.data.tobytes() for message in read] == [rows.tobytes() for rows in messages]


def test_metadata_for_rosbag2_has_every_key_it_decodes(tmp_path, make_rollout):
    path = write_rollout(tmp_path, 'r1', METADATA, make_rollout(), start_ns=5)
    with path.open('rb') as file:
        records = {each.name: each.metadata for each in make_reader(file).iter_metadata()}
    metadata = yaml.safe_load(records['rosbag2']['serialized_metadata'])
    # rosbag2_storage/yaml.hpp of Jazzy, convert<BagMetadata>::decode, version 9
    assert set(metadata) == {
        'version',
        'storage_identifier',
        'duration',
        'starting_time',
        'message_count',
        'topics_with_message_count',
        'relative_file_paths',
        'compression_format',
        'compression_mode',
        'files',
        'custom_data',
        'ros_distro',
    }
    assert metadata['custom_data'] == METADATA
    assert metadata['starting_time'] == {'nanoseconds_since_epoch': 5}
    assert metadata['message_count'] == 6


def test_topics_share_a_schema_and_tell_their_type_hash(tmp_path, make_rollout):
    writer = BagWriter(tmp_path, 'r1', METADATA)
    fill(writer, make_rollout(), '/run/worker_0/step')
    fill(writer, make_rollout(), '/run/worker_1/step')
    writer.write('/collect', 'std_msgs/msg/Bool', b'\0\1\0\0\1', 5)
    with writer.close().open('rb') as file:
        summary = make_reader(file).get_summary()
    channels: dict[int, Channel] = summary.channels
    assert [each.name for each in summary.schemas.values()] == [CLOUD_TYPE, 'std_msgs/msg/Bool']
    assert channels[1].schema_id == channels[2].schema_id != channels[3].schema_id
    assert all(each.metadata['topic_type_hash'][:7] == 'RIHS01_' for each in channels.values())
