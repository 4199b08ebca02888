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
from her_ros.robot.bridge.arm_commands import ArmCommands
from her_ros.robot.bridge.units import TwistUnits
from her_ros.robot.frames import task_frames
from her_ros.robot.kinematics import task_kinematics
from her_ros.tasks.registry import task_named, TASKS
import numpy as np
import pytest


def commands(task, **parameters):
    task = TASKS[task] if isinstance(task, str) else task
    p = RobotBridgeParameters(**parameters)
    frames = task_frames(task, p)
    kinematics = task_kinematics(task, frames.base)
    units = TwistUnits(p, frames)
    return ArmCommands(task, kinematics, units, p.command_full_action_speed_mps)


def test_a_full_action_has_the_full_speed():
    made = commands('FetchReach', command_full_action_speed_mps=0.2)
    command = made.acting(np.array([1.0, -0.5, 0.0, 1.0], np.float32))
    assert command.velocity == pytest.approx([0.2, -0.1, 0.0])
    assert command.fingers == pytest.approx([0.0, 0.0], abs=1e-3)  # training holds them closed


@pytest.mark.parametrize('make', ['acting', 'homing'])
def test_the_tool_is_not_faster_than_its_limit(make):
    made = commands(task_named('Reach', 'six_joint'))
    wanted = np.ones(4 if make == 'acting' else 3, np.float32)
    assert getattr(made, make)(wanted).velocity == pytest.approx(np.full(3, 3**-0.5))
    # One axis alone is within the limit, and a full action of the Fetch along all three is.
    assert made.homing(np.array([0.0, 0.83, 0.0])).velocity[1] == pytest.approx(0.83)
    assert commands('FetchReach').acting(np.ones(4)).velocity == pytest.approx([0.83] * 3)


def test_standing_keeps_the_opening_of_the_gripper():
    made = commands('FetchPickAndPlace')
    opened = made.acting(np.array([0.0, 0.0, 0.0, 1.0], np.float32)).fingers
    assert opened == pytest.approx([0.05, 0.05])
    standing = made.standing()
    assert not standing.velocity.any()
    np.testing.assert_array_equal(standing.fingers, opened)
    assert made.homing(np.ones(3)).fingers == pytest.approx([0.0, 0.0], abs=1e-3)
