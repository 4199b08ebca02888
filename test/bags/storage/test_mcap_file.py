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

from her_ros.bags.errors import BagError
from her_ros.bags.reader import read_bag
from her_ros.bags.storage.mcap_file import McapFile
from her_ros.bags.writer import write_rollout
from her_ros.wire.cloud import CLOUD_TYPE, encode_cloud
from mcap.writer import CompressionType, IndexType, Writer
import numpy as np
import pytest


@pytest.fixture
def whole(tmp_path, make_rollout):
    return write_rollout(tmp_path, 'whole', {'task': 'FetchPush'}, make_rollout()).read_bytes()


@pytest.fixture
def write_mcap(tmp_path, make_rollout):
    """Write a file as another program would, with mcap itself and the options given."""

    def write(**options):
        path = tmp_path / 'foreign.mcap'
        with path.open('wb') as file:
            writer = Writer(file, **options)
            writer.start('ros2')
            schema = writer.register_schema(CLOUD_TYPE, 'ros2msg', b'')
            channel = writer.register_channel('/w/step', 'cdr', schema)
            for stamp_ns, rows in enumerate(make_rollout()):
                writer.add_message(channel, stamp_ns, encode_cloud(rows, stamp_ns), stamp_ns)
            writer.finish()
        return path

    return write


@pytest.mark.parametrize(
    'options',
    [
        {'compression': CompressionType.NONE},
        {'compression': CompressionType.ZSTD},
        {'compression': CompressionType.LZ4, 'chunk_size': 5000},
        {'use_chunking': False},
        {'enable_crcs': False, 'index_types': IndexType.NONE},
        {
            'index_types': IndexType.NONE,
            'repeat_channels': False,
            'repeat_schemas': False,
            'use_statistics': False,
            'use_summary_offsets': False,
        },
    ],
    ids=['plain', 'zstd', 'lz4-chunks', 'unchunked', 'unchecked', 'no-summary'],
)
def test_every_kind_of_file_reads_the_same(
    write_mcap, make_rollout, expected_of, same, push, options
):
    episodes = read_bag(write_mcap(**options), push).episodes
    assert same([each.rows for each in episodes], expected_of(make_rollout()))


def test_only_wanted_topics_are_kept(whole):
    file = McapFile(whole, lambda topic, message_type: False)
    assert (file.topics, file.messages) == ({'/step': CLOUD_TYPE}, {})
    assert McapFile(whole, None).metadata == {'task': 'FetchPush'}


def test_a_file_cut_anywhere_is_refused(tmp_path, whole, push):
    path = tmp_path / 'cut.mcap'
    cuts = np.random.default_rng(1).integers(0, len(whole), 100).tolist()
    for size in (*range(60), *cuts, *range(len(whole) - 60, len(whole))):
        path.write_bytes(whole[:size])
        with pytest.raises(BagError, match=r'cut\.mcap: .*(cut short|not an MCAP|is empty)'):
            read_bag(path, push)


def test_every_flipped_byte_is_noticed(tmp_path, whole, push):
    path = tmp_path / 'flipped.mcap'
    random = np.random.default_rng(2)
    flips = random.integers(0, len(whole), 300).tolist()
    for position in (*range(60), *flips, *range(len(whole) - 60, len(whole))):
        flipped = bytearray(whole)
        flipped[position] ^= int(random.integers(1, 256))
        path.write_bytes(flipped)
        with pytest.raises(BagError, match='flipped'):
            read_bag(path, push)


def test_a_hole_is_noticed(tmp_path, whole, push):
    """A power cut can leave a block of zeros in a file of the right length."""
    path = tmp_path / 'hole.mcap'
    for begin in range(0, len(whole), 512):
        end = begin + 512
        holed = whole[:begin] + bytes(len(whole[begin:end])) + whole[end:]
        path.write_bytes(holed)
        with pytest.raises(BagError, match='hole'):
            read_bag(path, push)


def test_chunk_checksums_of_others_are_checked(write_mcap, make_rollout, push):
    path = write_mcap(compression=CompressionType.NONE)
    content = path.read_bytes()
    value = make_rollout()[2]['observation'][1, 3].tobytes()
    assert content.count(value) == 1
    path.write_bytes(content.replace(value, value[::-1]))
    with pytest.raises(BagError, match=r'foreign\.mcap: .*checksum'):
        read_bag(path, push)


@pytest.mark.parametrize('use_chunking', [True, False])
def test_damage_that_no_checksum_covers_never_escapes_as_a_traceback(
    write_mcap, push, use_chunking
):
    path = write_mcap(
        use_chunking=use_chunking, enable_crcs=False, compression=CompressionType.NONE
    )
    whole, random = path.read_bytes(), np.random.default_rng(3)
    outcomes = set()
    for _ in range(500):
        damaged = bytearray(whole)
        for position in random.integers(0, len(whole), 4):
            damaged[position] = random.integers(256)
        path.write_bytes(damaged)
        try:
            outcomes.add(len(read_bag(path, push).episodes))
        except BagError:
            outcomes.add('refused')
    assert 'refused' in outcomes
