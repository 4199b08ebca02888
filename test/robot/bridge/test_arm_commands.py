import numpy as np
import pytest

from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.robot.bridge.arm_commands import ArmCommands
from her_ros.robot.bridge.units import TwistUnits
from her_ros.robot.frames import task_frames
from her_ros.robot.kinematics import task_kinematics
from her_ros.tasks.registry import TASKS


def commands(task, **parameters):
    p = RobotBridgeParameters(**parameters)
    frames = task_frames(TASKS[task], p)
    kinematics = task_kinematics(TASKS[task], frames.base)
    units = TwistUnits(p, frames)
    return ArmCommands(TASKS[task], kinematics, units, p.command_full_action_speed_mps)


def test_a_full_action_has_the_full_speed():
    made = commands('FetchReach', command_full_action_speed_mps=0.2)
    command = made.acting(np.array([1.0, -0.5, 0.0, 1.0], np.float32))
    assert command.velocity == pytest.approx([0.2, -0.1, 0.0])
    assert command.fingers == pytest.approx([0.0, 0.0], abs=1e-3)  # training holds them closed


def test_standing_keeps_the_opening_of_the_gripper():
    made = commands('FetchPickAndPlace')
    opened = made.acting(np.array([0.0, 0.0, 0.0, 1.0], np.float32)).fingers
    assert opened == pytest.approx([0.05, 0.05])
    standing = made.standing()
    assert not standing.velocity.any()
    np.testing.assert_array_equal(standing.fingers, opened)
    assert made.homing(np.ones(3)).fingers == pytest.approx([0.0, 0.0], abs=1e-3)
