import numpy as np
import pytest

from her_ros.deploy.exploration import Exploration, random_actions


def generator(seed=0):
    return np.random.default_rng(seed)


def test_noise_has_its_standard_deviation_before_clipping():
    """Around zero and far from the limits, clipping changes nothing."""
    explored = Exploration(0.1, 0.0)(np.zeros((20_000, 4), np.float32), generator())
    count = explored.size
    assert np.abs(explored).max() < 1  # ten deviations away
    # The mean of n numbers deviates by std / sqrt(n), their deviation by std / sqrt(2 n).
    assert abs(explored.mean()) < 4 * 0.1 / count**0.5
    assert abs(explored.std() - 0.1) < 4 * 0.1 / (2 * count) ** 0.5
    # Of a normal distribution 68.27 % lie within one deviation, 95.45 % within two.
    for deviations, share in ((1, 0.6827), (2, 0.9545)):
        inside = (np.abs(explored) < deviations * 0.1).mean()
        assert abs(inside - share) < 4 * (share * (1 - share) / count) ** 0.5


def test_every_component_has_noise_of_its_own():
    explored = Exploration(0.1, 0.0)(np.zeros((20_000, 4), np.float32), generator())
    correlations = np.corrcoef(explored.T) - np.eye(4)
    assert np.abs(correlations).max() < 4 / 20_000**0.5


def test_noisy_actions_are_clipped_not_wrapped():
    explored = Exploration(0.2, 0.0)(np.ones((20_000, 2), np.float32), generator())
    assert explored.max() == 1
    # Half of the noise points outwards.
    assert abs((explored == 1).mean() - 0.5) < 4 * 0.5 / 40_000**0.5
    assert explored.min() > -1


@pytest.mark.parametrize('probability', [0.0, 0.3, 1.0])
def test_a_share_of_the_actions_is_uniformly_random_as_a_whole(probability):
    count = 20_000
    actions = np.full((count, 3), 0.5, np.float32)
    explored = Exploration(0.0, probability)(actions, generator())
    replaced = explored != actions
    np.testing.assert_array_equal(replaced.any(1), replaced.all(1))
    deviation = (probability * (1 - probability) / count) ** 0.5
    assert abs(replaced.any(1).mean() - probability) <= 4 * deviation


def test_random_actions_are_uniform_over_the_whole_range():
    actions = random_actions((50_000, 2), generator())
    assert np.abs(actions).max() <= 1
    counts, _ = np.histogram(actions, np.linspace(-1, 1, 21))
    expected = actions.size / 20
    chi_square = ((counts - expected) ** 2 / expected).sum()
    # A chi-square of k degrees of freedom has the mean k and the variance 2 k.
    assert abs(chi_square - 19) < 4 * (2 * 19) ** 0.5


def test_what_is_given_is_not_changed_and_the_result_is_float32():
    actions = np.full((10, 4), 0.5, np.float32)
    explored = Exploration(0.2, 0.3)(actions, generator())
    assert explored.dtype == np.float32
    assert explored.shape == (10, 4)
    assert (actions == 0.5).all()


def test_exploration_follows_its_generator():
    actions, exploration = np.zeros((10, 4), np.float32), Exploration(0.2, 0.3)
    first = exploration(actions, generator())
    np.testing.assert_array_equal(exploration(actions, generator()), first)
    assert (exploration(actions, generator(1)) != first).all()
