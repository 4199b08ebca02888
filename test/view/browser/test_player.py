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

from pathlib import Path

from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.episodes.splitting import split_rollout
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.errors import HerRosError
from her_ros.sim.evaluate import evaluation_steps
from her_ros.tasks.registry import task_named
from her_ros.view.browser.player import disturbances_of, Player
import numpy as np
import pytest

TASK = task_named('FetchPush')


@pytest.fixture(scope='module')
def policy():
    return OnnxPolicy.load(Path(__file__).parents[3] / 'models/FetchPush/policy.onnx')


def play(player):
    path = [player.achieved]
    while not player.is_over:
        player.advance()
        path.append(player.achieved)
    return np.array(path)


def test_episodes_are_those_of_an_evaluation(policy):
    protocol = EvaluationProtocol(episodes=2, num_envs=2)
    messages = evaluation_steps(TASK, policy.act, policy.version, protocol)
    episodes, _ = split_rollout(list(messages))
    player = Player(policy, TASK)
    for episode in episodes:
        np.testing.assert_array_equal(play(player), episode.achieved_goal)
        np.testing.assert_array_equal(player.goal, episode.desired_goal)
        assert player.is_success == episode.is_success
        player.next()
    assert (player.ended, player.reached) == (2, sum(e.is_success for e in episodes))


def test_a_moved_goal_is_pursued_and_gives_the_time_again(policy):
    player = Player(policy, TASK)
    for _ in range(10):
        player.advance()
    goal = np.array([1.30, 0.72, player.goal[2]])
    assert np.linalg.norm(player.achieved - goal) > 0.08
    player.move_goal(goal)
    assert player.step == 0
    play(player)
    assert player.is_success
    np.testing.assert_array_equal(player.goal, goal)


def test_a_kept_goal_is_that_of_the_next_starts(policy):
    player = Player(policy, TASK)
    first = player.goal
    player.next()
    assert not np.array_equal(player.goal, first)
    player.kept_goal = first
    player.next()
    np.testing.assert_array_equal(player.goal, first)


def test_disturbances_act_and_leave_nothing_behind(policy):
    player = Player(policy, TASK)
    alone = play(player)
    player.disturb({'action_scale': 4.0, 'mass_scale': 4.0, 'object_noise_m': 0.0})
    assert not np.array_equal(play(player), alone)
    player.disturb({})
    np.testing.assert_array_equal(play(player), alone)


def test_a_task_lists_the_disturbances_that_act_on_it():
    assert 'mass_scale' in disturbances_of(TASK)
    names = disturbances_of(task_named('FetchReach'))
    assert 'latency_periods' in names
    assert 'mass_scale' not in names


def test_a_task_without_a_scene_is_refused_by_name(policy):
    with pytest.raises(HerRosError, match=r'task gym:FetchPush-v4: .*; view a Fetch task'):
        Player(policy, task_named('gym:FetchPush-v4'))
