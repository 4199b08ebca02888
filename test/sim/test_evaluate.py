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

from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.episodes.splitting import split_rollout
from her_ros.runtime.seeds import integer_seed, SIM_ENV_ROLE
from her_ros.sim.evaluate import evaluation_steps
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest

NAMES = ('observation', 'achieved_goal', 'desired_goal')
STATE = ('step', *NAMES, 'action', 'reward', 'is_success')


def act(observation, achieved_goal, desired_goal):
    """Head for the goal; depends on all three inputs, and needs no policy file."""
    actions = np.zeros((len(observation), 4), np.float32)
    actions[:, :3] = 8 * (desired_goal - achieved_goal) + 0.1 * observation[:, :3]
    return actions


def episodes_of(task, count, num_envs, threads=1, act=act):
    episodes, left_over = split_rollout(
        list(evaluation_steps(task, act, 7, EvaluationProtocol(count, num_envs, threads)))
    )
    assert left_over == 0
    return episodes


def test_episodes_do_not_depend_on_how_many_run_together(task):
    one_by_one = episodes_of(task, 5, num_envs=1)
    for num_envs, threads in ((2, 1), (5, 2), (64, 2)):
        together = episodes_of(task, 5, num_envs, threads)
        assert len(together) == 5
        for name in STATE:
            for one, other in zip(one_by_one, together, strict=True):
                np.testing.assert_array_equal(one.rows[name], other.rows[name])


@pytest.mark.parametrize(('count', 'num_envs'), [(1, 1), (3, 2), (7, 3), (4, 4)])
def test_as_many_whole_episodes_as_asked_for(count, num_envs):
    task = TASKS['FetchReach']
    episodes = episodes_of(task, count, num_envs)
    assert [len(e) for e in episodes] == [task.episode_length] * count
    for episode in episodes:
        episode.check(task)
        assert set(episode.rows['policy_version'][1:].tolist()) == {7}
    goals = {tuple(e.desired_goal) for e in episodes}
    assert len(goals) == count  # each start state once


def test_start_states_are_none_that_training_draws():
    # training takes 31-bit seeds; episode j starts from 2³¹ + j
    task = TASKS['FetchPush']
    seeds = [2**31 + j for j in range(3)]
    starts = FetchBatch(task, seeds).reset()
    episodes = episodes_of(task, 3, num_envs=2)
    for row, episode in enumerate(episodes):
        np.testing.assert_array_equal(episode.observation[0], starts.observation[row])
        np.testing.assert_array_equal(episode.desired_goal, starts.desired_goal[row])
    assert all(integer_seed(run, SIM_ENV_ROLE, w) < 2**31 for run in range(50) for w in range(20))


def test_the_policy_sees_the_rows_and_its_actions_are_applied_as_they_are():
    seen = []

    def watching(*state):
        seen.append([values.copy() for values in state])
        return act(*state)

    task = TASKS['FetchReach']
    steps = list(evaluation_steps(task, watching, 7, EvaluationProtocol(4, 4, 1)))
    assert len(seen) == task.episode_length
    for before, after, state in zip(steps, steps[1:], seen, strict=False):
        for name, values in zip(NAMES, state, strict=True):
            np.testing.assert_array_equal(before[name], values)
        np.testing.assert_array_equal(after['action'], np.clip(act(*state), -1, 1))


def test_a_better_policy_is_evaluated_better():
    task = TASKS['FetchReach']
    still = episodes_of(task, 20, 20, act=lambda *state: np.zeros((len(state[0]), 4), np.float32))
    assert sum(e.is_success for e in episodes_of(task, 20, 20)) >= 18
    assert sum(e.is_success for e in still) <= 4
