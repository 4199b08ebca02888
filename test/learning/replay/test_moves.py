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

from her_ros.learning.replay.moves import moves_on
import numpy as np
import pytest


@pytest.mark.parametrize(
    ('steps', 'expected'),
    [
        ([0, 0, 0, 0.9], [0, 0, 0, 0]),
        ([0, 0, 1.1, 0], [1, 1, 0, 0]),
        ([0, 0.6, 0.6, 0], [1, 0, 0, 0]),  # each move within the tolerance, both together not
        ([0, 2, -2, 0], [1, 1, 0, 0]),  # there and back
        ([0, 0.6, -1.2, 0.6], [0, 1, 0, 0]),
    ],
)
def test_states_after_which_the_achieved_goal_gets_away(
    toy, make_episode, moving, steps, expected
):
    episode = moving(make_episode(toy, 3), steps)
    assert moves_on(episode.achieved_goal, toy).tolist() == [bool(each) for each in expected]


@pytest.mark.parametrize('length', [1, 255, 256, 257, 600])
def test_long_episodes_are_looked_at_block_by_block(toy, make_episode, moving, length):
    random = np.random.default_rng(length)
    episode = moving(make_episode(toy, length), random.normal(scale=0.1, size=length + 1))
    goals = episode.achieved_goal
    literal = [
        bool((np.linalg.norm(goals[t:][1:] - goals[t], axis=-1) >= 0.05).any())
        for t in range(length + 1)
    ]
    assert moves_on(goals, toy).tolist() == literal
