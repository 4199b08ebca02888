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

from her_ros.learning.replay.batch import NoiseSpec, SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.tasks.registry import TASKS
from her_ros.tasks.symmetry import SymmetryError
import numpy as np
import pytest
import torch

PUSH = TASKS['FetchPush']
OFFSET_M = 0.1


@pytest.fixture
def replay(make_episode, parameters, device):
    chosen = parameters(her_goal_offset_m=OFFSET_M, her_k=4, her_past_goal_k=2)
    replay = Replay(PUSH, chosen, device)
    for number in range(10):
        replay.add(make_episode(PUSH, 10, number))
    return replay


def test_half_of_the_hindsight_goals_are_moved_and_rewarded_as_moved(replay, device):
    spec = NoiseSpec(goal_offsets=True)
    assert replay.noise_spec == spec
    noise = SampleNoise.random(4000, torch.Generator(device).manual_seed(0), spec)
    found = replay.sample(noise)
    plain = replay.sample(dataclasses.replace(noise, goal_offset=None))
    is_hindsight = noise.relabel < 4 / 7
    whether, x, y = noise.goal_offset
    is_moved = is_hindsight & (whether < 0.5)
    offset = torch.stack((2 * x - 1, 2 * y - 1, torch.zeros_like(x)), 1) * OFFSET_M
    expected = torch.where(is_moved[:, None], plain.goal + offset, plain.goal)
    torch.testing.assert_close(found.goal, expected, rtol=0, atol=1e-15)
    assert 0.45 < is_moved.sum() / is_hindsight.sum() < 0.55
    distance = np.linalg.norm((found.next_achieved_goal - found.goal).cpu().numpy(), axis=1)
    assert np.array_equal(
        found.reward.cpu().numpy(), -(distance > PUSH.goal_tolerance_m).astype('f4')
    )
    # To a goal that was moved, no number of moves is known to lead.
    assert torch.equal(found.steps_to_goal, torch.where(is_moved, 0, plain.steps_to_goal))
    for name in ('observation', 'action', 'next_observation', 'achieved_goal'):
        assert torch.equal(getattr(found, name), getattr(plain, name)), name


def test_only_positions_can_be_moved(toy, parameters):
    with pytest.raises(
        SymmetryError, match=r'her\.goal_offset_m is 0\.1, but the goals of task Toy'
    ):
        Replay(toy, parameters(her_goal_offset_m=0.1))
