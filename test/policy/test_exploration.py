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

from her_ros.policy.exploration import Exploration, Explorer
import numpy as np
import pytest


def generator(seed=0):
    return np.random.default_rng(seed)


def explored(exploration, actions, seed=0):
    """Explore on the first step of as many episodes as there are actions."""
    explorer = Explorer(exploration, actions.shape[1], generator(seed))
    env = np.arange(len(actions), dtype=np.uint32)
    return explorer.explore(actions, env, np.ones(len(env), bool))


def test_noise_has_its_standard_deviation_before_clipping():
    """Around zero and far from the limits, clipping changes nothing."""
    result = explored(Exploration(0.1, 0.0), np.zeros((20_000, 4), np.float32))
    count = result.size
    assert np.abs(result).max() < 1  # ten deviations away
    # The mean of n numbers deviates by std / sqrt(n), their deviation by std / sqrt(2 n).
    assert abs(result.mean()) < 4 * 0.1 / count**0.5
    assert abs(result.std() - 0.1) < 4 * 0.1 / (2 * count) ** 0.5
    # Of a normal distribution 68.27 % lie within one deviation, 95.45 % within two.
    for deviations, share in ((1, 0.6827), (2, 0.9545)):
        inside = (np.abs(result) < deviations * 0.1).mean()
        assert abs(inside - share) < 4 * (share * (1 - share) / count) ** 0.5


def test_every_component_has_noise_of_its_own():
    result = explored(Exploration(0.1, 0.0), np.zeros((20_000, 4), np.float32))
    correlations = np.corrcoef(result.T) - np.eye(4)
    assert np.abs(correlations).max() < 4 / 20_000**0.5


def test_noisy_actions_are_clipped_not_wrapped():
    result = explored(Exploration(0.2, 0.0), np.ones((20_000, 2), np.float32))
    assert result.max() == 1
    # Half of the noise points outwards.
    assert abs((result == 1).mean() - 0.5) < 4 * 0.5 / 40_000**0.5
    assert result.min() > -1


@pytest.mark.parametrize('probability', [0.0, 0.3, 1.0])
def test_a_share_of_the_actions_is_uniformly_random_as_a_whole(probability):
    count = 20_000
    actions = np.full((count, 3), 0.5, np.float32)
    result = explored(Exploration(0.0, probability), actions)
    replaced = result != actions
    np.testing.assert_array_equal(replaced.any(1), replaced.all(1))
    deviation = (probability * (1 - probability) / count) ** 0.5
    assert abs(replaced.any(1).mean() - probability) <= 4 * deviation


def test_random_actions_are_uniform_over_the_whole_range():
    nothing_known = np.arange(50_000, dtype=np.uint32)
    explorer = Explorer(Exploration(0.2, 0.3), 2, generator())
    actions = explorer.explore(None, nothing_known, np.ones(50_000, bool))
    assert np.abs(actions).max() <= 1
    counts, _ = np.histogram(actions, np.linspace(-1, 1, 21))
    expected = actions.size / 20
    chi_square = ((counts - expected) ** 2 / expected).sum()
    # A chi-square of k degrees of freedom has the mean k and the variance 2 k.
    assert abs(chi_square - 19) < 4 * (2 * 19) ** 0.5


def test_what_is_given_is_not_changed_and_the_result_is_float32():
    actions = np.full((10, 4), 0.5, np.float32)
    result = explored(Exploration(0.2, 0.3), actions)
    assert result.dtype == np.float32
    assert result.shape == (10, 4)
    assert (actions == 0.5).all()


def test_exploration_follows_its_generator():
    actions, exploration = np.zeros((10, 4), np.float32), Exploration(0.2, 0.3)
    first = explored(exploration, actions)
    np.testing.assert_array_equal(explored(exploration, actions), first)
    assert (explored(exploration, actions, seed=1) != first).all()


@pytest.mark.parametrize('hold_steps', [1, 2, 5])
@pytest.mark.parametrize('probability', [0.3, 1.0])
def test_random_actions_are_held_and_keep_their_share(hold_steps, probability):
    envs, steps = 200, 500
    explorer = Explorer(Exploration(0.0, probability, hold_steps), 2, generator())
    env, actions = np.arange(envs, dtype=np.uint32), np.zeros((envs, 2), np.float32)
    begins = np.zeros(envs, bool)
    series = np.stack([explorer.explore(actions, env, begins) for _ in range(steps)])
    random = (series != 0).all(-1)
    # Runs of equal random actions are as long as asked for, but for those the end cuts.
    changes = np.any(series[1:] != series[:-1], axis=-1)
    for one, each in zip(random.T, changes.T, strict=True):
        edges = np.flatnonzero(each) + 1
        runs = [r for r in np.split(one, edges)[:-1] if r[0]]
        assert {len(r) for r in runs} == {hold_steps}
    # Held actions count as one draw each.
    deviation = (probability * (1 - probability) * hold_steps / random[50:].size) ** 0.5
    assert abs(random[50:].mean() - probability) <= 5 * deviation


def test_nothing_is_held_into_the_next_episode_nor_by_another_environment():
    explorer = Explorer(Exploration(0.0, 0.5, 100), 3, generator())
    begins = np.ones(2, bool)
    first = explorer.explore(None, np.array([4, 7], np.uint32), begins)
    again = explorer.explore(None, np.array([7, 4], np.uint32), ~begins)
    np.testing.assert_array_equal(again, first[::-1])
    new = explorer.explore(None, np.array([4, 7], np.uint32), np.array([True, False]))
    assert (new[0] != first[0]).all()
    np.testing.assert_array_equal(new[1], first[1])
