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

from her_ros.wire.rows import step_dtype
from her_ros.wire.step_rows import fill_move, fill_state
import numpy as np


def test_rows_say_state_move_reward_and_success_and_nothing_else(toy):
    generator = np.random.default_rng(0)
    rows = np.zeros(3, step_dtype(toy))
    observation = generator.normal(size=rows['observation'].shape)
    achieved = generator.normal(size=(3, toy.goal_size))
    action = generator.uniform(-1, 1, rows['action'].shape).astype(np.float32)
    fill_state(rows, observation, achieved, achieved[0])
    assert all(not rows[name].any() for name in ('action', 'policy_version', 'reward'))
    fill_move(rows, toy, action, [4, 5, 6])
    np.testing.assert_array_equal(rows['observation'], observation)
    np.testing.assert_array_equal(rows['achieved_goal'], achieved)
    np.testing.assert_array_equal(rows['desired_goal'], achieved[[0, 0, 0]])
    np.testing.assert_array_equal(rows['action'], action)
    assert rows['policy_version'].tolist() == [4, 5, 6]
    assert rows['reward'].tolist() == [0, -1, -1]
    assert rows['is_success'].tolist() == [1, 0, 0]
    for name in ('session', 'env', 'episode', 'step', 'terminated', 'truncated'):
        assert not rows[name].any()
