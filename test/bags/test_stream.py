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

import itertools
import subprocess
import sys

from campaign.hostile import mcap_of
from her_ros.bags.errors import BagError
from her_ros.bags.reader import read_bag
from her_ros.bags.repair.recover import recover
from her_ros.bags.storage.mcap import McapStorage
from her_ros.bags.stream import EpisodeStream, read_episodes, stream_episodes
from her_ros.bags.writer import write_rollout
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CLOUD_TYPE, encode_cloud
from mcap.data_stream import RecordBuilder
from mcap.records import Channel, Message, Schema
from mcap.writer import CompressionType, Writer
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionMode, Reader, StoragePlugin

METADATA = {'task': 'FetchPush'}


def sorted_rows(episodes):
    def identity(rows):
        return [int(rows[name][0]) for name in ('session', 'episode', 'env')]

    return sorted((episode.rows for episode in episodes), key=identity)


SMALL = {'chunk_size': 9000}


@pytest.mark.parametrize(
    'options',
    [
        {'compression': CompressionType.NONE, **SMALL},
        {'compression': CompressionType.LZ4, **SMALL},
        {'compression': CompressionType.ZSTD, **SMALL},
        {'use_chunking': False},
        {'enable_data_crcs': True, **SMALL},
    ],
    ids=['none', 'lz4', 'zstd', 'unchunked', 'data-crc'],
)
def test_bare_mcap_files(tmp_path, push, rollouts, all_rows, same, options, write_mcap):
    path = write_mcap(tmp_path / 'a.mcap', rollouts(), **options)
    assert same(sorted_rows(stream_episodes(path, push)), all_rows(rollouts()))


@pytest.mark.parametrize('plugin', list(StoragePlugin))
@pytest.mark.parametrize('mode', list(CompressionMode))
def test_directories_and_the_files_in_them(
    tmp_path, push, rollouts, all_rows, same, plugin, mode, write_directory
):
    if (plugin, mode) == (StoragePlugin.SQLITE3, CompressionMode.STORAGE):
        pytest.skip('sqlite3 has no compression of its own')
    folder = write_directory(tmp_path / 'bag', rollouts(), plugin, mode)
    (file,) = (each for each in folder.iterdir() if each.name != 'metadata.yaml')
    for path in (folder, file):
        stream = EpisodeStream(path)
        assert same(sorted_rows(e for _, e in stream), all_rows(rollouts()))
        assert stream.task == push
        assert stream.left_over == 0
        assert stream.topics == {'/step': CLOUD_TYPE, '/rosout': 'std_msgs/msg/String'}
        assert same([e.rows for e in read_bag(path).episodes], all_rows(rollouts()))
        assert stream.metadata == METADATA


def test_a_split_bag_joins_what_it_cut(
    tmp_path, push, rollouts, all_rows, same, write_mcap, write_directory
):
    """Files of one recording end in the middle of episodes."""
    messages = rollouts(12)
    folder = write_directory(tmp_path / 'bag', messages, StoragePlugin.MCAP)
    names = [f'bag_{index}.mcap' for index in range(12)]
    for name, part in zip(names, np.array_split(np.arange(len(messages)), 12), strict=True):
        write_mcap(folder / name, [messages[index] for index in part])
    text = (folder / 'metadata.yaml').read_text()
    assert text.count('- bag.mcap') == 1
    files = ''.join(f'\n  - {name}' for name in names).lstrip()
    (folder / 'metadata.yaml').write_text(text.replace('- bag.mcap', files))
    assert same(sorted_rows(stream_episodes(folder)), all_rows(messages))
    (folder / 'bag_7.mcap').unlink()
    with pytest.raises(BagError, match=r'bag: bag_7\.mcap is missing'):
        list(stream_episodes(folder))


@pytest.mark.parametrize('plugin', list(StoragePlugin))
def test_a_clock_that_is_set_back_changes_nothing(
    tmp_path, push, rollouts, all_rows, same, plugin, write_mcap, write_directory
):
    messages = rollouts(8)
    stamps = [10**9 + each - 30 * (each > 35) for each in range(len(messages))]
    folder = write_directory(tmp_path / 'bag', messages, plugin, stamps=stamps)
    with Reader(folder) as reader:
        sorted_by_stamp = [stamp for _, stamp, _ in reader.messages()]
    assert sorted_by_stamp == sorted(sorted_by_stamp)
    assert same(sorted_rows(stream_episodes(folder)), all_rows(messages))
    # Even a tool that wrote them anew in the order of their stamps loses none.
    order = np.argsort(stamps, kind='stable')
    path = write_mcap(tmp_path / 'a.mcap', [messages[each] for each in order])
    assert same(sorted_rows(stream_episodes(path, push)), all_rows(messages))


def test_the_other_way_gives_the_same(tmp_path, push, rollouts, same, write_mcap):
    """Repeats, an episode with a hole, an unfinished one: as read_bag, which sees all at once."""
    messages = [rows for rows in rollouts(6, (5, 9, 1)) for _ in range(1 + len(rows) % 2)]
    messages[20] = messages[20][:0]
    path = write_mcap(tmp_path / 'a.mcap', messages[:-2], chunk_size=3000)
    bag, stream = read_bag(path, push), EpisodeStream(path, push)
    found = sorted_rows(episode for _, episode in stream)
    assert same(found, [episode.rows for episode in bag.episodes])
    assert stream.left_over == bag.left_over > 0


def workers_at_once(make_rollout, random):
    """
    Messages of workers side by side, topic by topic cut at random into rows of any count.

    Every worker starts a second session; environments wait for none of the others.
    """
    found = []
    for worker in range(int(random.integers(1, 4))):
        rows = []
        for session, episode in itertools.product((worker, 10 + worker), range(6)):
            lengths = random.integers(1, 12, random.integers(1, 6))
            rollout = np.concatenate(
                make_rollout(lengths, session=session, seed=int(random.integers(1 << 30)))
            )
            rollout['episode'] = episode
            rows.append(rollout[random.random(len(rollout)) > random.choice([0, 0.02])])
        rows = np.concatenate(rows)
        order = np.argsort(np.arange(len(rows)) + random.uniform(0, 9, len(rows)), kind='stable')
        cuts = np.sort(random.integers(0, len(rows), random.integers(20, 80)))
        stamps = np.sort(random.integers(0, 1000, len(cuts) + 1)).tolist()
        for stamp_ns, part in zip(stamps, np.split(rows[order], cuts), strict=True):
            found.append((stamp_ns, f'/w{worker}/step', part))
    return sorted(found, key=lambda each: each[0])


@pytest.mark.parametrize('seed', range(12))
def test_any_split_of_a_recording_streams_as_the_whole_is_read(
    tmp_path, push, make_rollout, same, seed
):
    random = np.random.default_rng(seed)
    path = tmp_path / 'a.mcap'
    with path.open('wb') as file:
        writer = Writer(file, chunk_size=int(random.integers(1000, 9000)))
        writer.start('ros2')
        schema = writer.register_schema(CLOUD_TYPE, 'ros2msg', b'')
        channels = {}
        for stamp_ns, topic, rows in workers_at_once(make_rollout, random):
            if topic not in channels:
                channels[topic] = writer.register_channel(topic, 'cdr', schema)
            writer.add_message(channels[topic], stamp_ns, encode_cloud(rows, stamp_ns), stamp_ns)
        writer.finish()

    def streams_as_whole(bag_path):
        bag, stream = read_bag(bag_path, push), EpisodeStream(bag_path, push)
        found = list(stream)
        rows = []
        for topic in sorted(bag.topics):
            rows += sorted_rows(episode for name, episode in found if name == topic)
        assert same(rows, [each.rows for each in bag.episodes])
        assert stream.left_over == bag.left_over
        return len(found)

    count = streams_as_whole(path)
    assert count > 5
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * random.uniform(0.5, 0.9))])
    refusals = []
    for read in (read_bag, lambda bag: list(stream_episodes(bag))):
        with pytest.raises(BagError) as caught:
            read(path)
        refusals.append(str(caught.value))
    assert refusals[0] == refusals[1]
    assert 0 < streams_as_whole(recover(path, task=push).path) < count


def test_episodes_come_before_the_file_is_read_to_its_end(tmp_path, push, rollouts, write_mcap):
    path = write_mcap(tmp_path / 'a.mcap', rollouts(200, (50,) * 4), chunk_size=1 << 16)
    stream = iter(EpisodeStream(path, push))
    with path.open('r+b') as file:
        next(stream)
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(BagError):
        list(stream)


def test_damage_stops_the_stream_before_what_is_damaged(
    tmp_path, push, rollouts, all_rows, same, write_mcap
):
    path = write_mcap(tmp_path / 'a.mcap', rollouts(40), compression=CompressionType.NONE, **SMALL)
    value = rollouts(40)[-1]['observation'][0, 3].tobytes()
    content = path.read_bytes()
    assert content.count(value) == 1
    path.write_bytes(content.replace(value, value[::-1]))
    found = []
    with pytest.raises(BagError, match=r'a\.mcap: .*chunk at byte \d+.*checksum'):
        found.extend(stream_episodes(path, push))
    assert 20 < len(found) < 80
    found = sorted_rows(found)
    assert same(found, all_rows(rollouts(40))[: len(found)])


def test_a_checksum_over_the_whole_file_is_checked_first(tmp_path, push, rollouts):
    path = write_rollout(tmp_path, 'a', METADATA, rollouts())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BagError, match=r'a\.mcap: damaged: the checksum of the data'):
        next(stream_episodes(path, push))


def test_a_chunk_that_nothing_tells_of_is_missed(tmp_path, push, rollouts, write_mcap):
    """The kind of a record is under no checksum of its own; the summary counts messages."""
    path = write_mcap(tmp_path / 'a.mcap', rollouts(), **SMALL)
    content = path.read_bytes()
    begin = content.index(b'\4\0\0\0zstd') - 9 - 28
    path.write_bytes(content[:begin] + b'\x81' + content[begin:][1:])
    with pytest.raises(BagError, match=r'a\.mcap: damaged'):
        list(stream_episodes(path, push))


def test_a_channel_means_what_the_file_said_last(tmp_path):
    """No recorder gives a number to a second topic; damage may."""
    builder = RecordBuilder()
    Schema(1, b'', 'ros2msg', CLOUD_TYPE).write(builder)
    for number, topic in enumerate(('/rosout', '/step', '/rosout')):
        Channel(1, topic, 'cdr', {}, 1).write(builder)
        Message(1, number, bytes(8), number, number).write(builder)
    content = builder.end()
    (tmp_path / 'a.mcap').write_bytes(mcap_of(('', len(content), content)))
    storage = McapStorage(tmp_path / 'a.mcap')
    storage.open()
    for wanted, expected in ({'/step'}, [1]), ({'/rosout'}, [0, 2]), ({'/step'}, [1]):
        batches = storage.batches(lambda topic, _, wanted=wanted: topic in wanted)
        assert [each.sequence for batch in batches for each in batch] == expected


def test_every_pass_over_a_file_asks_anew_what_is_wanted(tmp_path, rollouts, write_mcap):
    path = write_mcap(tmp_path / 'a.mcap', rollouts(), use_chunking=False)
    content = bytearray(path.read_bytes())
    content[content.index(b'/step') - 17] = 0x84  # so that the summary alone names the channel
    path.write_bytes(content)
    storage = McapStorage(path)
    storage.open()
    for wanted in ('/rosout', '/step', '/rosout'):
        batches = storage.batches(lambda topic, _, wanted=wanted: topic == wanted)
        found = {each.channel.topic for batch in batches for each in batch}
        assert found == {wanted} & {'/step'}


@pytest.mark.parametrize('name', ['FetchReach', 'FetchPush'])
def test_sizes_tell_the_task_where_they_can(tmp_path, rollouts, name, write_mcap):
    path = write_mcap(tmp_path / 'a.mcap', rollouts(task=TASKS[name]))
    if name == 'FetchReach':
        assert read_bag(path).task == TASKS[name]
        assert len(list(stream_episodes(path))) == 8
        with pytest.raises(BagError, match=r'read as FetchPush: .* 10 .* 25'):
            list(stream_episodes(path, TASKS['FetchPush']))
    else:
        fitting = 'fit FetchPush, FetchSlide, FetchPickAndPlace; name the task'
        for read in (read_bag, lambda bag: list(stream_episodes(bag))):
            with pytest.raises(BagError, match=fitting):
                read(path)


def test_another_task_is_refused(tmp_path, rollouts):
    path = write_rollout(tmp_path, 'a', METADATA, rollouts())
    with pytest.raises(BagError, match='recorded from FetchPush, expected FetchSlide'):
        next(stream_episodes(path, TASKS['FetchSlide']))


def test_what_holds_no_episode_is_refused(tmp_path, push, rollouts, write_mcap):
    path = write_mcap(tmp_path / 'a.mcap', rollouts(1, (5, 5))[:-1])
    with pytest.raises(BagError, match=r'a\.mcap: no finished episode; 10 rows'):
        list(stream_episodes(path, push))
    path = write_mcap(tmp_path / 'b.mcap', rollouts(), topic='/backstep')
    with pytest.raises(BagError, match=r"b\.mcap: no step topic.*'/backstep'"):
        list(stream_episodes(path, push))


MEASURE = """
import resource, sys
from pathlib import Path
from her_ros.bags.stream import stream_episodes
from her_ros.tasks.registry import TASKS
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(1 for _ in stream_episodes(Path(sys.argv[1]), TASKS['FetchPush']))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize('form', ['chunked', 'unchunked', 'sqlite3'])
def test_memory_does_not_grow_with_the_bag(tmp_path, rollouts, form):
    """In every form a bag of 120 MB; what may come on top is a fourth of it."""
    rollout = rollouts(1, (50,) * 16)
    count = 460
    if form == 'sqlite3':
        import sqlite3

        path = tmp_path / 'bag.db3'
        with sqlite3.connect(path) as file:
            file.execute('CREATE TABLE topics(id, name, type, serialization_format)')
            file.execute(
                'CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data)'
            )
            file.execute('INSERT INTO topics VALUES(1, "/step", ?, "cdr")', (CLOUD_TYPE,))
            for rows in repeated(rollout, count):
                file.execute(
                    'INSERT INTO messages VALUES(NULL, 1, 5, ?)', (encode_cloud(rows, 5),)
                )
        file.close()
    else:
        path = tmp_path / 'bag.mcap'
        with path.open('wb') as file:
            options = {'use_chunking': form == 'chunked', 'compression': CompressionType.NONE}
            writer = Writer(file, **options)
            writer.start('ros2')
            schema = writer.register_schema(CLOUD_TYPE, 'ros2msg', b'')
            channel = writer.register_channel('/step', 'cdr', schema)
            for rows in repeated(rollout, count):
                writer.add_message(channel, 5, encode_cloud(rows, 5), 5)
            writer.finish()
    assert path.stat().st_size > 100e6
    command = [sys.executable, '-c', MEASURE, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    episodes, grown_kb = map(int, done.stdout.split())
    assert episodes == count * 16
    assert grown_kb < 30_000


def repeated(rollout, count):
    for episode in range(count):
        for rows in rollout:
            rows['episode'] = episode
            yield rows


def test_episodes_of_any_number_of_bags_are_read_in_turn(
    tmp_path, push, rollouts, all_rows, same, write_mcap
):
    (tmp_path / 'some').mkdir()
    first, second = rollouts(), rollouts(lengths=(4,))
    write_mcap(tmp_path / 'some' / 'a.mcap', first)
    write_mcap(tmp_path / 'b.mcap', second)
    paths = (str(tmp_path / 'some'), tmp_path / 'b.mcap')
    found = [[*read_episodes(*paths, task=push)], [*read_episodes(*paths[::-1], task=push)]]
    expected = all_rows(first), all_rows(second)
    for episodes, parts in zip(found, (expected, expected[::-1]), strict=True):
        count = len(parts[0])
        assert same(sorted_rows(episodes[:count]), parts[0])
        assert same(sorted_rows(episodes[count:]), parts[1])
    with pytest.raises(BagError, match='no such file or folder'):
        next(read_episodes(tmp_path / 'c.mcap'))
