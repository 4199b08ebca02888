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

from her_ros.arms.placement import placement_of
from her_ros.robot.bridge.measured_tool import MeasuredTool
from her_ros.robot.frames import Pose
from her_ros.robot.kinematics import ArmKinematics, task_kinematics
from her_ros.robot.tool import turned_towards
from her_ros.tasks.registry import task_named
import mujoco
import numpy as np
import pytest

SMALL = task_named('PickAndPlace', 'six_joint')
#: of its joints, rad
TILT = np.array([0.2, 0, 0, 0, 0.15, 0, 0, 0])
#: turned by a quarter to the left
TURNED = Pose.of('base', (1.0, 2.0, 0.3), (0.0, 0.0, 0.7071067811865476, 0.7071067811865476))


def measured(arm, joints, speeds):
    """Return an arm and a measured tool of the same state; the latter without a model."""
    description = dataclasses.replace(arm.description, model=None)
    tool = MeasuredTool(description, arm._base, 'current_pose', velocity_window_s=0.03)
    arm.update(joints, speeds)
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, arm.grip_rotation.ravel())
    for before_s in (0.01, 0.0):
        position = arm.grip_position - before_s * arm.grip_velocity
        tool.take_pose(Pose(position, quaternion), 1.0 - before_s)
    tool.update(joints[6:], speeds[6:])
    return tool


@pytest.mark.parametrize('base', [None, TURNED], ids=['as in training', 'turned'])
def test_a_measured_tool_is_where_the_joints_say_and_is_displaced_alike(base):
    description = placement_of(SMALL).description
    arm = task_kinematics(SMALL) if base is None else ArmKinematics(description, base)
    generator = np.random.default_rng(0)
    for _ in range(5):
        joints = arm.positions + generator.uniform(-0.05, 0.05, 8)
        tool = measured(arm, joints, generator.uniform(-1.0, 1.0, 8) * [*[1.0] * 6, 0.1, 0.1])
        for name in ('grip_position', 'grip_velocity', 'finger_position'):
            assert getattr(tool, name) == pytest.approx(getattr(arm, name), abs=1e-12), name
        way = generator.uniform(-0.3, 0.3, 3)
        assert tool.within_workspace(way) == pytest.approx(arm.within_workspace(way))
        after = tool.pose_after(way)
        assert after.position == pytest.approx(arm.pose_after(way).position)
        assert after.rotation == pytest.approx(arm.pose_after(way).rotation, abs=1e-9)
        assert tool.gripper_joints(np.array([0.03, 0.02])) == pytest.approx([0.02, 0.03])
    assert tool.joint_names == ('right_finger', 'left_finger')


@pytest.mark.parametrize('base', [None, TURNED], ids=['as in training', 'turned'])
def test_a_tilted_tool_keeps_its_pose_without_a_displacement(base):
    description = placement_of(SMALL).description
    arm = task_kinematics(SMALL) if base is None else ArmKinematics(description, base)
    tool = measured(arm, arm.positions + TILT, np.zeros(8))
    for each in (arm, tool):
        pose = each.pose_after(np.zeros(3))
        assert arm._base.rotation @ pose.rotation == pytest.approx(arm.grip_rotation, abs=1e-9)
        there = arm._base.position + arm._base.rotation @ pose.position
        assert there == pytest.approx(arm.grip_position, abs=1e-12)


def test_a_tilted_tool_turns_by_4_rad_per_metre_at_the_most():
    arm = task_kinematics(SMALL)
    arm.update(arm.positions + TILT * [0, 1, 1, 1, 1, 1, 1, 1], np.zeros(8))
    present, down = arm.pose_after(np.zeros(3)), arm.pose_after([0.0, 0.0, 1.0])
    tilt = angle(present, down)
    assert tilt == pytest.approx(0.15, abs=0.01)
    assert np.array(arm.description.tool.down_quaternion) == pytest.approx(down.quaternion)
    part = arm.pose_after([0.0, 0.01, 0.0])
    assert angle(present, part) == pytest.approx(0.04)
    assert angle(part, down) == pytest.approx(tilt - 0.04)


def test_an_orientation_is_reached_exactly_by_the_shortest_way():
    one, two = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0, 0.0])
    assert turned_towards(one, two, 4.0) == pytest.approx(two)
    assert turned_towards(one, one, 0.0) == pytest.approx(one)
    half = turned_towards(one, two, np.pi / 2)
    assert half == pytest.approx([0.5**0.5, 0.5**0.5, 0.0, 0.0])
    assert turned_towards(one, -half, np.pi / 4)[0] == pytest.approx(np.cos(np.pi / 8))


def angle(one, two):
    """Return the angle between the orientations of two poses, rad."""
    return 2 * np.arccos(min(1.0, abs(one.quaternion @ two.quaternion)))
