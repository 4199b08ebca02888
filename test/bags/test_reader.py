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
import random as python_random

from her_ros.bags.errors import BagError
from her_ros.bags.inspection.verify import Verified, verify
from her_ros.bags.reader import read_bag, read_bag_metadata
from her_ros.bags.stream import read_episodes
from her_ros.bags.writer import BagWriter, write_rollout
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CLOUD_TYPE, encode_cloud
from her_ros.wire.rows import disturbed_step_dtype, with_truth
from mcap.reader import make_reader
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

METADATA = {'task': 'FetchPush'}
STORE = get_typestore(Stores.ROS2_JAZZY)


def record_plainly(path, topics, plugin=StoragePlugin.MCAP, mode=CompressionMode.NONE):
    """Leave a directory as `ros2 bag record` does, from rows per message by topic."""
    writer = Writer(path, version=9, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        for topic, messages in topics.items():
            connection = writer.add_connection(topic, CLOUD_TYPE, typestore=STORE)
            for stamp_ns, rows in enumerate(messages, start=1):
                writer.write(connection, stamp_ns, encode_cloud(rows, stamp_ns))
        text = writer.add_connection('/rosout/step', 'std_msgs/msg/String', typestore=STORE)
        writer.write(text, 1, b'\0\1\0\0\2\0\0\0a\0')
    return path


def rows_of(bag):
    return [episode.rows for episode in bag.episodes]


def test_what_was_written_comes_back(tmp_path, push, make_rollout, expected_of, same):
    messages = make_rollout((5,) * 16)
    bag = read_bag(write_rollout(tmp_path, 'r1', METADATA, messages), push)
    assert same(rows_of(bag), expected_of(messages))
    assert (bag.left_over, bag.topics, bag.task) == (0, ('/step',), push)


def test_episodes_of_different_lengths(tmp_path, push, make_rollout, expected_of, same):
    messages = make_rollout((3, 50, 1, 7))
    bag = read_bag(write_rollout(tmp_path, 'r1', METADATA, messages), push)
    assert [len(episode) for episode in bag.episodes] == [3, 50, 1, 7]
    assert same(rows_of(bag), expected_of(messages))


def test_repeated_messages_count_once(tmp_path, push, make_rollout, expected_of, same):
    messages = make_rollout()
    again = [rows for index, rows in enumerate(messages) for _ in range(1 + index % 3)]
    bag = read_bag(write_rollout(tmp_path, 'r1', METADATA, again), push)
    assert same(rows_of(bag), expected_of(messages))
    assert bag.left_over == 0


def test_a_message_may_hold_a_part_of_the_rows(tmp_path, push, make_rollout, expected_of, same):
    messages = make_rollout((4,) * 6)
    halves = [half for rows in messages for half in (rows[:4], rows[4:])]
    bag = read_bag(write_rollout(tmp_path, 'r1', METADATA, halves), push)
    assert same(rows_of(bag), expected_of(messages))


def test_an_unfinished_episode_is_left_over(tmp_path, push, make_rollout, expected_of, same):
    first, second = make_rollout((4, 4)), make_rollout((4, 4), seed=1)
    for rows in second:
        rows['episode'] = 1
    bag = read_bag(write_rollout(tmp_path, 'r1', METADATA, first + second[:-1]), push)
    assert same(rows_of(bag), expected_of(first))
    assert bag.left_over == 4 * 2


def test_an_episode_with_a_missing_step_is_left_over(tmp_path, push, make_rollout):
    messages = make_rollout((4, 4))
    messages[2] = messages[2][:1]  # of env 1 step 2 is missing
    bag = read_bag(write_rollout(tmp_path, 'r1', METADATA, messages), push)
    assert [int(episode.rows['env'][0]) for episode in bag.episodes] == [0]
    assert bag.left_over == 4


def test_without_a_finished_episode_the_rows_are_counted(tmp_path, push, make_rollout):
    path = write_rollout(tmp_path, 'r1', METADATA, make_rollout((9, 9, 9))[:-1])
    with pytest.raises(BagError, match=r'r1\.mcap: no finished episode; 27 rows'):
        read_bag(path, push)


def test_workers_in_one_bag_are_kept_apart(tmp_path, push, make_rollout, expected_of, same):
    """Even where both drew the same session."""
    one, other = make_rollout((4, 4), seed=1), make_rollout((4, 4), seed=2)
    writer = BagWriter(tmp_path, 'r1', METADATA)
    for stamp_ns, pair in enumerate(zip(one, other, strict=True)):
        for worker, rows in enumerate(pair):
            cloud = encode_cloud(rows, stamp_ns)
            writer.write(f'/run/worker_{worker}/step', CLOUD_TYPE, cloud, stamp_ns)
            writer.write('/run/backstep', CLOUD_TYPE, b'never read', stamp_ns)
    path = writer.close()
    bag = read_bag(path, push)
    assert same(rows_of(bag), expected_of(one) + expected_of(other))
    assert bag.topics == ('/run/worker_0/step', '/run/worker_1/step')


@pytest.mark.parametrize('plugin', list(StoragePlugin))
@pytest.mark.parametrize('mode', list(CompressionMode))
def test_plain_directories_read_the_same(
    tmp_path, push, make_rollout, expected_of, same, plugin, mode
):
    if (plugin, mode) == (StoragePlugin.SQLITE3, CompressionMode.STORAGE):
        pytest.skip('sqlite3 has no compression of its own')
    one, other = make_rollout((4, 4), seed=1), make_rollout((4, 7), seed=2)
    path = record_plainly(tmp_path / 'bag', {'step': one, '/b/step': other}, plugin, mode)
    bag = read_bag(path, push)
    assert same(rows_of(bag), expected_of(other) + expected_of(one))
    assert bag.metadata == read_bag_metadata(path) == {}


def test_a_file_taken_out_of_a_plain_directory_reads_the_same(
    tmp_path, push, make_rollout, expected_of, same
):
    messages = make_rollout()
    for plugin, name in ((StoragePlugin.MCAP, 'm/m.mcap'), (StoragePlugin.SQLITE3, 's/s.db3')):
        record_plainly((tmp_path / name).parent, {'/step': messages}, plugin)
        assert same(rows_of(read_bag(tmp_path / name, push)), expected_of(messages))


def test_a_directory_around_our_file_keeps_the_metadata(tmp_path, make_rollout, expected_of, same):
    """What `ros2 bag reindex` does: our record, with the topics put in."""
    messages = make_rollout()
    folder = tmp_path / 'bag'
    folder.mkdir()
    path = write_rollout(folder, 'r1', METADATA, messages)
    with path.open('rb') as file:
        records = {each.name: each.metadata for each in make_reader(file).iter_metadata()}
    metadata = json.loads(records['rosbag2']['serialized_metadata'])
    topic = {
        'name': '/step',
        'type': CLOUD_TYPE,
        'serialization_format': 'cdr',
        'offered_qos_profiles': '',
    }
    with path.open('rb') as file:
        (channel,) = make_reader(file).get_summary().channels.values()
    topic['offered_qos_profiles'] = channel.metadata['offered_qos_profiles']
    metadata['topics_with_message_count'] = [{'topic_metadata': topic, 'message_count': 6}]
    (folder / 'metadata.yaml').write_text(json.dumps({'rosbag2_bagfile_information': metadata}))
    bag = read_bag(folder)
    assert same(rows_of(bag), expected_of(messages))
    assert bag.metadata == read_bag_metadata(folder) == METADATA


def test_the_metadata_names_the_task(tmp_path, make_rollout):
    path = write_rollout(tmp_path, 'r1', {'task': 'FetchSlide'}, make_rollout())
    assert read_bag(path).task == TASKS['FetchSlide']
    with pytest.raises(BagError, match='recorded from FetchSlide, expected FetchPush'):
        read_bag(path, TASKS['FetchPush'])


def test_a_task_has_to_come_from_somewhere(tmp_path, push, make_rollout):
    path = write_rollout(tmp_path, 'r1', {}, make_rollout())
    assert len(read_bag(path, push).episodes) == 2
    with pytest.raises(BagError, match='name the task'):
        read_bag(path)


def test_rows_of_another_task_are_refused_without_metadata(tmp_path, push, make_rollout):
    reach = make_rollout(task=TASKS['FetchReach'])
    path = write_rollout(tmp_path, 'r1', {}, reach)
    with pytest.raises(BagError, match=r'r1\.mcap: /step, read as FetchPush: .* 10 .* 25'):
        read_bag(path, push)
    folder = record_plainly(tmp_path / 'bag', {'/w/step': reach})
    with pytest.raises(BagError, match=r'bag: /w/step, read as FetchPush: .* 10 .* 25'):
        read_bag(folder, push)


def test_values_that_are_not_finite_are_named(tmp_path, push, make_rollout):
    messages = make_rollout()
    messages[3]['observation'][1, 0] = np.nan
    path = write_rollout(tmp_path, 'r1', METADATA, messages)
    with pytest.raises(BagError, match=r'r1\.mcap: /step.*observation of env 1, .*step 3'):
        read_bag(path, push)


def test_what_is_no_bag_is_named(tmp_path, push):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'text.mcap').write_text('not a bag at all ' * 10)
    (tmp_path / 'text.db3').write_text('not a bag at all ' * 10)
    (tmp_path / 'none.mcap').write_bytes(b'')
    (tmp_path / 'notes.txt').write_text('hello')
    for name in ('empty', 'text.mcap', 'text.db3', 'none.mcap', 'notes.txt', 'nothing.mcap'):
        for read in (read_bag_metadata, lambda path: read_bag(path, push)):
            with pytest.raises(BagError, match=name):
                read(tmp_path / name)


def test_a_folder_that_was_never_closed_tells_the_cure(tmp_path, push, make_rollout):
    folder = record_plainly(tmp_path / 'bag', {'/step': make_rollout()})
    (folder / 'metadata.yaml').unlink()
    with pytest.raises(BagError, match='her-ros bags recover'):
        read_bag(folder, push)


def test_a_bag_without_steps_lists_its_topics(tmp_path, push):
    writer = BagWriter(tmp_path, 'r1', METADATA)
    writer.write('/step', 'std_msgs/msg/Bool', b'\0\1\0\0\1', 5)
    with pytest.raises(BagError, match=r"no step topic.*'/step': 'std_msgs/msg/Bool'"):
        read_bag(writer.close(), push)
    with pytest.raises(BagError, match=r"no step topic.*'/rosout/step'"):
        read_bag(record_plainly(tmp_path / 'bag', {}), push)


@pytest.mark.parametrize('plugin', list(StoragePlugin))
def test_damaged_directories_never_escape_as_a_traceback(tmp_path, push, make_rollout, plugin):
    folder = record_plainly(tmp_path / 'bag', {'/step': make_rollout()}, plugin)
    random = python_random.Random(4)
    refused = 0
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for trial in range(40):
            damaged = bytearray(whole)
            if trial % 2:
                cut = random.randrange(len(whole))
                del damaged[cut:]
            for position in random.sample(range(len(damaged)), min(4, len(damaged))):
                damaged[position] = random.randrange(256)
            path.write_bytes(damaged)
            try:
                read_bag(folder, push)
            except BagError as error:
                refused += str(error).startswith(str(folder))
        path.write_bytes(whole)
    assert refused > 40
    assert len(read_bag(folder, push).episodes) == 2


def test_disturbed_episodes_keep_the_truth_beside_what_was_seen(tmp_path, push, make_rollout):
    messages = [with_truth(rows, disturbed_step_dtype(push)) for rows in make_rollout()]
    for rows in messages:
        rows['true_observation'] += 1.0
        rows['true_achieved_goal'] = rows['desired_goal']
        moved = rows['step'] > 0
        rows['reward'], rows['is_success'] = 0.0, moved
    path = write_rollout(tmp_path, 'r1', METADATA, messages)
    for episode in (*read_bag(path, push).episodes, *read_episodes(path)):
        assert episode.has_truth
        np.testing.assert_array_equal(episode.true_observation, episode.observation + 1.0)
        np.testing.assert_array_equal(episode.achieved_goal, episode.rows['desired_goal'])
        assert (episode.seen_achieved_goal != episode.achieved_goal).any()
    # Reward and success are those of the truth.
    assert not [*verify(path, push, Verified())]
