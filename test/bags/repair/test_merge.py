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
from her_ros.bags.repair.merge import merge, merged_metadata
from her_ros.bags.stream import stream_episodes
from her_ros.bags.writer import write_rollout
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest
from rosbags.rosbag2 import Reader, StoragePlugin

METADATA = {'task': 'FetchPush', 'seed': '1'}


@pytest.fixture
def run(tmp_path, make_rollout):
    """Bags as two workers leave them, overlapping in time; sessions are theirs."""

    def write(count=12, task='FetchPush', folder='bags'):
        (tmp_path / folder).mkdir(exist_ok=True)
        paths = []
        for index in range(count):
            worker = index % 2
            messages = make_rollout((5, 9), TASKS[task], session=70 + worker, seed=index)
            for rows in messages:
                rows['episode'] = index // 2
            metadata = {
                'task': task,
                'seed': '1',
                'worker': str(worker),
                'policy_version': str(index),
            }
            start_ns = 10**18 + (index // 2) * 10**9 + worker * 10**8
            paths.append(
                write_rollout(
                    tmp_path / folder, f'{index:03d}', metadata, messages,
                    f'/w_{worker}/step', start_ns, 0.04,
                )
            )  # fmt: skip
        return paths

    return write


def identity(rows):
    return [int(rows[name][0]) for name in ('session', 'episode', 'env')]


def test_training_gets_the_same_episodes(tmp_path, run, same):
    paths = run()
    merged = merge(paths, tmp_path / 'merged')
    expected = [e.rows for path in paths for e in read_bag(path).episodes]
    assert merged.episodes == len(expected) == 24
    bag = read_bag(merged.path)
    assert same([e.rows for e in bag.episodes], sorted(expected, key=identity))
    streamed = [e.rows for e in stream_episodes(merged.path)]
    assert same(sorted(streamed, key=identity), sorted(expected, key=identity))
    versions = ' '.join(map(str, range(12)))
    assert bag.metadata == {
        **METADATA,
        'worker': '0 1',
        'policy_version': versions,
        'merged_bags': '12',
    }


def test_rosbags_reads_every_message_in_the_order_of_stamps(tmp_path, run):
    paths = run()
    messages = []
    for path in paths:
        with Reader(path) as reader:
            messages += [(t, c.topic, bytes(d)) for c, t, d in reader.messages()]
    merged = merge(paths, tmp_path / 'merged')
    with Reader(merged.path) as reader:
        assert [(t, c.topic, bytes(d)) for c, t, d in reader.messages()] == sorted(messages)
        assert reader.message_count == len(messages) == sum(merged.counts.values())
        assert {c.topic: c.msgcount for c in reader.connections} == merged.counts
    (file,) = merged.path.glob('*.mcap')
    with Reader(file) as reader:  # by itself it is a bag, too
        # In the file as well, not only in what the reader sorts.
        assert [t for _, t, _ in reader.storage.messages_scan(reader.connections)] == sorted(
            t for t, _, _ in messages
        )


def test_more_bags_at_a_time_than_are_held_open(tmp_path, make_rollout, same):
    (tmp_path / 'bags').mkdir()
    paths = [
        write_rollout(
            tmp_path / 'bags', str(each), METADATA, make_rollout(session=each, seed=each)
        )
        for each in range(70)
    ]
    expected = [e.rows for path in paths for e in read_bag(path).episodes]
    bag = read_bag(merge(paths, tmp_path / 'merged').path)
    assert same([e.rows for e in bag.episodes], sorted(expected, key=identity))


def test_forms_may_be_mixed(tmp_path, push, run, rollouts, all_rows, write_directory, same):
    folder = write_directory(tmp_path / 'plain', rollouts(), StoragePlugin.SQLITE3)
    paths = run(2)
    bag = read_bag(merge([folder, *paths], tmp_path / 'merged').path)
    expected = [*all_rows(rollouts()), *(e.rows for p in paths for e in read_bag(p).episodes)]
    assert len(bag.episodes) == len(expected) == 12
    found = [e.rows for e in bag.episodes]
    assert same(sorted(found, key=identity), sorted(expected, key=identity))
    with Reader(tmp_path / 'merged') as reader:
        assert {c.topic for c in reader.connections} == {
            '/step',
            '/rosout',
            '/w_0/step',
            '/w_1/step',
        }


def test_halves_of_a_recording_become_whole(tmp_path, push, rollouts, all_rows, write_mcap, same):
    messages = rollouts(3, (5, 5))
    half = len(messages) // 2
    stamps = list(range(len(messages)))
    paths = [
        write_mcap(tmp_path / 'a.mcap', messages[:half], stamps[:half]),
        write_mcap(tmp_path / 'b.mcap', messages[half:], stamps[half:]),
    ]
    bag = read_bag(merge(paths, tmp_path / 'merged', push).path)
    assert same([e.rows for e in bag.episodes], all_rows(messages))


def test_what_would_lose_something_is_refused(tmp_path, push, run, rollouts, write_mcap):
    paths = run(4)
    other = run(1, 'FetchSlide', 'other')
    twice = tmp_path / 'twice.mcap'
    twice.write_bytes(paths[2].read_bytes())
    damaged = tmp_path / 'damaged.mcap'
    damaged.write_bytes(paths[2].read_bytes()[:-100])
    untold = write_mcap(tmp_path / 'untold.mcap', rollouts())
    for added, said in (
        (other, r'other/000\.mcap: is of FetchSlide, .*bags/000\.mcap of FetchPush'),
        (
            [twice],
            r'twice\.mcap: holds episode 1 of env \d, session 70, on /w_0/step, .*002\.mcap',
        ),
        ([damaged], r'damaged\.mcap: the file is cut short'),
        ([untold], r'untold\.mcap: .*name the task'),
    ):
        with pytest.raises(BagError, match=said):
            merge([*paths, *added], tmp_path / 'merged')
        assert not list(tmp_path.glob('*merged*'))
        assert not list(tmp_path.glob('.*'))
    merge([*paths, untold], tmp_path / 'merged', push)
    with pytest.raises(BagError, match='merged: exists already'):
        merge(paths, tmp_path / 'merged')


def test_metadata_of_the_whole():
    metadata = [{'a': 'x y', 'v': '2 10', 'w': '1'}, {'a': 'x y', 'v': '3'}, {'v': ''}]
    assert merged_metadata(metadata) == {'a': 'x y', 'v': '2 3 10', 'w': '1', 'merged_bags': '3'}
    many = [{'time': str(each)} for each in np.arange(100)]
    assert merged_metadata(many) == {'merged_bags': '100'}
