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

import math

from her_ros.learning.training.bit_flipping import (
    bit_flipping,
    BitFlippingTraining,
    learning_parameters,
    roll_out,
)
import numpy as np
import pytest


def first_wrong(bits, goal):
    return (bits != goal).argmax(-1)


def test_an_action_flips_one_bit_and_the_reward_asks_for_all():
    task, random = bit_flipping(6), np.random.default_rng(0)

    def anything(bits, goal):
        return random.integers(6, size=len(bits))

    episodes = roll_out(task, anything, 200, random)
    assert {episode.is_success for episode in episodes} == {False, True}
    for episode in episodes:
        episode.check(task)
        bits = episode.observation
        assert np.array_equal(bits, episode.achieved_goal)
        assert set(np.unique(bits)) == {-1, 1}
        flipped = bits[1:] != bits[:-1]
        assert np.array_equal(flipped, episode.action == 1)
        assert (flipped.sum(1) == 1).all()
        same = (bits[1:] == episode.desired_goal).all(1)
        assert np.array_equal(episode.reward, same - 1.0)


def test_an_episode_ends_with_its_goal_or_after_as_many_steps_as_bits():
    task = bit_flipping(8)
    for episode in roll_out(task, first_wrong, 100, np.random.default_rng(0)):
        wrong = (episode.observation[0] != episode.desired_goal).sum()
        assert episode.is_success
        assert len(episode) == wrong
        assert episode.terminated.tolist() == [False] * (wrong - 1) + [True]
    never = roll_out(task, lambda bits, _: np.zeros(len(bits), int), 100, np.random.default_rng(0))
    failed = [episode for episode in never if not episode.is_success]
    assert len(failed) > 50
    for episode in failed:
        assert len(episode) == 8
        assert not episode.terminated.any()
        assert episode.rows['truncated'][-1] == 1


def test_two_trainings_of_one_seed_are_the_same():
    trained = []
    for seed in (0, 0, 1):
        training = BitFlippingTraining(6, learning_parameters(hindsight=True, seed=seed))
        training.cycle()
        trained.append(training.agent.online[0].detach().numpy())
    assert np.array_equal(trained[0], trained[1])
    assert not np.array_equal(trained[0], trained[2])


@pytest.mark.parametrize('hindsight', [True, False])
def test_fifteen_bits_need_hindsight(hindsight):
    """Section 3.1 of the HER paper, figure 1; both get as many episodes and updates."""
    training = BitFlippingTraining(15, learning_parameters(hindsight))
    *_, last = training.run(math.inf, cycles=60, enough=0.95)
    assert last.success > 0.9 if hindsight else last.success < 0.2
