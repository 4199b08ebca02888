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

from her_ros.episodes.episode import Episode
from her_ros.episodes.splitting import split_rollout
from her_ros.robot.bridge.episodes import RobotEpisodes
from her_ros.tasks.observed import Observed
from her_ros.tasks.registry import TASKS
from her_ros.wire.rows import action_dtype, IDENTITY, RowError
import numpy as np
import pytest

TASK = TASKS['FetchReach']
GOAL = np.array([1.0, 0.5, 0.5])
FAR, NEAR = GOAL + 0.2, GOAL + 0.01


def state(position):
    return Observed(np.full((1, TASK.observation_size), 0.5), np.array([position]))


def answers(rows, action, version=3):
    made = np.zeros(len(rows), action_dtype(TASK))
    for name in IDENTITY:
        made[name] = rows[name]
    made['action'], made['policy_version'] = action, version
    return made


def play(episodes, position, steps, action=0.5):
    rows = []
    for _ in range(steps):
        rows.append(episodes.show(state(position)))
        if not episodes.running:
            break
        episodes.accept(answers(rows[-1], action))
    return rows


@pytest.fixture
def episodes():
    made = RobotEpisodes(TASK, session=7, episode_steps=5, success_steps=0)
    made.start(GOAL)
    return made


def test_a_whole_episode_is_one_that_learning_takes(episodes):
    rows = play(episodes, FAR, 99)
    assert len(rows) == 6
    (episode,), left_over = split_rollout(rows)
    assert not left_over
    episode.check(TASK)
    np.testing.assert_array_equal(episode.action, np.full((5, 4), 0.5, np.float32))
    np.testing.assert_array_equal(episode.reward, TASK.reward(np.tile(FAR, (5, 1)), GOAL))
    assert not episode.terminated.any()
    assert (rows[0]['policy_version'], rows[1]['policy_version']) == (0, 3)


def test_what_was_not_answered_stood_still(episodes):
    rows = [episodes.show(state(FAR))]
    assert episodes.accept(answers(rows[0], 0.5)) is not None
    rows.append(episodes.show(state(FAR)))
    rows.append(episodes.show(state(FAR)))
    late = episodes.accept(answers(rows[1], 0.9))
    rows.append(episodes.show(state(FAR)))
    assert late is None
    assert [row['action'][0, 0] for row in rows] == [0.0, 0.5, 0.0, 0.0]
    assert [int(row['policy_version'][0]) for row in rows] == [0, 3, 0, 0]


def test_the_first_state_waits_for_its_answer(episodes):
    rows = [episodes.show(state(FAR + 0.01 * k)) for k in range(4)]
    assert episodes.waiting
    assert {int(row['step'][0]) for row in rows} == {0}
    # the last one seen is the one that is answered
    np.testing.assert_array_equal(rows[-1]['achieved_goal'][0], FAR + 0.03)
    assert episodes.accept(answers(rows[-1], 0.5)) is not None
    assert not episodes.waiting
    rows.append(episodes.show(state(FAR)))
    assert rows[-1]['step'][0] == 1
    (found,), _ = split_rollout([*rows, *play(episodes, FAR, 99)])
    found.check(TASK)


def test_a_later_answer_to_the_same_state_counts(episodes):
    rows = episodes.show(state(FAR))
    episodes.accept(answers(rows, 0.5))
    np.testing.assert_array_equal(episodes.accept(answers(rows, 0.0)), np.zeros(4))
    assert not episodes.show(state(FAR))['action'].any()


@pytest.mark.parametrize('name', IDENTITY)
def test_an_answer_to_another_state_is_none(episodes, name):
    foreign = answers(episodes.show(state(FAR)), 0.5)
    foreign[name] += 1
    assert episodes.accept(foreign) is None
    assert not episodes.answered


def test_actions_are_limited_and_finite(episodes):
    rows = episodes.show(state(FAR))
    np.testing.assert_array_equal(episodes.accept(answers(rows, 7.0)), np.ones(4))
    with pytest.raises(RowError, match='action'):
        episodes.accept(answers(rows, np.nan))


def test_success_held_ends_an_episode():
    episodes = RobotEpisodes(TASK, session=7, episode_steps=50, success_steps=3)
    episodes.start(GOAL)
    play(episodes, NEAR, 3)  # two successful moves, one short of what ends it
    play(episodes, FAR, 1)
    assert episodes.running
    rows = play(episodes, NEAR, 99)
    assert len(rows) == 3
    assert rows[-1]['truncated'][0]
    assert rows[-1]['is_success'][0]
    assert rows[-1]['reward'][0] == 0


def test_an_episode_can_be_ended_and_the_next_counts_on(episodes):
    play(episodes, FAR, 2)
    episodes.end()
    last = play(episodes, FAR, 99)
    assert len(last) == 1
    assert last[0]['truncated'][0]
    episodes.start(NEAR)
    rows = play(episodes, FAR, 99)
    assert [int(row['step'][0]) for row in rows] == [*range(6)]
    assert {int(row['episode'][0]) for row in rows} == {2}
    np.testing.assert_array_equal(rows[0]['desired_goal'][0], NEAR)
    Episode(np.concatenate(rows)).check(TASK)


def test_an_episode_that_has_not_begun_ends_without_a_row(episodes):
    episodes.show(state(FAR))
    episodes.end()
    assert not episodes.running
    episodes.start(NEAR)
    assert len(play(episodes, FAR, 99)) == 6


def test_an_abandoned_episode_is_none(episodes):
    rows = play(episodes, FAR, 3)
    episodes.abandon()
    assert episodes.accept(answers(rows[-1], 0.5)) is None
    episodes.start(GOAL)
    found, left_over = split_rollout([*rows, *play(episodes, FAR, 99)])
    assert len(found) == 1
    assert left_over == 3
