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

from her_ros.analysis.disturbed import disturbed_results, STRENGTHS
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.tasks.disturbances import parse_disturbances
from her_ros.tasks.registry import TASKS
import numpy as np

REACH = TASKS['FetchReach']


class Straight:
    """Moves the gripper as it is seen straight to the goal."""

    version = 1

    def act(self, observation, achieved_goal, desired_goal):
        actions = np.zeros((len(observation), 4), np.float32)
        actions[:, :3] = np.clip(10 * (desired_goal - achieved_goal), -1, 1)
        return actions


def test_each_disturbance_alone_and_all_together_at_three_strengths():
    # A biased base moves what is seen by up to 7 cm, beyond the tolerance of 5 cm.
    asked = parse_disturbances('base_position_m:2,base_yaw_deg:2,lost_share')
    protocol = EvaluationProtocol(episodes=6, num_envs=4, threads=1)
    found = {row.name: row for row in disturbed_results(Straight(), REACH, asked, protocol, 6)}
    assert [*found] == ['none', *asked.strengths, 'all together']
    assert found['none'].successes == (6,) * len(STRENGTHS)
    assert found['lost_share'].successes[1] == 6
    assert found['all together'].successes[2] < 6
    name, half, *_ = found['none'].cells()
    # Wilson's interval of 6 successes in 6 trials ends at 6 / (6 + 1.96²).
    assert (name, half) == ('none', '1.000 (0.610 … 1.000)')


def test_greater_errors_of_what_is_seen_cost_more_successes():
    asked = parse_disturbances('base_yaw_deg:2,base_position_m:2')
    protocol = EvaluationProtocol(episodes=8, num_envs=8, threads=1)
    *_, together = disturbed_results(Straight(), REACH, asked, protocol, 8)
    assert together.successes[0] == 8
    assert together.successes[2] < 8
