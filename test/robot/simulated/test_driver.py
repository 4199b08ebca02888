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

from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model_files import kinematic_model
from her_ros.arms.registry import arm_named
from her_ros.robot.simulated.driver import ArmDriver
import mujoco
import numpy as np
import pytest

TIMESTEP_S = 0.002


@pytest.fixture(scope='module')
def kinematics():
    """Inverse kinematics of the small arm of the package."""
    arm = arm_named('six_joint')
    return InverseKinematics(arm, kinematic_model(arm), 1e-5)


class Follower:
    """Joints that are always at their targets."""

    def __init__(self, kinematics):
        self._chain = kinematics.chain
        self.joints, self.time_s = kinematics.home.copy(), 0.0
        self.driver = ArmDriver(kinematics, self.joints)

        self.down = kinematics.down

    @property
    def tool(self):
        return self._chain.tool_pose(self.joints)[0]

    def run(self, seconds):
        """Let time pass; return the positions of the tool and the speeds of the joints."""
        tools, speeds = [], []
        for _ in range(round(seconds / TIMESTEP_S)):
            self.joints, speed = self.driver.advance(self.joints, self.time_s, TIMESTEP_S)
            self.time_s += TIMESTEP_S
            tools.append(self.tool)
            speeds.append(speed)
        return np.array(tools), np.array(speeds)


@pytest.fixture
def follower(kinematics):
    """Joints at home."""
    return Follower(kinematics)


def test_a_velocity_moves_the_tool_along_a_straight_line_until_it_expires(follower):
    start, velocity = follower.tool, np.array([0.1, 0.3, 0.2])
    follower.driver.move(velocity, 0.0, 0.1)
    tools, _ = follower.run(0.2)
    seconds = np.minimum(np.arange(1, 101) * TIMESTEP_S, 0.1)
    assert np.abs(tools - start - seconds[:, None] * velocity).max() < 2e-4
    assert not follower.driver.commanded(follower.time_s)


def test_a_tool_arrives_in_time_along_a_straight_line(follower):
    start, way = follower.tool, np.array([-0.02, 0.02, 0.03])
    follower.driver.move_tool(start + way, follower.down, 0.0, 0.1)
    tools, _ = follower.run(0.05)
    assert tools[-1] - start == pytest.approx(way / 2, abs=2e-4)
    tools, _ = follower.run(0.15)
    assert tools[-1] - start == pytest.approx(way, abs=2e-4)
    assert (np.abs(np.cross(tools - start, way)) / np.linalg.norm(way)).max() < 2e-4


def test_a_tool_keeps_and_takes_a_tilt_that_is_commanded(follower):
    start, tilt = follower.tool, np.empty(9)
    mujoco.mju_quat2Mat(tilt, np.array([np.cos(0.15), np.sin(0.15), 0.0, 0.0]))  # 0.3 rad
    axes = tilt.reshape(3, 3) @ follower.down
    for way in ([0.0, 0.0, 0.01], [0.0, 0.01, 0.0]):
        follower.driver.move_tool(start + way, axes, follower.time_s, 0.2)
        follower.run(0.25)
        position, found = follower._chain.tool_pose(follower.joints)
        assert position == pytest.approx(start + way, abs=1e-4)
        assert found == pytest.approx(axes, abs=1e-3)


def test_the_last_command_counts(follower):
    start = follower.tool
    follower.driver.move(np.array([0.0, 0.0, 0.5]), 0.0, 1.0)
    follower.run(0.01)
    follower.driver.move_joints(follower.joints, follower.time_s, 0.1)
    follower.run(0.2)
    assert follower.tool == pytest.approx(start + np.array([0.0, 0.0, 0.005]), abs=2e-4)


def test_no_joint_is_faster_than_its_limit(follower, kinematics):
    (limit,) = {*kinematics.description.arm.max_speeds}
    ends = follower.joints + np.array([0.6, -0.3, 0.2, 0.1, 0.0, 1.0])
    follower.driver.move_joints(ends, 0.0, 0.01)
    _, speeds = follower.run(1.0 / limit - 0.01)
    assert np.abs(speeds).max() <= limit + 1e-9
    assert follower.driver.commanded(follower.time_s)
    follower.run(0.05)
    assert follower.joints == pytest.approx(ends, abs=1e-9)
    follower.driver.move(np.array([0.0, 5.0, 0.0]), follower.time_s, 0.1)
    _, speeds = follower.run(0.1)
    assert np.abs(speeds).max() == pytest.approx(limit, rel=0.01)


def test_joints_stay_within_their_limits(follower, kinematics):
    follower.driver.move_joints(np.full(6, 9.0), 0.0, 0.0)
    follower.run(8.0)
    assert follower.joints == pytest.approx(kinematics.chain.upper)


def test_targets_wait_for_joints_that_cannot_follow(kinematics):
    home, driver = kinematics.home, ArmDriver(kinematics, kinematics.home)
    driver.move_joints(home + 1.0, 0.0, 0.5)
    for step in range(500):
        target, _ = driver.advance(home, step * TIMESTEP_S, TIMESTEP_S)
        assert np.abs(target - home).max() < 0.06
    # Nothing has piled up that a motion back would have to undo first.
    driver.move_joints(home - 1.0, 1.0, 0.5)
    for step in range(50):
        target, speed = driver.advance(home, 1.0 + step * TIMESTEP_S, TIMESTEP_S)
    assert (target < home).all()
    assert (speed < 0.0).all()


def test_without_a_command_joints_stay_away_from_home(kinematics):
    joints = kinematics.home + 0.1
    target, speed = ArmDriver(kinematics, joints).advance(joints, 5.0, TIMESTEP_S)
    assert (target == joints).all()
    assert not speed.any()
