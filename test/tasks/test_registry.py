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

import contextlib
import io

from her_ros.tasks.arm import ARM_TASKS
from her_ros.tasks.errors import TaskError
from her_ros.tasks.fetch import FETCH_TASKS
from her_ros.tasks.registry import task_named, TASKS
import numpy as np
import pytest

with contextlib.redirect_stderr(io.StringIO()):  # it warns about environments of other robots
    from gymnasium_robotics.envs.fetch.fetch_env import MujocoFetchEnv


@pytest.fixture
def original():
    """Return the original's reward and success, without its simulation."""
    env = MujocoFetchEnv.__new__(MujocoFetchEnv)
    env.distance_threshold, env.reward_type = 0.05, 'sparse'
    return env


def goals_around_the_tolerance(count):
    """Pairs of goals whose distance is 5 cm but for a few units in the last place."""
    random = np.random.default_rng(0)
    desired = random.uniform(-2, 2, (count, 3))
    direction = random.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return desired + 0.05 * direction, desired


def test_at_the_tolerance_itself_the_reward_is_that_of_a_reached_goal():
    task, goal = TASKS['FetchPush'], np.zeros(3)
    at, above, below = np.zeros((3, 3))
    at[1], above[1], below[1] = 0.05, np.nextafter(0.05, 1), np.nextafter(0.05, 0)
    assert [task.reward(each, goal) for each in (below, at, above)] == [0, 0, -1]
    # gymnasium-robotics compares with > for the reward, with < for success.
    assert [bool(task.is_success(each, goal)) for each in (below, at, above)] == [
        True,
        False,
        False,
    ]


def test_reward_and_success_are_those_of_the_original(original):
    achieved, desired = goals_around_the_tolerance(20_000)
    rewards = original.compute_reward(achieved, desired, {})
    assert 0.1 < (rewards == 0).mean() < 0.9
    for task in FETCH_TASKS.values():
        np.testing.assert_array_equal(task.reward(achieved, desired), rewards)
        np.testing.assert_array_equal(
            task.is_success(achieved, desired), original._is_success(achieved, desired) == 1
        )


def test_any_number_of_leading_dimensions_is_taken():
    task = TASKS['FetchPush']
    achieved, desired = (goals.reshape(2, 5, 10, 3) for goals in goals_around_the_tolerance(100))
    rewards = task.reward(achieved, desired)
    assert rewards.shape == (2, 5, 10)
    for index in np.ndindex(rewards.shape):
        assert task.reward(achieved[index], desired[index]) == rewards[index]


def test_distances_are_euclidean_in_any_dimension(toy):
    assert toy.distance(np.array([3.0, 0.0]), np.array([0.0, 4.0])) == 5.0  # 3² + 4² = 5²
    achieved, desired = np.random.default_rng(1).normal(size=(2, 30, 6))
    np.testing.assert_allclose(
        toy.distance(achieved, desired), np.linalg.norm(achieved - desired, axis=-1), rtol=1e-14
    )


def test_observation_sizes_are_the_sum_of_their_fields():
    assert TASKS['FetchReach'].observation_size == 3 + 2 + 3 + 2
    for name in ('FetchPush', 'FetchSlide', 'FetchPickAndPlace'):
        assert TASKS[name].observation_size == 6 * 3 + 2 + 3 + 2


def test_tasks_are_found_by_name():
    assert [task_named(name).name for name in TASKS] == [*TASKS] == [*FETCH_TASKS, *ARM_TASKS]


def test_an_arm_is_named_for_tasks_of_arms_alone():
    assert task_named('Push').arm == 'franka_panda'
    assert task_named('Push', 'my_arm.yaml').arm == 'my_arm.yaml'
    with pytest.raises(TaskError, match=r"^arm is 'six_joint', but task 'FetchPush' .*; Reach, "):
        task_named('FetchPush', 'six_joint')


@pytest.mark.parametrize('name', ['', 'fetchreach', 'FetchReach-v4', 'Ant'])
def test_an_unknown_task_is_named_beside_the_known_ones(name):
    with pytest.raises(TaskError, match=rf"task '{name}' is unknown; .*FetchReach, FetchPush"):
        task_named(name)
