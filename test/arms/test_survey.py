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

from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model_files import kinematic_model
from her_ros.arms.registry import arm_named
from her_ros.arms.survey import _speeds, full_action_speed, reach, reached, survey, tilt
import numpy as np
import pytest

PERIOD_S = 1e-4


@pytest.fixture(scope='module')
def ik():
    arm = arm_named('six_joint')
    return InverseKinematics(arm, kinematic_model(arm))


def test_a_full_action_of_that_speed_brings_a_joint_to_its_limit(ik):
    home = np.array(ik.description.arm.home)
    speed = full_action_speed(ik, home[None])[0]
    changes = []
    for corner in ([1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]):
        moved = ik.chain.tool_pose(home)[0] + speed * PERIOD_S * np.array(corner)
        change = ik.chain.tool_state(home).jacobian
        joints = np.linalg.solve(change, np.r_[moved - ik.chain.tool_pose(home)[0], 0, 0, 0])
        np.testing.assert_allclose(ik.chain.tool_pose(home + joints)[0], moved, atol=1e-6)
        changes.append(np.abs(joints).max() / PERIOD_S)
    assert max(changes) == pytest.approx(ik.description.arm.max_speeds[0], rel=1e-3)


def test_the_arm_reaches_as_far_as_its_links(ik):
    nearest, farthest = reach(ik)
    # Shoulder at a height of 0.3 m, links of 0.5 and 0.45 m, wrist 0.19 m above the tool.
    height = farthest[2] + 0.19 - 0.3
    assert farthest[0] == pytest.approx(np.sqrt(0.95**2 - height**2), abs=0.015)
    assert nearest[0] < ik.description.workspace.low[0]


def test_points_beyond_the_reach_are_not_reached(ik):
    far = dataclasses.replace(ik.description.workspace, high=(1.2, 0.22, 0.48))
    wide = InverseKinematics(
        dataclasses.replace(ik.description, workspace=far), kinematic_model(ik.description)
    )
    found = survey(wide)
    distance = np.linalg.norm(found.points - [0.0, 0.0, 0.3 - 0.19], axis=-1)
    np.testing.assert_array_equal(found.reached, distance < 0.95)
    assert found.manipulability[found.reached].min() > 0.01


def test_a_tilted_tool_has_not_reached(ik):
    home = np.array(ik.description.arm.home)
    turned = home + np.array([0, 0, 0, 0, 0, 0.1])
    position, rotation = ik.chain.tool_pose(np.stack([home, turned]))
    np.testing.assert_allclose(tilt(ik, rotation), [0.0, 0.1], atol=1e-3)
    assert reached(ik, np.stack([home, turned]), position).tolist() == [True, False]


def test_the_speed_along_an_axis_is_zero_where_the_joints_cannot_move_the_tool_so(ik):
    assert survey(ik).axis_speed.shape == (125, 3)
    # With all links upright, no joint moves the tool up or down.
    home, upright = np.array(ik.description.arm.home), np.zeros(6)
    at_home, up = _speeds(ik, np.stack([home, upright]), np.eye(3))
    assert (at_home > 0.1).all()
    assert up[2] == 0.0
