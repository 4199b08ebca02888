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

import dataclasses

from her_ros.episodes.episode import Episode, EpisodeError, faults_of
from her_ros.episodes.splitting import split_rollout
from her_ros.runtime.errors import HerRosError
from her_ros.wire.rows import RowError
import numpy as np
import pytest


def same(episode, rows):
    return all(np.array_equal(episode.rows[name], rows[name]) for name in rows.dtype.names)


def test_moves_stand_between_the_states_they_join(make_episode_rows):
    rows = make_episode_rows(length=4)
    rows['terminated'][3] = 1
    episode = Episode(rows)
    assert len(episode) == 4
    assert episode.observation.shape == (5, 5)
    assert episode.achieved_goal.shape == (5, 2)
    np.testing.assert_array_equal(episode.desired_goal, rows['desired_goal'][2])
    for t in range(4):
        # Row t + 1 says which move led to it.
        np.testing.assert_array_equal(episode.action[t], rows[t + 1]['action'])
        assert episode.reward[t] == rows[t + 1]['reward']
        assert episode.terminated[t] == (t == 2)
    assert episode.terminated.dtype == bool


def plain(rows):
    """Return the arrays that a user's own loop would have."""
    return {
        'observation': rows['observation'],
        'achieved_goal': rows['achieved_goal'],
        'desired_goal': rows['desired_goal'][0],
        'action': rows['action'][1:],
    }


@pytest.mark.parametrize('terminated', [False, True])
def test_plain_arrays_make_the_rows_that_a_rollout_would_have(toy, make_episode_rows, terminated):
    rows = make_episode_rows(session=0, episode=0)
    # Half a tolerance from the goal after the second move, and two tolerances at other times.
    rows['achieved_goal'] = rows['desired_goal'] + [[0.5, 0.0]]
    rows['achieved_goal'][2] = rows['desired_goal'][0] + [0.125, 0.0]
    rows['reward'], rows['is_success'] = [0, -1, 0, -1, -1], [0, 0, 1, 0, 0]
    rows['truncated'][-1], rows['terminated'][-1] = not terminated, terminated
    episode = Episode.from_arrays(toy, **plain(rows), terminated=terminated)
    assert same(episode, rows)
    lists = {name: array.tolist() for name, array in plain(rows).items()}
    assert same(Episode.from_arrays(toy, **lists, terminated=terminated), rows)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'action': np.zeros((4, 3))}, r'action has shape \(4, 3\); it must be \(T, 4\)'),
        ({'action': np.zeros(4)}, r'action has shape \(4,\)'),
        ({'action': np.zeros((5, 4))}, r'observation has shape \(5, 5\); it must be \(6, 5\)'),
        ({'action': np.zeros((0, 4))}, r'observation has shape \(5, 5\); it must be \(1, 5\)'),
        ({'action': np.full((4, 4), 1.5)}, r'an action is 1.5; expected within \[-1, 1\]'),
        ({'action': np.full((4, 4), 1e300)}, 'action of env 0, episode 0, step 1'),
        (
            {'action': [['a'] * 4] * 4},
            r'action: not an array of numbers .*; give one of shape \(T, 4\)',
        ),
        ({'action': [[0.0], [0.0, 0.0]]}, 'action: not an array of numbers'),
        ({'observation': np.zeros((5, 4))}, r'it must be \(5, 5\)'),
        ({'observation': np.full((5, 5), np.nan)}, 'observation of env 0, episode 0, step 0'),
        ({'achieved_goal': np.zeros((4, 2))}, r'achieved_goal has shape \(4, 2\)'),
        ({'desired_goal': np.zeros((5, 2))}, r'desired_goal has shape .* it must be \(2\)'),
        ({'desired_goal': np.zeros(3)}, r'desired_goal has shape \(3,\); it must be \(2\)'),
    ],
)
def test_arrays_that_make_no_episode_are_named(toy, make_episode_rows, change, message):
    with pytest.raises(HerRosError, match=message):
        Episode.from_arrays(toy, **{**plain(make_episode_rows(length=4)), **change})


def test_success_is_that_of_the_last_state(make_episode_rows):
    rows = make_episode_rows()
    rows['is_success'][:-1] = 1
    assert not Episode(rows).is_success
    rows['is_success'] = [0, 0, 0, 0, 1]
    assert Episode(rows).is_success


def test_a_whole_episode_passes(make_episode_rows, toy):
    for length in (1, 2, 30):
        Episode(make_episode_rows(length)).check(toy)


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lambda rows: rows[:1], 'an episode of 1 states; it needs 2'),
        (lambda rows: rows[:0], 'an episode of 0 states; it needs 2'),
        (
            lambda rows: rows[1:],
            r'episode 1 of env 3: steps are \[1, 2, 3, 4\]; they must be 0 … T',
        ),
        (lambda rows: rows[[0, 1, 3, 4]], r'steps are \[0, 1, 3, 4\]'),
        (lambda rows: rows[[0, 2, 1, 3, 4]], r'steps are \[0, 2, 1, 3, 4\]'),
    ],
)
def test_missing_rows_are_named(make_episode_rows, toy, damage, message):
    with pytest.raises(EpisodeError, match=message):
        Episode(damage(make_episode_rows(length=4, env=3))).check(toy)


@pytest.mark.parametrize('name', ['session', 'env', 'episode'])
def test_mixed_rows_are_named(make_episode_rows, toy, name):
    rows = make_episode_rows()
    rows[name][2] += 1
    with pytest.raises(EpisodeError, match=f'rows of more than one {name}'):
        Episode(rows).check(toy)


def test_a_goal_that_changes_is_named(make_episode_rows, toy):
    rows = make_episode_rows()
    rows['desired_goal'][3, 1] += 1e-12
    with pytest.raises(EpisodeError, match='goal changes'):
        Episode(rows).check(toy)


@pytest.mark.parametrize('name', ['observation', 'achieved_goal', 'action', 'reward'])
@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named(make_episode_rows, toy, name, value):
    rows = make_episode_rows(env=3)
    rows[name].reshape(5, -1)[2, -1] = value
    with pytest.raises(RowError, match=f'{name} of env 3, episode 1, step 2'):
        Episode(rows).check(toy)


def test_observations_of_another_task_are_named(make_episode_rows, toy):
    larger = dataclasses.replace(toy, name='Larger', observation_fields=(('position', 6),))
    with pytest.raises(EpisodeError, match='observations have 5 values, Larger has 6'):
        Episode(make_episode_rows()).check(larger)


def fault_of(episode, task):
    try:
        episode.check(task)
    except HerRosError as error:
        return error
    return None


def said(faults):
    return [(type(fault), str(fault)) for fault in faults]


DAMAGES = (
    lambda rows, _: rows['observation'].__setitem__((-1, -1), np.nan),
    lambda rows, _: rows['achieved_goal'].__setitem__((0, 0), -np.inf),
    lambda rows, _: rows['desired_goal'].__setitem__((slice(None), 1), np.nan),
    lambda rows, _: rows['desired_goal'].__setitem__((slice(None), 1), np.inf),
    lambda rows, at: rows['desired_goal'].__setitem__((at, 0), 3.0),
    lambda rows, at: rows['action'].__setitem__((at, 3), -1.0000001),
    lambda rows, at: rows['reward'].__setitem__(at, np.inf),
    lambda rows, at: rows['session'].__setitem__(at, 8),
    lambda rows, at: rows['env'].__setitem__(at, 99),
    lambda rows, at: rows['episode'].__setitem__(at, 99),
    lambda rows, at: rows['step'].__setitem__(at, 99),
)


@pytest.mark.parametrize('damage', range(len(DAMAGES)))
def test_many_at_once_are_checked_as_each_alone(make_episode_rows, toy, damage):
    random = np.random.default_rng(damage)
    # More than are looked at together; goals and sizes differ from one to the next.
    episodes = [
        Episode(make_episode_rows(int(random.integers(1, 60)), env, episode))
        for episode in range(40)
        for env in range(6)
    ]
    assert faults_of(episodes, toy) == [None] * len(episodes)
    bad = sorted(random.choice(len(episodes), 3, replace=False).tolist())
    for each in bad:
        rows = episodes[each].rows
        DAMAGES[damage](rows, int(random.integers(1, len(rows))))
    expected = [fault_of(episode, toy) for episode in episodes]
    assert [i for i, fault in enumerate(expected) if fault] == bad
    assert said(faults_of(episodes, toy)) == said(expected)


def test_what_is_too_short_or_of_another_task_is_said_of_each(make_episode_rows, toy):
    whole = make_episode_rows()
    episodes = [Episode(rows) for rows in (whole, whole[:1], whole, whole[:0])]
    larger = dataclasses.replace(toy, name='Larger', observation_fields=(('position', 6),))
    for task, bad in ((toy, [1, 3]), (larger, [0, 1, 2, 3])):
        faults = faults_of(episodes, task)
        assert [i for i, fault in enumerate(faults) if fault] == bad
        assert said(faults) == said(fault_of(episode, task) for episode in episodes)
    assert faults_of([], toy) == []


def test_interleaved_environments_are_distinguished(make_episode_rows):
    one, two = make_episode_rows(4, env=0), make_episode_rows(2, env=1)
    messages = [np.concatenate([rows[step:][:1] for rows in (two, one)]) for step in range(5)]
    assert len(messages[3]) == 1  # the shorter episode is left out once it ended
    episodes, left_over = split_rollout(messages)
    assert left_over == 0
    assert len(episodes) == 2
    assert same(episodes[0], one)
    assert same(episodes[1], two)


def test_workers_sessions_and_rollouts_may_interleave_in_any_order(make_episode_rows):
    wanted = [
        make_episode_rows(length, env, episode, session)
        for session in (3, 9)
        for episode in (1, 2)
        for env, length in ((0, 3), (1, 5), (2, 1))
    ]
    rows = np.concatenate(wanted)
    for seed in range(20):
        shuffled = np.random.default_rng(seed).permutation(rows)
        episodes, left_over = split_rollout(np.array_split(shuffled, 7))
        assert left_over == 0
        # ordered by session, episode, env
        assert len(episodes) == len(wanted)
        assert all(map(same, episodes, wanted))


@pytest.mark.parametrize('name', ['session', 'episode', 'env'])
def test_one_difference_tells_episodes_apart(make_episode_rows, name):
    wanted = [make_episode_rows(4, **{name: value}) for value in (1, 2)]
    episodes, left_over = split_rollout([np.concatenate(wanted)])
    assert (len(episodes), left_over) == (2, 0)
    assert all(map(same, episodes, wanted))


def test_of_repeated_rows_the_first_one_stays(make_episode_rows):
    rows = make_episode_rows(4)
    again = rows.copy()
    again['observation'] += 1
    messages = [rows[0:1], again[0:1], rows[1:3], again[1:2], again[2:3], rows[3:], again[4:]]
    episodes, left_over = split_rollout(messages)
    assert left_over == 0
    assert len(episodes) == 1
    assert same(episodes[0], rows)


@pytest.mark.parametrize('missing', range(5))
def test_an_episode_with_a_hole_is_left_over(make_episode_rows, missing):
    broken, whole = make_episode_rows(4, env=0), make_episode_rows(3, env=1)
    episodes, left_over = split_rollout([np.delete(broken, missing), whole])
    assert left_over == 4
    assert len(episodes) == 1
    assert same(episodes[0], whole)


def test_an_episode_without_an_end_is_left_over(make_episode_rows):
    rows = make_episode_rows(4)
    rows['truncated'] = 0
    assert split_rollout([rows]) == ([], 5)
    rows['terminated'][-1] = 1  # the other way to end
    episodes, left_over = split_rollout([rows])
    assert (len(episodes), left_over) == (1, 0)


def test_a_lone_first_state_is_left_over(make_episode_rows):
    rows = make_episode_rows(1)[:1]
    rows['truncated'] = 1
    assert split_rollout([rows]) == ([], 1)


def test_nothing_gives_nothing(make_episode_rows):
    assert split_rollout([]) == ([], 0)
    assert split_rollout([make_episode_rows()[:0]]) == ([], 0)
