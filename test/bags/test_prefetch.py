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

from collections import Counter
import itertools
import os
import tempfile
import time

from her_ros.bags.errors import BagError
from her_ros.bags.prefetch import EpisodeSource
from her_ros.bags.reader import read_bag
from her_ros.bags.writer import write_rollout
import numpy as np
import pytest
import zstandard

#: environments per bag
ENVS = 3
DEADLINE_S = 60


@pytest.fixture
def bags(tmp_path, make_rollout):
    """Twelve bags of three episodes each, every one a session of its own."""
    metadata = {'task': 'FetchPush'}
    return [
        write_rollout(
            tmp_path,
            f'r{number:02d}',
            metadata,
            make_rollout((4,) * ENVS, session=number, seed=number),
        )
        for number in range(12)
    ]


def names(episodes):
    return [(int(each.rows['session'][0]), int(each.rows['env'][0])) for each in episodes]


def children():
    path = f'/proc/{os.getpid()}/task/{os.getpid()}/children'
    with open(path) as file:
        return set(file.read().split())


def test_in_order_gives_what_reading_each_bag_gives(bags, push, same):
    source = EpisodeSource(bags[::-1], push, seed=0)
    expected = [episode.rows for path in bags[::-1] for episode in read_bag(path).episodes]
    assert same([episode.rows for episode in source.in_order()], expected)
    assert not source.refused


def test_every_shuffled_pass_holds_every_episode_once(bags, push):
    source = EpisodeSource(bags, push, seed=0)
    count = ENVS * len(bags)
    read = list(itertools.islice(source.shuffled(), 3 * count))
    passes = [names(read[begin:][:count]) for begin in (0, count, 2 * count)]
    every = {(session, env) for session in range(12) for env in range(ENVS)}
    for each in passes:
        assert Counter(each) == Counter(every)
    assert len({tuple(each) for each in passes}) == 3
    # Neighbours come from several bags.
    sessions = [session for session, _ in passes[0]]
    assert len(set(sessions[:8])) == 8


@pytest.mark.parametrize('bag_count', [1, 8])
def test_of_few_bags_the_first_quarter_of_a_pass_comes_from_everywhere(
    tmp_path, push, make_rollout, bag_count
):
    per_bag = 400 // bag_count
    bags = []
    for number in range(bag_count):
        messages = []
        for episode in range(per_bag):
            for rows in make_rollout((2,), session=number, seed=episode):
                rows['episode'] = episode
                messages.append(rows)
        bags.append(write_rollout(tmp_path, str(number), {'task': 'FetchPush'}, messages))
    count = per_bag * bag_count

    def read(seed):
        episodes = itertools.islice(EpisodeSource(bags, push, seed).shuffled(), 2 * count)
        return [tuple(map(int, each.rows[['session', 'episode']][0])) for each in episodes]

    found = read(0)
    assert found == read(0) != read(1)
    for one in (found[:count], found[count:]):
        assert len(set(one)) == count
        # What a buffer of a quarter of the bags holds at first: places uniform over the bags,
        # mean 1/2 and standard error 0.029 of 100, here within five of them.
        places = np.array([episode for _, episode in one[: count // 4]]) / per_bag
        assert abs(places.mean() - 0.5) < 5 * (1 / 12 / len(places)) ** 0.5
        counts, _ = np.histogram(places, 4, (0, 1))
        assert counts.min() > 0  # the part may be a little longer than a quarter
    assert set(found[: count // 4]) != set(found[count:][: count // 4])


def test_a_seed_settles_the_order(bags, push):
    orders = [
        names(itertools.islice(EpisodeSource(bags, push, seed).shuffled(), 40))
        for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]


def test_a_damaged_bag_is_noted_and_the_others_are_read(bags, push):
    bags[3].write_bytes(bags[3].read_bytes()[:-20])
    source = EpisodeSource(bags, push, seed=0)
    read = names(source.in_order())
    assert {session for session, _ in read} == set(range(12)) - {3}
    (reason,) = source.refused
    assert reason.startswith(f'{bags[3]}: ')
    assert 'cut short' in reason
    other = EpisodeSource(bags, push, seed=0)
    assert 3 not in dict(names(itertools.islice(other.shuffled(), 100)))
    assert other.refused == [reason]  # once, though every pass meets it


def test_a_bad_episode_costs_itself_alone(tmp_path, push, make_rollout):
    messages = make_rollout((4,) * 5)
    messages[2]['achieved_goal'][1] = np.nan
    messages[3]['action'][3] = 1.5
    bag = write_rollout(tmp_path, 'bad', {'task': 'FetchPush'}, messages)
    source = EpisodeSource([bag], push, seed=0)
    assert [env for _, env in names(source.in_order())] == [0, 2, 4]
    (reason,) = source.refused
    assert f'{bag}: 2 episodes; the first: ' in reason


def test_unfinished_episodes_are_counted(tmp_path, push, make_rollout):
    messages = [*make_rollout((4, 4)), *make_rollout((4, 4), session=8)[:3]]
    bag = write_rollout(tmp_path, 'late', {'task': 'FetchPush'}, messages)
    source = EpisodeSource([bag], push, seed=0)
    assert len(list(source.in_order())) == 2
    assert source.refused == [f'{bag}: 6 rows of unfinished episodes']


def test_what_was_decompressed_goes_with_its_reader(bags, push, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'temporary'))
    (tmp_path / 'temporary').mkdir()
    packed = []
    for path in bags:
        packed.append(path.with_name(f'{path.name}.zstd'))
        packed[-1].write_bytes(zstandard.compress(path.read_bytes()))
    episodes = EpisodeSource(packed, push, seed=0).shuffled()
    next(episodes)
    episodes.close()
    assert not list((tmp_path / 'temporary').iterdir())


def test_bags_without_episodes_do_not_make_an_endless_pass(bags, push):
    for path in bags:
        path.write_bytes(b'')
    source = EpisodeSource(bags, push, seed=0)
    assert list(source.in_order()) == []
    with pytest.raises(BagError, match='none of the bags'):
        next(source.shuffled())
    assert len(source.refused) == len(bags)


@pytest.mark.parametrize('order', ['in_order', 'shuffled'])
def test_no_process_is_left_behind(bags, push, order):
    before = children()
    episodes = getattr(EpisodeSource(bags, push, seed=0), order)()
    next(episodes)
    assert len(children() - before) >= 1
    episodes.close()
    deadline = time.monotonic() + DEADLINE_S
    # What helps multiprocessing stays with this process, and is one for all.
    while len(children() - before) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_reader_that_is_killed_is_said(bags, push):
    before = children()
    episodes = EpisodeSource(bags, push, seed=0).shuffled()
    next(episodes)
    for process in children() - before:
        os.kill(int(process), 9)
    with pytest.raises(BagError, match='the process that reads the bags ended with status -9'):
        list(itertools.islice(episodes, 100_000))
