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

from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.robot.bridge.deadlines import Deadlines
import pytest


@pytest.fixture
def deadlines():
    return Deadlines(RobotBridgeParameters(timeout_policy_s=0.5, timeout_goal_s=2.0))


def test_what_never_happened_is_overdue_but_a_goal(deadlines):
    assert deadlines.stood_still(100.0)
    assert deadlines.silent(100.0)
    assert not deadlines.expired(100.0, 'the policy')


def test_each_deadline_counts_from_its_own_event(deadlines):
    deadlines.tick(100.0)
    deadlines.answer(100.25)
    deadlines.goal(100.5)
    assert not deadlines.stood_still(100.5)
    assert deadlines.stood_still(100.75) == 'the bridge itself stood still for 0.8 s'
    assert not deadlines.silent(100.75)
    assert deadlines.silent(101.25) == 'the policy answered nothing for 1.0 s'
    assert not deadlines.expired(102.5, 'the robot')
    text = 'the goal expired, the robot was not ready for 2 s'
    assert deadlines.expired(102.75, 'the robot') == text
