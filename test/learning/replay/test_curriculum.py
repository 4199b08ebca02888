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

import dataclasses

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.replay.batch import NoiseSpec, SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.learning.replay.curriculum import Curriculum, select
import numpy as np
import pytest
import torch

WEIGHTS = (0.0, 1.0, 10.0, 1e6)


@pytest.fixture
def goals(device):
    """Four candidates for each of 128 transitions, and goals far from most of them."""
    random = np.random.default_rng(0)
    # Three in four are in one place: covering the rest takes a choice.
    candidates = random.normal(scale=0.02, size=(4, 128, 3))
    candidates[random.random((4, 128)) < 0.25] += random.normal(size=3)
    candidates += random.normal(scale=0.2, size=candidates.shape) * (
        random.random((4, 128, 1)) < 0.2
    )
    desired = random.uniform(-0.5, 0.5, (128, 3))
    return torch.from_numpy(candidates).to(device), torch.from_numpy(desired).to(device)


def select_by(goals, weight):
    candidates, desired = goals
    return select(candidates, desired, torch.tensor(weight, device=desired.device))


def distance_to_desired(goals, chosen):
    candidates, desired = goals
    distance = (candidates - desired).norm(dim=-1)
    return distance.gather(0, chosen[None])[0]


def uncovered(goals, chosen):
    """Return the mean distance from all candidates to the nearest of the chosen."""
    candidates, _ = goals
    picked = candidates.gather(0, chosen[None, :, None].expand(1, -1, 3))[0]
    return torch.cdist(candidates.flatten(0, 1), picked).amin(1).mean().item()


def test_the_more_proximity_weighs_the_nearer_are_the_goals(goals):
    distances = [distance_to_desired(goals, select_by(goals, w)).mean().item() for w in WEIGHTS]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 1.1 * distances[-1]


def test_in_the_end_each_transition_gets_its_nearest_candidate(goals):
    candidates, desired = goals
    found = distance_to_desired(goals, select_by(goals, WEIGHTS[-1]))
    torch.testing.assert_close(found, (candidates - desired).norm(dim=-1).amin(0))


def test_however_long_it_trains_the_nearest_candidates_stay_chosen(goals):
    candidates, desired = goals
    curriculum = Curriculum(LearnerParameters(curriculum_doubling_updates=1.0))
    chosen = curriculum.choose(candidates, desired, torch.tensor(1e7, device=desired.device))
    found = distance_to_desired(goals, chosen)
    torch.testing.assert_close(found, (candidates - desired).norm(dim=-1).amin(0))


def test_at_first_the_goals_cover_more_than_chance_and_than_the_nearest_do(goals):
    candidates, _ = goals
    chance = [
        uncovered(goals, torch.from_numpy(np.random.default_rng(s).integers(4, size=128)).to(
            candidates.device
        ))
        for s in range(20)
    ]  # fmt: skip
    diverse = uncovered(goals, select_by(goals, 0.0))
    assert diverse < min(chance)
    assert diverse < uncovered(goals, select_by(goals, WEIGHTS[-1]))


def test_the_first_choices_are_those_of_greedy_selection(device):
    """With sixteen transitions no two are chosen at once: the literal loop says the same."""
    random = np.random.default_rng(3)
    candidates, desired = random.normal(size=(5, 16, 2)), random.normal(size=(16, 2))

    def distance(one, other):
        return np.linalg.norm(one - other, axis=-1)

    to_cover = candidates[0]
    widest = max(distance(goal, to_cover).max() for goal in candidates.reshape(-1, 2))
    farthest = distance(candidates, desired).max()
    covered, expected = np.zeros(16), []
    for i in range(16):
        scores = []
        for goal in candidates[:, i]:
            gain = np.maximum(1 - distance(goal, to_cover) / widest - covered, 0).sum()
            scores.append(2.5 * (1 - distance(goal, desired[i]) / farthest) + gain)
        expected.append(int(np.argmax(scores)))
        alike = 1 - distance(candidates[expected[-1], i], to_cover) / widest
        covered = np.maximum(covered, alike)
    tensors = [torch.from_numpy(each).to(device) for each in (candidates, desired)]
    assert select(*tensors, torch.tensor(2.5, device=device)).tolist() == expected


@pytest.mark.parametrize(('updates', 'expected'), [(0, 0.5), (100, 1.0), (200, 2.0), (350, 5.657)])
def test_the_weight_of_proximity_grows_exponentially(updates, expected):
    parameters = LearnerParameters(curriculum_weight=0.5, curriculum_doubling_updates=100.0)
    weight = Curriculum(parameters).proximity_weight(torch.tensor(float(updates)))
    assert weight.item() == pytest.approx(expected, rel=1e-3)


def test_later_in_training_goals_are_nearer_to_the_desired_ones(toy, make_episode, device):
    chosen = LearnerParameters(
        replay_capacity=2000,
        curriculum_enabled=True,
        curriculum_weight=1e-6,
        curriculum_doubling_updates=10.0,
        her_k=1000,
    )
    replay = Replay(toy, chosen, device)
    random = np.random.default_rng(0)
    for number in range(20):
        episode = make_episode(toy, 50, number)
        for name in ('achieved_goal', 'desired_goal'):
            episode.rows[name] = random.uniform(-1, 1, episode.rows[name].shape)
        replay.add(episode)
    noise = SampleNoise.random(
        500, torch.Generator(device).manual_seed(0), NoiseSpec(candidates=4)
    )
    own = replay._last_state_row.index_select(0, replay.sample(noise).row).long() + 1
    desired = replay._goal.index_select(0, own)
    distances = []
    for updates in (0.0, 300.0):
        goal = replay.sample(noise, torch.tensor(updates, device=device)).goal
        distances.append((goal - desired).norm(dim=-1).mean().item())
    plain = dataclasses.replace(noise, candidates=None)
    distances.append((replay.sample(plain).goal - desired).norm(dim=-1).mean().item())
    at_first, later, by_chance = distances
    # The nearest of up to four; at first goals are chosen for what they cover. Those lie in the
    # middle rather than at the edge, so they are somewhat nearer than by chance.
    assert later < 0.75 * at_first
    assert 0.7 * by_chance < at_first < by_chance


def test_all_goals_in_one_place_are_no_trouble(device):
    candidates, desired = torch.zeros(3, 20, 3, device=device), torch.zeros(20, 3, device=device)
    assert select(candidates, desired, torch.ones((), device=device)).tolist() == [0] * 20
