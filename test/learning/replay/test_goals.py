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

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.replay.batch import NoiseSpec, SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.learning.replay.goals import future_rows, GoalCandidates
import numpy as np
import pytest
import torch

#: the largest float64 below 1
ALMOST_ONE = 1 - 2**-53
LENGTHS = (1, 3, 7)


def future(row, last, uniform):
    return future_rows(GoalCandidates(row, row, last, uniform, anywhere=torch.zeros_like))


def test_every_later_state_has_its_share_of_the_unit_interval():
    """Own successor and last state are no rarer than the others, which round() makes them."""
    for length in (1, 2, 3, 50):
        count = 1000 * length
        uniform = (torch.arange(count, dtype=torch.float64) + 0.5) / count
        chosen = future(torch.full((count,), 10), torch.full((count,), 10 + length), uniform)
        assert Counter(chosen.tolist()) == dict.fromkeys(range(11, 11 + length), 1000)


def test_the_ends_of_the_unit_interval_stay_inside():
    last = torch.arange(1, 3000)
    row = torch.zeros_like(last)
    assert (future(row, last, torch.zeros(2999, dtype=torch.float64)) == 1).all()
    almost_one = torch.full((2999,), ALMOST_ONE, dtype=torch.float64)
    assert (future(row, last, almost_one) == last).all()


def goals_for(strategy, number, t):
    """Say, from the definition, which goals (episode, index) the transition t may get, alike."""
    length = LENGTHS[number]
    return {
        'future': [(number, index) for index in range(t + 1, length + 1)],
        'final': [(number, length)],
        'episode': [(number, index) for index in range(1, length + 1)],
        'random': [(other, i) for other, T in enumerate(LENGTHS) for i in range(1, T + 1)],
    }[strategy]


@pytest.fixture
def replay_of(toy, make_episode, device):
    """Make a buffer whose goals say of which episode and step they are; -1: the desired one."""

    def make(**parameters):
        replay = Replay(toy, LearnerParameters(replay_capacity=17, **parameters), device)
        # The first three leave the buffer again.
        for number, length in enumerate((7, 3, 1, *LENGTHS), -3):
            episode = make_episode(toy, length, number + 3)
            episode.rows['achieved_goal'][:, 0] = number
            episode.rows['achieved_goal'][:, 1] = np.arange(length + 1)
            episode.rows['desired_goal'] = number, -1
            replay.add(episode)
        assert (len(replay), replay.episodes) == (sum(LENGTHS), len(LENGTHS))
        return replay

    return make


@pytest.mark.parametrize('strategy', ['future', 'final', 'episode', 'random'])
def test_goals_follow_the_exact_distribution_of_their_strategy(replay_of, device, strategy):
    """Of k + 1 samples k are relabelled, and among the goals that may be all are as likely."""
    count, k = 100_000, 3
    replay = replay_of(her_strategy=strategy, her_k=k)
    batch = replay.sample(SampleNoise.random(count, torch.Generator(device).manual_seed(0)))
    number, t = batch.achieved_goal.cpu().long().T.tolist()
    goal_number, goal_index = batch.goal.cpu().long().T.tolist()
    found = Counter(zip(number, t, goal_number, goal_index, strict=True))
    expected = Counter()
    for number, length in enumerate(LENGTHS):
        for t in range(length):
            of_each = count / sum(LENGTHS)
            expected[number, t, number, -1] = of_each / (k + 1)
            goals = goals_for(strategy, number, t)
            for goal in goals:
                expected[number, t, *goal] += of_each * k / (k + 1) / len(goals)
    assert set(found) == set(expected)
    chi_square = sum((found[key] - expected[key]) ** 2 / expected[key] for key in expected)
    # A chi-square of k degrees of freedom has the mean k and the variance 2 k.
    freedom = len(expected) - 1
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5


@pytest.mark.parametrize('strategy', ['future', 'final', 'episode', 'random'])
def test_moves_are_counted_to_later_goals_of_the_same_episode_only(replay_of, device, strategy):
    replay = replay_of(her_strategy=strategy)
    batch = replay.sample(SampleNoise.random(5000, torch.Generator(device).manual_seed(1)))
    number, t = batch.achieved_goal.cpu().long().T
    goal_number, goal_index = batch.goal.cpu().long().T
    is_later = (number == goal_number) & (goal_index > t)
    expected = torch.where(is_later, goal_index - t, 0)
    assert torch.equal(batch.steps_to_goal.cpu(), expected)


def test_candidates_of_a_curriculum_follow_the_strategy(replay_of, device):
    replay = replay_of(her_strategy='episode', curriculum_enabled=True, her_k=1000)
    noise = SampleNoise.random(
        5000, torch.Generator(device).manual_seed(1), NoiseSpec(candidates=3)
    )
    batch = replay.sample(noise)
    number = batch.achieved_goal[:, 0].cpu().long().tolist()
    goals = batch.goal.cpu().long().tolist()
    for own, (goal_number, goal_index) in zip(number, goals, strict=True):
        assert goal_number == own
        assert goal_index == -1 or 1 <= goal_index <= LENGTHS[own]
