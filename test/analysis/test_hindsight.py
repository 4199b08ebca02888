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

from dataclasses import replace
import xml.etree.ElementTree as ElementTree

from her_ros.analysis.hindsight import curriculum_distances, LoadedRun, picked_goals, reward_shares
from her_ros.analysis.hindsight_plots import draw_curriculum, draw_goals, draw_rewards
from her_ros.analysis.plots import save
from her_ros.config.parameters.learner import LearnerParameters
from her_ros.episodes.episode import Episode
from her_ros.tasks.registry import task_named
from her_ros.wire.rows import step_dtype
import numpy as np
import pytest

LENGTH, K = 10, 4


def straight(number):
    """Move 0.1 m, twice the tolerance, with every step, away from a goal that is never reached."""
    task = task_named('FetchReach')
    rows = np.zeros(LENGTH + 1, step_dtype(task))
    rows['step'] = np.arange(LENGTH + 1)
    rows['achieved_goal'][:, 0] = 0.1 * np.arange(LENGTH + 1)
    rows['achieved_goal'][:, 1] = number
    rows['desired_goal'] = (-5.0, 0.0, 0.0)
    return Episode(rows)


@pytest.fixture
def learned():
    parameters = LearnerParameters(her_k=K, replay_capacity=1000)
    rollouts = [[straight(2 * number), straight(2 * number + 1)] for number in range(6)]
    return LoadedRun(task_named('FetchReach'), parameters, rollouts)


def test_shares_of_rewards_before_and_after_relabelling(learned):
    rewards = reward_shares(learned)
    assert rewards.env_steps.tolist() == [20, 40, 60, 80, 100, 120]
    assert not rewards.before.any()
    # Reached is only the next state's goal: of T - t future states one, on average H(T) / T; and
    # k of k + 1 samples are relabelled. Of 4,096 samples, five standard deviations are 0.033.
    harmonic = sum(1 / count for count in range(1, LENGTH + 1))
    expected = K / (K + 1) * harmonic / LENGTH
    np.testing.assert_allclose(rewards.after, expected, atol=0.033)


@pytest.mark.parametrize('capacity', [1000, 100])
def test_every_strategy_picks_its_own_states_of_the_same_episode(learned, capacity):
    learned = replace(learned, parameters=replace(learned.parameters, replay_capacity=capacity))
    picked = picked_goals(learned)
    assert picked.step == LENGTH // 3
    path = [tuple(goal) for goal in picked.achieved_goal]
    found = {
        name: {tuple(goal) for goal in goals} - {tuple(picked.desired_goal)}
        for name, goals in picked.goals.items()
    }
    after = picked.step + 1
    assert found['future'] == {*path[after:]}
    assert found['final'] == {path[-1]}
    assert found['episode'] == {*path[1:]}
    assert {number for _, number, _ in found['random']} == {*range(12)}


def test_a_curriculum_draws_its_goals_nearer_the_more_proximity_weighs(learned):
    distances = curriculum_distances(learned)
    assert list(distances) == ['no curriculum', 'λ = 0.01', 'λ = 1', 'λ = 10']
    means = [of.mean() for of in distances.values()]
    # Goals lie along 1 m; diverse ones are about as far as those drawn alike.
    assert abs(means[1] - means[0]) < 0.06
    assert means[0] > means[2] > means[3]
    # Of what a state has before it, 4 candidates leave the nearest: far nearer than the mean.
    assert means[3] < means[0] - 0.03


def test_the_pictures_show_both_batches_and_every_strategy(learned, tmp_path):
    picked = picked_goals(learned)
    drawn = {
        'rewards': draw_rewards(reward_shares(learned), ''),
        'goals': draw_goals(picked, ''),
        'curriculum': draw_curriculum(curriculum_distances(learned), ''),
    }
    found = set()
    for name, figure in drawn.items():
        for path in save(figure, tmp_path, name):
            assert path.stat().st_size > 1000
        tree = ElementTree.parse(tmp_path / f'{name}.svg')
        found |= {each.get('id') for each in tree.iter()}
    assert {'share_before', 'share_after', *(f'goals_{name}' for name in picked.goals)} <= found
    assert {f'curriculum_{number}' for number in range(4)} <= found
