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

import json
import os
import sqlite3
import subprocess
import sys
import textwrap

from campaign.hostile import bombs, floods, mcap_of, MIB
from her_ros.bags.errors import BagError
from her_ros.bags.inspection.info import read_info
from her_ros.bags.reader import read_bag
from her_ros.bags.recording import Recording
from her_ros.bags.repair.recover import recover
from her_ros.bags.storage.limits import (
    check_regular,
    check_size,
    chunk_content,
    Expansion,
    LIMIT_VARIABLE,
)
from her_ros.bags.storage.messages import decompressed
import lz4.frame
from mcap.writer import CompressionType, Writer
import pytest
import zstandard


@pytest.fixture(scope='module')
def bomb_folder(tmp_path_factory):
    return written(tmp_path_factory.mktemp('bombs'), bombs())


def written(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_each_bomb_takes_bounded_memory_and_is_named(bomb_folder):
    # A chunk of 64 MiB, a copy of it, and a batch of messages.
    assert peak_mib_of_reading(bomb_folder, bombs()) < 200


def test_each_flood_of_definitions_takes_bounded_memory_and_is_named_once(tmp_path):
    # A quarter of the limit is kept, of one file at a time.
    assert peak_mib_of_reading(written(tmp_path, floods()), floods()) < 200


def peak_mib_of_reading(bomb_folder, files):
    """Read all files in one process, in each way; return its peak beyond what it began with."""
    code = f"""
        import pathlib, sys
        from her_ros.bags.errors import BagError
        from her_ros.bags.inspection.info import read_info
        from her_ros.bags.reader import read_bag
        from her_ros.bags.repair.recover import recover
        from her_ros.tasks.registry import task_named
        folder = pathlib.Path({str(bomb_folder)!r})
        def peak_mib():
            # Not getrusage, whose peak includes that of the process that started this one.
            status = pathlib.Path('/proc/self/status').read_text()
            return int(status.partition('VmHWM:')[2].split()[0]) // 1024

        before = peak_mib()
        for name in {sorted(files)!r}:
            path = folder / name
            assert read_info(path).damage, name
            try:
                read_bag(path, task_named('FetchReach'))
            except BagError as error:
                assert str(path) in str(error), error
            else:
                raise AssertionError(name)
            try:
                result = recover(path, folder / f'{{name}}_recovered')
            except BagError as error:
                assert name in str(error), error
            else:
                assert 0 < len(result.damage) < 10, name
        print(peak_mib() - before)
    """
    done = subprocess.run(
        [sys.executable, '-c', textwrap.dedent(code)],
        capture_output=True, text=True, timeout=120,
        env={**os.environ, LIMIT_VARIABLE: '64'},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_the_limit_is_named_and_can_be_raised(bomb_folder, monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, '64')
    with pytest.raises(BagError, match=f'limit is 64 MiB.*{LIMIT_VARIABLE}'):
        read_bag(bomb_folder / 'zstd.mcap')
    monkeypatch.setenv(LIMIT_VARIABLE, 'many')
    with pytest.raises(BagError, match=f"{LIMIT_VARIABLE} is 'many'"):
        read_bag(bomb_folder / 'zstd.mcap')


@pytest.mark.parametrize('mebibytes', [1, 2])
def test_a_size_is_compared_with_the_limit_to_the_byte(monkeypatch, mebibytes):
    monkeypatch.setenv(LIMIT_VARIABLE, str(mebibytes))
    check_size(mebibytes << 20, 'it')
    with pytest.raises(BagError, match=f'it has {mebibytes} MiB, the limit is {mebibytes} MiB'):
        check_size((mebibytes << 20) + 1, 'it')


@pytest.mark.parametrize('compression', ['zstd', 'lz4', ''])
@pytest.mark.parametrize('size', [0, 1, 5000])
def test_chunks_within_the_limit_are_what_they_were(compression, size):
    content = os.urandom(size)
    pack = {'zstd': zstandard.compress, 'lz4': lz4.frame.compress, '': bytes}[compression]
    assert chunk_content(compression, pack(content), size, 0) == content


def test_a_message_that_does_not_say_its_size_is_decompressed():
    compressor = zstandard.ZstdCompressor().compressobj()
    packed = compressor.compress(bytes(5 * MIB)) + compressor.flush()
    assert zstandard.frame_content_size(packed) == -1
    assert decompressed(packed) == bytes(5 * MIB)


def test_a_file_may_decompress_to_so_much_for_its_size(monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, '1')
    expansion = Expansion(file_size=1000, ratio=10)
    expansion.add(MIB + 10_000)
    with pytest.raises(BagError, match='too much for its size'):
        expansion.add(1)


def test_zeros_are_no_records(tmp_path):
    path = tmp_path / 'zeros.mcap'
    path.write_bytes(mcap_of(('', 9000, bytes(9000))))
    (damage,) = read_info(path).damage
    assert 'no record' in damage


@pytest.mark.parametrize('name', ['a.mcap', 'a.db3', 'a.mcap.zstd'])
def test_a_pipe_is_no_bag_and_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(BagError, match=f'{name} is not a regular file'):
        read_bag(tmp_path / name)
    assert 'not a regular file' in read_info(tmp_path / name).damage[0]


@pytest.fixture
def directory(tmp_path, rollouts, write_mcap):
    """Return a rosbag2 directory of one good file, and a function that changes its metadata."""
    folder = tmp_path / 'bag'
    folder.mkdir()
    write_mcap(folder / 'bag_0.mcap', rollouts())

    def change(text=None, **changes):
        information = {'version': 9, 'relative_file_paths': ['bag_0.mcap'], **changes}
        content = json.dumps({'rosbag2_bagfile_information': information})
        (folder / 'metadata.yaml').write_text(content if text is None else text)
        return folder

    return change


BILLION_LAUGHS = (
    'rosbag2_bagfile_information:\n  version: 9\n  relative_file_paths: [bag_0.mcap]\n'
    '  custom_data:\n    a0: &a0 [x, x, x, x, x, x, x, x, x]\n'
    + ''.join(f'    a{i}: &a{i} [{", ".join([f"*a{i - 1}"] * 9)}]\n' for i in range(1, 12))
)


@pytest.mark.parametrize(
    'change',
    [
        {'text': BILLION_LAUGHS},
        {'text': '[' * 1_000_000},
        {'text': 'a: ' + '- ' * 1_000_000},
        {'text': 'rosbag2_bagfile_information:\n  version: .inf\n  relative_file_paths: [x]\n'},
        {'text': '- a list'},
        {'text': ''},
        {'custom_data': ['a', 'list']},
        {'custom_data': {'task': ['a', 'list']}},
        {'relative_file_paths': 7},
    ],
)
def test_recover_never_needs_metadata(directory, tmp_path, change):
    folder = directory(**change)
    with pytest.raises(BagError, match=r'metadata\.yaml'):
        Recording(folder)
    result = recover(folder, tmp_path / 'recovered')
    assert result.counts
    assert any('metadata.yaml' in damage for damage in result.damage)


@pytest.mark.parametrize(
    'name', ['../outside.mcap', '/etc/passwd', '..', 'link.mcap', 'pipe.mcap']
)
def test_nothing_outside_of_a_directory_is_read(directory, tmp_path, name):
    folder = directory(relative_file_paths=['bag_0.mcap', name])
    content = (folder / 'bag_0.mcap').read_bytes()
    (tmp_path / 'outside.mcap').write_bytes(content)
    (folder / 'link.mcap').symlink_to(tmp_path / 'outside.mcap')
    os.mkfifo(folder / 'pipe.mcap')
    with pytest.raises(BagError):
        list(Recording(folder).files())
    damage = []
    assert [file.path.name for file in Recording(folder, damage.append).files()] == ['bag_0.mcap']
    assert damage


def test_a_link_within_a_folder_is_followed_and_one_out_of_it_is_not(tmp_path):
    (tmp_path / 'bag').mkdir()
    (tmp_path / 'bag' / 'a').touch()
    (tmp_path / 'b').touch()
    (tmp_path / 'bag' / 'inside').symlink_to('a')
    (tmp_path / 'bag' / 'outside').symlink_to('../b')
    check_regular(tmp_path / 'bag' / 'inside', tmp_path / 'bag')
    with pytest.raises(BagError, match='a link to a file outside'):
        check_regular(tmp_path / 'bag' / 'outside', tmp_path / 'bag')


TOPICS = (
    'CREATE TABLE topics'
    ' (id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT);'
    "INSERT INTO topics VALUES (1, '/step', 'a/msg/B', 'cdr');"
)


def sqlite_file(path, statements):
    connection = sqlite3.connect(path)
    connection.executescript(TOPICS + statements)
    connection.close()
    return path


@pytest.mark.parametrize(
    'statement',
    [
        # rows without end
        'CREATE VIEW messages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)'
        " SELECT i AS id, 1 AS topic_id, 0 AS timestamp, x'00' AS data FROM n",
        # a gigabyte that is computed
        'CREATE TABLE messages (id INTEGER PRIMARY KEY, topic_id INT, timestamp INT,'
        ' data BLOB AS (zeroblob(1000000000)))',
    ],
)
def test_sqlite_computes_nothing(tmp_path, statement):
    (damage,) = read_info(sqlite_file(tmp_path / 'a.db3', statement)).damage
    assert 'messages' in damage


def test_a_blob_beyond_the_limit_is_damage(tmp_path, monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, '1')
    path = sqlite_file(
        tmp_path / 'a.db3',
        'CREATE TABLE messages (id INTEGER PRIMARY KEY, topic_id INT, timestamp INT, data BLOB);'
        'INSERT INTO messages VALUES (1, 1, 0, zeroblob(2000000));',
    )
    assert read_info(path).damage


def test_messages_of_a_chunk_come_in_batches_of_bounded_memory(tmp_path):
    """Of nothing but their heads, millions of messages would fit into a chunk."""
    path, count = tmp_path / 'heads.mcap', 150_000
    with path.open('wb') as file:
        writer = Writer(file, chunk_size=1 << 26, compression=CompressionType.ZSTD)
        writer.start('ros2')
        schema = writer.register_schema('std_msgs/msg/Empty', 'ros2msg', b'')
        channel = writer.register_channel('/a', 'cdr', schema)
        for number in range(count):
            writer.add_message(channel, number, b'', number)
        writer.finish()
    (storage,) = Recording(path).files()
    sizes = [len(batch) for batch in storage.batches()]
    assert sum(sizes) == count
    assert max(sizes) < 70_000


def test_recover_tells_of_a_flood_of_damage_in_few_lines(tmp_path):
    with sqlite3.connect(tmp_path / 'a.db3') as connection:
        connection.executescript("""
            CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data);
            CREATE TABLE topics(id INTEGER PRIMARY KEY, name, type, serialization_format);
            INSERT INTO topics VALUES (1, '/a', 'std_msgs/msg/Empty', 'cdr');
            INSERT INTO messages VALUES (1, 1, 5, x'00010000');
            WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers LIMIT 3000)
            INSERT INTO messages SELECT n, 1, n, 'text' FROM numbers;
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 3000)
            INSERT INTO messages SELECT n + 9000, n + 1, n, x'00010000' FROM numbers;
        """)
    result = recover(tmp_path / 'a.db3', tmp_path / 'out')
    assert result.counts == {'/a': 1}
    assert len(result.damage) == 101
    # The messages that are none, and one line about all topics that nothing names.
    assert result.damage[-1] == '2901 more like these'
