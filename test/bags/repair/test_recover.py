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

import hashlib
import shutil
import sqlite3
import struct

from backports import zstd
from her_ros.bags.errors import BagError
from her_ros.bags.reader import read_bag
from her_ros.bags.repair.recover import default_output, recover
from her_ros.bags.storage.mcap_file import MAGIC, records, stream_of
from her_ros.bags.writer import write_rollout
from her_ros.episodes.splitting import split_rollout
from her_ros.wire.cloud import CloudDecoder
from her_ros.wire.rows import step_dtype
from mcap.opcode import Opcode
from mcap.reader import make_reader
from mcap.records import Chunk
from mcap.stream_reader import get_chunk_data_stream
from mcap.writer import CompressionType, Writer
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionMode, Reader, StoragePlugin

FORMS = {
    'none': {'compression': CompressionType.NONE, 'chunk_size': 60_000},
    'lz4': {'compression': CompressionType.LZ4, 'chunk_size': 150_000},
    'zstd': {'compression': CompressionType.ZSTD, 'chunk_size': 150_000},
    'unchunked': {'use_chunking': False},
}


def state_of(path):
    """Return what must not change of a bag that is looked at."""
    files = sorted(path.rglob('*')) if path.is_dir() else [path]
    return {
        file: (hashlib.sha256(file.read_bytes()).digest(), file.stat().st_mtime_ns)
        for file in files
    }


def lz4_front(compressed):
    """
    Return how many bytes a cut LZ4 frame gives: whole blocks of 64 KiB, and stored bytes.

    Source: lz4 1.9 frame format, sections "Frame Descriptor" and "Data Blocks".
    """
    if len(compressed) < 7:
        return 0
    position = 4 + 2 + (8 if compressed[4] & 8 else 0) + 1
    given = 0
    while position + 4 <= len(compressed):
        (size,) = struct.unpack_from('<I', compressed, position)
        is_stored, size = size >> 31, size & 0x7FFFFFFF
        there = min(size, len(compressed) - position - 4)
        if is_stored:
            given += there
        elif there == size:
            given += 1 << 16
        position += 4 + size
    return given


def front_of(chunk, there):
    """Return the uncompressed bytes that the first bytes of a chunk's data stand for."""
    whole = get_chunk_data_stream(chunk)[0].read(chunk.uncompressed_size)
    if chunk.compression == '':
        return whole[:there]
    if chunk.compression == 'lz4':
        return whole[: lz4_front(chunk.data[:there])]
    # rosbags' library for zstd, which is not ours
    return zstd.ZstdDecompressor().decompress(chunk.data[:there]) if there else b''


def messages_in(content):
    """Contents of the messages whose records are whole."""
    found, position = [], 0
    while position + 9 <= len(content):
        kind, length = struct.unpack_from('<BQ', content, position)
        if kind == Opcode.MESSAGE and position + 9 + length <= len(content):
            begin, end = position + 9 + 22, position + 9 + length
            found.append(bytes(content[begin:end]))
        position += 9 + length
    return found


def messages_left(whole, size):
    """Contents of the messages in the first bytes of a file, found by way of the whole file."""
    found = []
    for kind, start, stop in records(memoryview(whole), len(MAGIC), len(whole) - len(MAGIC)):
        if kind == Opcode.DATA_END:
            break
        if kind == Opcode.MESSAGE and stop <= size:
            found.append(whole[start:stop][22:])
        elif kind == Opcode.CHUNK:
            chunk = Chunk.read(stream_of(memoryview(whole)[start:stop]))
            there = min(stop, size) - (stop - len(chunk.data))
            if there == len(chunk.data):
                found += messages_in(get_chunk_data_stream(chunk)[0].read(chunk.uncompressed_size))
            elif there > 0:
                found += messages_in(front_of(chunk, there))
    return found


def episodes_in(messages, task):
    return [e.rows for e in split_rollout(CloudDecoder(step_dtype(task)).decode(messages))[0]]


@pytest.mark.parametrize('form', FORMS)
def test_of_a_file_cut_anywhere_all_that_is_there_comes_back(
    tmp_path, push, rollouts, write_mcap, same, form
):
    whole = write_mcap(tmp_path / 'a.mcap', rollouts(6, (50, 40, 50)), **FORMS[form]).read_bytes()
    sizes = np.random.default_rng(5).integers(200, len(whole), 50).tolist()
    cut, counts = tmp_path / 'cut.mcap', set()
    for size in sizes:
        cut.write_bytes(whole[:size])
        left = messages_left(whole, size)
        if not left:
            with pytest.raises(BagError, match=r'cut\.mcap: not one message can be read'):
                recover(cut, task=push)
            continue
        recovered = recover(cut, task=push)
        assert recovered.counts == {'/step': len(left)}
        assert recovered.damage
        expected = episodes_in(left, push)
        assert recovered.episodes == len(expected)
        if expected:
            episodes = read_bag(recovered.path, push).episodes
            assert same([e.rows for e in episodes], expected)
        counts.add(len(expected))
        shutil.rmtree(recovered.path)
    assert len(counts) >= 3


def test_the_result_opens_in_rosbags_and_says_the_same(tmp_path, rollouts, write_directory):
    """Every topic, stamp and byte of a bag that lacks nothing but its metadata.yaml."""
    for plugin in StoragePlugin:
        stamps = [10**18 + 10**7 * each for each in range(24)]
        folder = write_directory(tmp_path / plugin.name, rollouts(), plugin, stamps=stamps)
        with Reader(folder) as reader:
            before = [(c.topic, c.msgtype, t, bytes(d)) for c, t, d in reader.messages()]
            described = {c.topic: (c.msgdef.data, c.msgcount, c.ext) for c in reader.connections}
        (folder / 'metadata.yaml').unlink()
        state = state_of(folder)
        recovered = recover(folder)
        assert state_of(folder) == state
        assert recovered.path == folder.with_name(f'{folder.name}_recovered')
        assert [path.name for path in tmp_path.glob('.*')] == []
        with Reader(recovered.path) as reader:
            assert [(c.topic, c.msgtype, t, bytes(d)) for c, t, d in reader.messages()] == before
            found = {c.topic: (c.msgdef.data, c.msgcount, c.ext) for c in reader.connections}
            assert found == described
            assert (reader.start_time, reader.end_time) == (stamps[0], stamps[-1] + 1)
            assert reader.storage.metadata.custom['task'] == 'FetchPush'
            (file,) = reader.storage.files
        assert file['message_count'] == recovered.counts['/step'] + recovered.counts['/rosout']
        assert file['duration'] == {'nanoseconds': stamps[-1] - stamps[0]}
        assert recovered.episodes == 8


@pytest.mark.parametrize('plugin', list(StoragePlugin))
@pytest.mark.parametrize('mode', [CompressionMode.FILE, CompressionMode.MESSAGE])
@pytest.mark.parametrize('text', [None, '', 'a: [', 'rosbag2_bagfile_information: {version: 9}'])
def test_a_broken_metadata_yaml_is_no_loss(
    tmp_path, rollouts, all_rows, write_directory, same, plugin, mode, text
):
    folder = write_directory(tmp_path / 'bag', rollouts(), plugin, mode)
    (folder / 'metadata.yaml').unlink()
    if text is not None:
        (folder / 'metadata.yaml').write_text(text)
    with pytest.raises(BagError, match=r'metadata\.yaml'):
        read_bag(folder)
    recovered = recover(folder)
    assert any('metadata.yaml' in each for each in recovered.damage)
    assert same([e.rows for e in read_bag(recovered.path).episodes], all_rows(rollouts()))


def test_a_split_directory_whose_last_file_is_cut(
    tmp_path, push, rollouts, all_rows, write_mcap, same
):
    """And whose files are more than nine: bag_10 comes after bag_9."""
    folder, messages = tmp_path / 'bag', rollouts(12)
    folder.mkdir()
    for index, part in enumerate(np.array_split(np.arange(len(messages)), 12)):
        write_mcap(folder / f'bag_{index}.mcap', [messages[each] for each in part])
    last = folder / 'bag_11.mcap'
    last.write_bytes(last.read_bytes()[:-300])
    recovered = recover(folder, task=push)
    assert recovered.damage[:2] == [
        'no metadata.yaml in this folder', 'bag_11.mcap: the file is cut short',
    ]  # fmt: skip
    assert all('bag_11.mcap' in each for each in recovered.damage[1:])
    assert same([e.rows for e in read_bag(recovered.path, push).episodes], all_rows(messages))


def test_a_damaged_chunk_is_left_out_and_named(tmp_path, push, rollouts, write_mcap):
    options = {'compression': CompressionType.NONE, 'chunk_size': 9000}
    path = write_mcap(tmp_path / 'a.mcap', rollouts(40), **options)
    content, value = path.read_bytes(), rollouts(40)[100]['observation'][0, 3].tobytes()
    path.write_bytes(content.replace(value, value[::-1]))
    with path.open('rb') as file:
        indices = make_reader(file).get_summary().chunk_indexes
    recovered = recover(path, task=push)
    (chunk,) = (
        each
        for each in indices
        if each.chunk_start_offset < content.index(value)
        < each.chunk_start_offset + each.chunk_length
    )  # fmt: skip
    named = [
        each
        for each in recovered.damage
        if f'chunk at byte {chunk.chunk_start_offset + 9}' in each
    ]
    assert len(named) == 1
    # Two messages are 4 kB, so a chunk is at most two episodes of 6 messages.
    assert 40 * 2 - 8 <= recovered.episodes < 40 * 2


def test_a_hole_does_not_take_what_lies_behind_it(tmp_path, push, rollouts, write_mcap):
    """A block of zeros: record lengths lead nowhere there, with an index and without."""
    for options in ({}, {'use_summary_offsets': False, 'repeat_channels': False}):
        path = write_mcap(tmp_path / 'a.mcap', rollouts(60), chunk_size=9000, **options)
        content = bytearray(path.read_bytes())
        begin = len(content) // 2
        end = begin + 512
        content[begin:end] = bytes(512)
        path.write_bytes(content)
        recovered = recover(path, task=push)
        assert recovered.damage
        assert 60 * 2 - 12 <= recovered.episodes < 60 * 2
        shutil.rmtree(recovered.path)


@pytest.mark.parametrize('share', [0.3, 0.6, 0.9])
def test_of_a_cut_db3_all_that_sqlite_reads_comes_back(
    tmp_path, push, rollouts, all_rows, write_directory, same, share
):
    folder = write_directory(tmp_path / 'bag', rollouts(40, (20, 20)), StoragePlugin.SQLITE3)
    path = folder / 'bag.db3'
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(BagError, match='damaged'):
        read_bag(folder)
    state = state_of(folder)
    recovered = recover(folder)
    assert state_of(folder) == state
    assert recovered.damage
    # The file grows at its end, so what is left is the beginning.
    episodes = [e.rows for e in read_bag(recovered.path).episodes]
    assert len(episodes) == recovered.episodes >= (share - 0.2) * 80
    assert same(episodes, all_rows(rollouts(40, (20, 20)))[: len(episodes)])


def test_what_a_killed_recorder_left_beside_a_db3_is_read(tmp_path, rollouts, write_directory):
    """Read the write-ahead log of SQLite; nothing is written beside the damaged bag."""
    folder = write_directory(tmp_path / 'bag', rollouts(), StoragePlugin.SQLITE3)
    connection = sqlite3.connect(folder / 'bag.db3')
    connection.execute('PRAGMA journal_mode=WAL')
    connection.execute('PRAGMA wal_autocheckpoint=0')
    connection.execute(
        "INSERT INTO messages VALUES(999, 2, 5, x'0001000002000000 6200')".replace(' 6', '6')
    )
    connection.commit()
    killed = tmp_path / 'killed'
    shutil.copytree(folder, killed, ignore=shutil.ignore_patterns('*-shm'))
    connection.close()
    assert (killed / 'bag.db3-wal').stat().st_size > 0
    state = state_of(killed)
    recovered = recover(killed)
    assert state_of(killed) == state
    assert recovered.counts == {'/step': 24, '/rosout': 25}


def test_messages_of_unknown_types_and_tasks_are_kept(tmp_path):
    path = tmp_path / 'a.mcap'
    with path.open('wb') as file:
        writer = Writer(file)
        writer.start('ros2')
        schema = writer.register_schema('my_robot/msg/Gripper', 'ros2msg', b'int32 width\n')
        channel = writer.register_channel('/gripper', 'cdr', schema)
        for stamp_ns in range(9):
            writer.add_message(channel, stamp_ns, bytes([0, 1, 0, 0, stamp_ns]), stamp_ns + 7, 3)
        writer.add_attachment(1, 2, 'notes', 'text/plain', b'hello')
        writer.flush()
    recovered = recover(path)
    assert recovered.episodes == 0
    (file,) = recovered.path.glob('*.mcap')
    with file.open('rb') as stream:
        reader = make_reader(stream)
        found = [(s.name, s.data, c.topic, m) for s, c, m in reader.iter_messages()]
        (attachment,) = reader.iter_attachments()
    assert {each[:3] for each in found} == {('my_robot/msg/Gripper', b'int32 width\n', '/gripper')}
    times = [(m.log_time, m.publish_time, m.sequence, m.data[4]) for *_, m in found]
    assert times == [(stamp, stamp + 7, 3, stamp) for stamp in range(9)]
    assert (attachment.name, attachment.data) == ('notes', b'hello')


def test_a_bag_that_is_whole_loses_nothing(tmp_path, rollouts, all_rows, same):
    path = write_rollout(tmp_path, 'a', {'task': 'FetchPush', 'worker': '3'}, rollouts())
    recovered = recover(path)
    assert recovered.damage == []
    bag = read_bag(recovered.path)
    assert same([e.rows for e in bag.episodes], all_rows(rollouts()))
    assert bag.metadata == {'task': 'FetchPush', 'worker': '3', 'recovered_from': 'a.mcap'}


def test_nothing_is_overwritten_and_nothing_left_behind(tmp_path, rollouts):
    path = write_rollout(tmp_path, 'a', {'task': 'FetchPush'}, rollouts())
    default_output(path).mkdir()
    with pytest.raises(BagError, match='a_recovered: exists already'):
        recover(path)
    (tmp_path / 'text.mcap').write_text('not a bag at all ' * 10)
    (tmp_path / 'empty.db3').touch()
    for name in ('text.mcap', 'empty.db3', 'nothing.mcap'):
        with pytest.raises(BagError, match=name):
            recover(tmp_path / name)
    assert {each.name for each in tmp_path.iterdir()} == {
        'a.mcap', 'a_recovered', 'text.mcap', 'empty.db3'
    }  # fmt: skip


@pytest.mark.parametrize('use_chunking', [True, False])
def test_what_mcap_cannot_read_costs_only_itself(
    tmp_path, push, rollouts, use_chunking, write_mcap
):
    """A file without checksums has a damaged record at its top level, or no valid summary."""
    messages = rollouts(20)
    path = write_mcap(
        tmp_path / 'a.mcap',
        messages,
        use_chunking=use_chunking,
        enable_crcs=False,
        chunk_size=9000,
    )
    whole = path.read_bytes()
    (summary_start,) = struct.unpack_from('<Q', whole, len(whole) - 28)
    broken = bytearray(whole)
    begin, end = summary_start + 1, summary_start + 9
    broken[begin:end] = b'\xff' * 8
    path.write_bytes(broken)
    recovered = recover(path, tmp_path / 'one', push)
    assert (recovered.episodes, len(recovered.damage)) == (40, 1)
    assert 'summary' in recovered.damage[0]
    # A metadata record that claims more texts than it holds, in front of everything else.
    header = len(MAGIC) + 9 + struct.unpack_from('<Q', whole, len(MAGIC) + 1)[0]
    record = bytes([Opcode.METADATA]) + struct.pack('<QI', 4, 1000)
    path.write_bytes(whole[:header] + record + whole[header:-60])
    recovered = recover(path, tmp_path / 'two', push)
    assert recovered.episodes == 40
    assert any('the record at byte' in each for each in recovered.damage)


def test_a_damaged_compressed_message_costs_only_itself(tmp_path, rollouts, write_directory):
    folder = write_directory(
        tmp_path / 'bag', rollouts(20), StoragePlugin.SQLITE3, CompressionMode.MESSAGE
    )
    with sqlite3.connect(folder / 'bag.db3') as file:
        (content,) = file.execute('SELECT data FROM messages WHERE id = 100').fetchone()
        damaged = content[:6] + bytes(len(content) - 6)
        file.execute('UPDATE messages SET data = ? WHERE id = 100', (damaged,))
    file.close()
    recovered = recover(folder)
    assert sum(recovered.counts.values()) == 2 * 6 * 20 - 1
    assert len(recovered.damage) == 1
    assert 'compressed message' in recovered.damage[0]
