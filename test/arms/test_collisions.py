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

from her_ros.arms.collisions import CollisionChecker
from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model_files import kinematic_model
from her_ros.arms.registry import arm_named
import numpy as np
import pytest


@pytest.fixture(scope='module')
def checker():
    arm = arm_named('six_joint')
    return CollisionChecker(arm, arm.arm.joints)


def test_at_home_nothing_touches(checker):
    assert checker.contacts(np.array(arm_named('six_joint').arm.home)) == []


def test_links_that_meet_and_the_table_are_found(checker):
    arm = arm_named('six_joint')
    ik = InverseKinematics(arm, kinematic_model(arm))
    low = ik.solve(arm.arm.home, [0.5, 0.0, 0.1])
    low = ik.solve(low, [0.5, 0.0, -0.01])
    assert 'left_finger touches the table' in {each.bodies for each in checker.contacts(low)}
    # The forearm is folded back until the hand meets shoulder or base.
    folded = checker.contacts(np.array([0.0, -0.5, 2.85, 0.9, 0.0, 0.0]))
    assert folded
    assert all(each.depth > 1e-3 for each in folded)
    assert not any('the table' in each.bodies for each in folded)
