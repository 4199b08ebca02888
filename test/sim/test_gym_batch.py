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

import gymnasium
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.sim.errors import SimError
from her_ros.sim.evaluate import evaluation_steps
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.gym_batch import GymBatch, make_env
from her_ros.tasks.errors import TaskError
from her_ros.tasks.fetch import FETCH_TASKS
from her_ros.tasks.gymnasium import GYM_PREFIX, gym_tasks
from her_ros.tasks.registry import task_named
import numpy as np
import pytest

GYM_TASKS = gym_tasks(FETCH_TASKS)
MAZE = 'gym:PointMaze_UMaze-v3'


@pytest.mark.parametrize('name', GYM_TASKS)
def test_a_task_is_what_gymnasium_robotics_makes_of_its_id(name):
    task, env = task_named(name), make_env(name.removeprefix(GYM_PREFIX))
    assert gymnasium.spec(name.removeprefix(GYM_PREFIX)).max_episode_steps == task.episode_length
    env.action_space.seed(0)
    start, _ = env.reset(seed=0)
    assert start['observation'].shape == (task.observation_size,)
    assert start['achieved_goal'].shape == start['desired_goal'].shape == (task.goal_size,)
    assert env.action_space == gymnasium.spaces.Box(-1, 1, (task.action_size,), np.float32)
    before = clock(env).time
    env.step(env.action_space.sample())
    assert clock(env).time - before == pytest.approx(task.control_period_s)
    # Whatever the original pays, reached and not reached are told apart in the same places.
    desired = start['desired_goal']
    direction = np.random.default_rng(0).normal(size=desired.shape)
    direction /= np.linalg.norm(direction)
    near, far = (desired + direction * task.goal_tolerance_m * part for part in (0.99, 1.01))
    paid = [env.unwrapped.compute_reward(goal, desired, {}) for goal in (near, far)]
    assert paid[0] - paid[1] == 1
    assert [task.reward(goal, desired) for goal in (near, far)] == [0, -1]
    assert [task.is_success(goal, desired) for goal in (near, far)] == [True, False]


def clock(env):
    """Find MuJoCo's data, which ants and points have inside them."""
    for robot in ('ant_env', 'point_env'):
        env = getattr(env, robot, env)
    return env.data


@pytest.mark.parametrize('name', FETCH_TASKS)
def test_the_originals_of_our_own_tasks_are_as_our_own(name, busy_actions):
    ours, theirs = (
        FetchBatch(FETCH_TASKS[name], [3, 4]),
        GymBatch(task_named(f'gym:{name}-v4'), [3, 4]),
    )
    found, expected = theirs.reset(), ours.reset()
    generator = np.random.default_rng(0)
    for step in range(30):
        for field in expected._fields:
            np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
        actions = busy_actions(step, expected.observation, generator)
        found, expected = theirs.step(actions), ours.step(actions)
    assert np.array_equal(theirs.reset().desired_goal, ours.reset().desired_goal)


def test_episodes_are_evaluated_the_same_every_time():
    task = task_named(MAZE)

    def act(observation, achieved, desired):
        return np.clip(desired - achieved, -1, 1).astype(np.float32)

    rows = [
        np.concatenate([*evaluation_steps(task, act, 7, EvaluationProtocol(4, n, 1))])
        for n in (4, 2)
    ]
    ends = [part[part['step'] == task.episode_length] for part in rows]
    assert ends[0]['truncated'].all()
    assert not ends[0]['terminated'].any()
    np.testing.assert_array_equal(ends[0]['achieved_goal'], ends[1]['achieved_goal'])
    assert {*rows[0]['reward'].tolist()} <= {0.0, -1.0}


def test_a_goal_that_is_asked_for_stays_until_the_next_episode():
    batch = GymBatch(task_named(MAZE), [1, 2])
    drawn = batch.reset().desired_goal
    batch.set_goal([0.5, -1.0])
    assert batch.step(np.zeros((2, 2), np.float32)).desired_goal.tolist() == [[0.5, -1.0]] * 2
    assert not np.array_equal(batch.reset().desired_goal, drawn)
    with pytest.raises(SimError, match='finite, of shape'):
        batch.set_goal([0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    'name',
    ['gym:HandManipulateBlock-v1', 'gym:FetchReachDense-v4', 'gym:CartPole-v1', 'gym:', 'gym:tea'],
)
def test_others_are_refused_by_name(name):
    with pytest.raises(TaskError, match='is not in the list of supported tasks') as error:
        task_named(name)
    assert repr(name) in str(error.value)
    assert 'gym:PointMaze_<maze>-v3' in str(error.value)
