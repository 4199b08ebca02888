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
from her_ros.learning.replay.batch import SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.learning.replay.priorities import TdErrorPriorities, trajectory_energy
import numpy as np
import pytest
import torch

COUNT = 100_000


def replay_of(task, device, priority, episodes=(), capacity=200, **parameters):
    chosen = LearnerParameters(replay_capacity=capacity, priority_kind=priority, **parameters)
    replay = Replay(task, chosen, device)
    for episode in episodes:
        replay.add(episode)
    return replay


def sample(replay, device, count=COUNT, updates=0):
    noise = SampleNoise.random(count, torch.Generator(device).manual_seed(0))
    return replay.sample(noise, torch.tensor(updates, dtype=torch.float32, device=device))


def assert_frequencies(found, probabilities, count=COUNT):
    """Compare counts with probabilities that are positive, by chi-square."""
    assert set(found) == set(probabilities)
    chi_square = sum(
        (found[key] - count * p) ** 2 / (count * p) for key, p in probabilities.items()
    )
    # A chi-square of k degrees of freedom has the mean k and the variance 2 k.
    freedom = len(probabilities) - 1
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5


def every_row(replay):
    each = (torch.arange(len(replay), dtype=torch.float64) + 0.5) / len(replay)
    return replay._transitions.pick(each.to(replay._goal.device))


def with_errors(replay, seed=0):
    """Give every stored transition a TD error; return rows and errors."""
    rows = every_row(replay)
    errors = np.random.default_rng(seed).normal(size=len(rows)).astype(np.float32)
    replay.priorities.note(rows, torch.from_numpy(errors).to(rows.device))
    return rows.tolist(), errors


@pytest.mark.parametrize('alpha', [0.0, 0.6, 1.0])
def test_transitions_are_drawn_by_the_power_of_their_td_error(toy, make_episode, device, alpha):
    episodes = [make_episode(toy, length, length) for length in (4, 9, 6)]
    replay = replay_of(toy, device, 'td_error', episodes, priority_alpha=alpha)
    rows, errors = with_errors(replay)
    power = (np.abs(errors.astype(np.float64)) + 1e-6) ** alpha
    found = Counter(sample(replay, device).row.tolist())
    assert_frequencies(found, dict(zip(rows, power / power.sum(), strict=True)))


def test_new_transitions_have_the_highest_priority_there_ever_was(toy, make_episode, device):
    replay = replay_of(toy, device, 'td_error', [make_episode(toy, 5)], priority_alpha=1.0)
    assert replay.priorities._tree.total.item() == 5.0
    rows = every_row(replay)
    for size in (7.0, 2.0):
        replay.priorities.note(rows, torch.full((5,), size, device=device))
    first = replay.add(make_episode(toy, 3, 2))
    weights = replay.priorities._tree.weights[first:][:3].tolist()
    assert weights == pytest.approx([7.0] * 3)


@pytest.mark.parametrize('priority', ['td_error', 'energy'])
def test_only_what_is_stored_is_drawn(toy, make_episode, device, priority):
    """After many turns of the ring, in which episodes of all lengths have come and gone."""
    random = np.random.default_rng(0)
    replay = replay_of(toy, device, priority, capacity=60)
    for number in range(60):
        replay.add(make_episode(toy, int(random.integers(1, 25)), number))
        stored = set(every_row(replay).tolist())
        assert set(sample(replay, device, 2000).row.tolist()) <= stored
        assert set(torch.nonzero(replay.priorities._tree.weights).flatten().tolist()) == stored


def test_importance_weights_make_up_for_the_draw_in_the_end(toy, make_episode, device):
    """At β = 1 the weighted mean of anything is its mean over all that is stored."""
    episodes = [make_episode(toy, length, length) for length in (4, 9, 6)]
    replay = replay_of(toy, device, 'td_error', episodes, priority_beta_updates=10)
    rows, errors = with_errors(replay)
    value = dict(zip(rows, errors**2, strict=True))  # goes with the priority: a bias if any does
    batch = sample(replay, device, updates=10)
    drawn = np.array([value[row] for row in batch.row.tolist()])
    weights = batch.weight.double().cpu().numpy()
    uniform = np.mean([*value.values()])
    # Four deviations of a mean of independent ratios.
    deviation = (weights * (drawn - uniform)).std() / weights.mean() / COUNT**0.5
    assert abs(np.average(drawn, weights=weights) - uniform) < 4 * deviation
    assert abs(drawn.mean() - uniform) > 20 * deviation


@pytest.mark.parametrize(('updates', 'beta'), [(0, 0.4), (5, 0.7), (10, 1.0), (1000, 1.0)])
def test_beta_rises_in_a_straight_line_and_stays_at_one(toy, make_episode, device, updates, beta):
    replay = replay_of(
        toy, device, 'td_error', [make_episode(toy, 2)], priority_alpha=1.0, priority_beta=0.4,
        priority_beta_updates=10,
    )  # fmt: skip
    rows = every_row(replay)
    replay.priorities.note(rows, torch.tensor([1.0, 8.0], device=device))
    batch = sample(replay, device, 1000, updates)
    rare, often = (batch.weight[batch.row == row].tolist() for row in rows)
    # (1/8)^-β and (8/9)^-β have the ratio 8^β; the larger one becomes 1.
    assert set(rare) == {1.0}
    assert often == pytest.approx([8.0**-beta] * len(often), rel=1e-4)


def test_a_restored_state_draws_alike_bit_for_bit(toy, make_episode, device):
    episodes = [make_episode(toy, length, length) for length in (4, 9, 6)]
    one, other = (replay_of(toy, device, 'td_error', episodes) for _ in range(2))
    with_errors(one)
    other.priorities.load_state_dict(one.priorities.state_dict())
    for replay in (one, other):
        replay.add(make_episode(toy, 5, 5))
    batches = [sample(replay, device, 1000) for replay in (one, other)]
    assert torch.equal(batches[0].row, batches[1].row)
    assert torch.equal(batches[0].weight, batches[1].weight)


def test_a_priority_that_is_noted_twice_is_the_higher_one(device):
    priorities = TdErrorPriorities(LearnerParameters(priority_alpha=1.0), 10, device)
    errors = torch.tensor([-3.0, 1.0, 2.0], device=device)
    priorities.note(torch.tensor([4, 7, 4], device=device), errors)
    assert priorities.state_dict()['weights'][[4, 7]].tolist() == pytest.approx([3.0, 1.0])


def test_energy_of_trajectories_by_arithmetic():
    still = np.zeros((5, 3))
    assert trajectory_energy(still, 0.04) == 0.0
    # Lifted by 2 cm in 0.04 s: 9.81 · 0.02 J, and 0.5 · (0.5 m/s)² = 0.125 J of motion.
    lifted = still.copy()
    lifted[2:, 2] = 0.02
    assert trajectory_energy(lifted, 0.04) == pytest.approx(9.81 * 0.02 + 0.125)
    # Lifted more slowly, over two steps: 0.25 m/s are 0.03125 J, gained once.
    slowly = still.copy()
    slowly[2:, 2] = 0.01, 0.02, 0.02
    assert trajectory_energy(slowly, 0.04) == pytest.approx(9.81 * 0.02 + 0.03125)
    # Let down, it loses 9.81 · 0.02 J for 0.125 J of motion: what is lost does not count.
    lowered = still.copy()
    lowered[:, 2] = 0.02, 0.02, 0.0, 0.0, 0.0
    assert trajectory_energy(lowered, 0.04) == 0.0
    # Pushed by 6 cm: 1.5 m/s would be 1.125 J, of which a move counts 0.5 J.
    pushed = still.copy()
    pushed[3:, 0] = 0.06
    assert trajectory_energy(pushed, 0.04) == pytest.approx(0.5)
    # In the plane there is no height, and two positions are two masses.
    assert trajectory_energy(pushed[:, :2], 0.04) == pytest.approx(0.5)
    both = np.concatenate([lifted, slowly], axis=1)
    # Step by step: both rise, then the first rests (0.125 J go) while the second rises on.
    assert trajectory_energy(both, 0.04) == pytest.approx(9.81 * 0.03 + 0.125 + 0.03125)


def test_episodes_are_drawn_by_their_energy_and_their_transitions_alike(
    toy, make_episode, moving, device
):
    """Speeds of 0.05 m in 0.1 s: 0.5 · 0.25 J = 0.125 J; of twice that, 0.5 J."""
    episodes = [
        moving(make_episode(toy, 4, 1), [0, 0, 1, 0, 0]),
        moving(make_episode(toy, 8, 2), [0, 0, 2, 0, 0, 0, 0, 0, 0]),
        moving(make_episode(toy, 2, 3), [0, 0, 0]),
    ]
    energies = [0.125, 0.5, 0.001]
    replay = replay_of(toy, device, 'energy', episodes)
    lengths = [len(episode) for episode in episodes]
    each = np.repeat(np.array(energies) / sum(energies) / lengths, lengths)
    batch = sample(replay, device)
    assert batch.weight is None
    rows = every_row(replay).tolist()
    assert_frequencies(Counter(batch.row.tolist()), dict(zip(rows, each, strict=True)))
