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

import tracemalloc

from her_ros.episodes.assembly import EpisodeAssembler
from her_ros.episodes.splitting import split_rollout
from her_ros.tasks.registry import TASKS
from her_ros.wire.rows import step_dtype
import numpy as np
import pytest

REACH = TASKS['FetchReach']


def rows_of(session, env, episode, length, ends=True):
    rows = np.zeros(length + 1, step_dtype(REACH))
    rows['session'], rows['env'], rows['episode'] = session, env, episode
    rows['step'] = np.arange(length + 1)
    rows['observation'] = np.random.default_rng([session, env, episode]).normal(
        size=rows['observation'].shape
    )
    rows['truncated'][-1] = ends
    return rows


def recording(random, sessions=2, environments=3, episodes=6):
    """Messages of random rollouts: unequal lengths, gaps, repeats, rows out of order."""
    rows = []
    for session in range(sessions):
        for episode in range(episodes):
            rollout = np.concatenate(
                [
                    rows_of(session, env, episode, random.integers(1, 9), random.random() < 0.8)
                    for env in range(environments)
                ]
            )
            rollout = rollout[random.random(len(rollout)) > random.choice([0.0, 0.05])]
            again = random.random(len(rollout)) < 0.2
            rollout = np.concatenate([rollout, rollout[again]])
            rollout['reward'] = np.arange(len(rollout))  # tells the repeats apart
            rows.append(rollout)
    rows = np.concatenate(rows)
    # Far enough to reach into the next rollouts.
    order = np.argsort(np.arange(len(rows)) + random.uniform(0, 80, len(rows)), kind='stable')
    cuts = np.sort(random.integers(0, len(rows), 40))
    return np.split(rows[order], cuts)


def values(episodes):
    """Return what the rows hold, without the padding between fields."""
    return [[e.rows[name].tolist() for name in e.rows.dtype.names] for e in episodes]


def in_order(episodes):
    def identity(episode):
        return [int(episode.rows[name][0]) for name in ('session', 'episode', 'env')]

    return sorted(episodes, key=identity)


@pytest.mark.parametrize('seed', range(40))
def test_what_comes_in_pieces_is_split_as_the_whole_is(seed):
    random = np.random.default_rng(seed)
    messages = recording(random)
    expected, left_over = split_rollout(messages)
    assembler, found = EpisodeAssembler(), []
    while messages:
        size = int(random.integers(1, 6))
        found += assembler.take(messages[:size])
        del messages[:size]
    assert len(expected) > 5
    assert values(in_order(found)) == values(expected)
    assert assembler.left_over == left_over


def test_an_episode_comes_with_its_last_row():
    assembler = EpisodeAssembler()
    rows = rows_of(1, 0, 0, 5)
    assert [len(assembler.take([rows[each:][:1]])) for each in range(6)] == [0] * 5 + [1]
    assert assembler.left_over == 0
    assert assembler.take([rows]) == []
    assert assembler.left_over == 0  # repeated, not lost


@pytest.mark.parametrize('cut', range(1, 6))
def test_an_episode_in_two_pieces_is_whole_in_either_order(cut):
    rows = rows_of(1, 0, 0, 5)
    again = rows[:cut].copy()
    again['reward'] = 9
    for pieces in (
        [rows[:cut], rows[cut:]],
        [rows[cut:], rows[:cut]],
        [rows[:cut], again, rows[cut:]],
        [rows[:cut], rows[:0], np.concatenate([again, rows[cut:]])],
    ):
        assembler = EpisodeAssembler()
        assert [assembler.take([piece]) for piece in pieces[:-1]] == [[]] * (len(pieces) - 1)
        (episode,) = assembler.take(pieces[-1:])
        assert (episode.rows == rows).all()
        assert assembler.left_over == 0


@pytest.mark.parametrize('missing', range(6))
def test_an_episode_in_pieces_with_a_hole_is_left_over(missing):
    rows = np.delete(rows_of(1, 0, 0, 5), missing)
    for cut in range(1, 5):
        assembler = EpisodeAssembler()
        assert assembler.take([rows[:cut]]) + assembler.take([rows[cut:]]) == []
        assert assembler.left_over == 5


def test_a_repeat_does_not_hide_a_hole():
    assembler, rows = EpisodeAssembler(), rows_of(1, 0, 0, 5)
    assert assembler.take([rows[:3]]) + assembler.take([rows[[2, 4, 5]]]) == []
    assert assembler.left_over == 5
    (episode,) = assembler.take([rows[3:4]])
    assert (episode.rows == rows).all()


def test_what_is_held_keeps_nothing_else_alive():
    assembler, rows = EpisodeAssembler(), rows_of(1, 0, 0, 5, ends=False)
    whole = np.concatenate([rows, rows_of(1, 1, 0, 1000)])
    assert len(assembler.take([whole])) == 1
    (part,) = assembler._environments['', 1, 0].unfinished[0]._parts
    while isinstance(part.base, np.ndarray):
        part = part.base
    assert part.nbytes == rows.nbytes


def test_memory_of_a_sender_that_repeats_itself_is_bounded():
    assembler, rows = EpisodeAssembler(), rows_of(1, 0, 0, 5)
    for _ in range(5000):
        assembler.take([rows[:3]])
    unfinished = assembler._environments['', 1, 0].unfinished[0]
    assert sum(map(len, unfinished._parts)) < 2048
    (episode,) = assembler.take([rows])
    assert (episode.rows == rows).all()


def test_unfinished_episodes_are_given_up_and_counted():
    """However many there are, of environments and of sessions."""
    assembler = EpisodeAssembler()
    for episode in range(100):
        assembler.take([rows_of(1, 0, episode, 5, ends=False)])
    assert len(assembler._environments['', 1, 0].unfinished) == 16
    row = rows_of(1, 0, 0, 1)[:1]
    for session in range(2, 5002):
        row['session'], row['env'] = session, session % 7
        assembler.take([row], f'/worker_{session % 3}/step')
    assert len(assembler._environments) == 4096
    assert assembler.left_over == 100 * 6 + 5000
    (episode,) = assembler.take([rows_of(500, 0, 7, 5)])
    assert len(episode) == 5


def test_two_orders_of_episodes_at_a_time_lose_none():
    """A clock was set back by minutes, and someone sorted by stamps."""
    assembler, found = EpisodeAssembler(), []
    for early in range(100):
        one, other = rows_of(1, 0, early, 3), rows_of(1, 0, early + 1000, 3)
        for step in range(4):
            found += assembler.take([one[step:][:1], other[step:][:1]])
    assert len(found) == 200
    assert assembler.left_over == 0


def test_all_that_rows_are_held_of_is_named():
    assembler = EpisodeAssembler()
    assembler.take([rows_of(1, 0, 4, 2, ends=False), rows_of(2, 3, 0, 2, ends=False)])
    assembler.take([rows_of(2, 3, 1, 2)])
    assert assembler.unfinished == [('', 1, 0, 4), ('', 2, 3, 0)]


def test_topics_are_distinguished():
    assembler, rows = EpisodeAssembler(), rows_of(1, 0, 0, 5)
    assert assembler.take([rows[:3]], '/a') + assembler.take([rows[3:]], '/b') == []
    assert assembler.unfinished == [('/a', 1, 0, 0), ('/b', 1, 0, 0)]
    assert len(assembler.take([rows[3:]], '/a')) == len(assembler.take([rows[:3]], '/b')) == 1
    assert assembler.left_over == 0


FLOODS = {
    'sessions': lambda number: {'session': number},
    'environments': lambda number: {'env': number},
    'episodes': lambda number: {'episode': number},
    'steps': lambda number: {'step': number},
    'sessions of long episodes': lambda number: {'session': number // 100, 'step': number % 100},
}


@pytest.mark.parametrize('flood', FLOODS)
def test_memory_of_a_flood_is_bounded_and_no_row_goes_uncounted(flood):
    """Measured, not what the assembler believes."""
    assembler, row = EpisodeAssembler(most_bytes=1 << 20), rows_of(1, 0, 0, 1)[:1]
    count = 6000
    tracemalloc.start()
    try:
        for number in range(count):
            for name, value in FLOODS[flood](number).items():
                row[name] = value
            assembler.take([row])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 << 20
    assert assembler.left_over == count
    (episode,) = assembler.take([rows_of(9, 9, 9, 5)])
    assert len(episode) == 5


def test_memory_of_finished_episodes_is_bounded():
    assembler = EpisodeAssembler()
    rows = np.concatenate([rows_of(1, env, 0, 1) for env in range(64)])
    for episode in range(1030):
        rows['episode'] = episode
        assert len(assembler.take([rows])) == 64
    assert len(assembler._finished) == 1 << 16
    assert assembler.take([rows]) == []
