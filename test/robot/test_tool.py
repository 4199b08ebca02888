import dataclasses

import numpy as np
import pytest

from her_ros.arms.placement import placement_of
from her_ros.robot.frames import Pose
from her_ros.robot.kinematics import ArmKinematics, task_kinematics
from her_ros.robot.tool import MeasuredTool
from her_ros.tasks.registry import task_named

SMALL = task_named('PickAndPlace', 'six_joint')
#: turned by a quarter to the left
TURNED = Pose.of('base', (1.0, 2.0, 0.3), (0.0, 0.0, 0.7071067811865476, 0.7071067811865476))


def measured(arm, joints, speeds):
    """Return an arm and a measured tool of the same state; the latter without a model."""
    description = dataclasses.replace(arm.description, model=None)
    tool = MeasuredTool(description, arm._base)
    arm.update(joints, speeds)
    tool.update_tool(arm.grip_position, arm.grip_velocity)
    tool.update(joints[6:], speeds[6:])
    return tool


@pytest.mark.parametrize('base', [None, TURNED], ids=['as in training', 'turned'])
def test_a_measured_tool_is_where_the_joints_say_and_is_displaced_alike(base):
    description = placement_of(SMALL).description
    arm = task_kinematics(SMALL) if base is None else ArmKinematics(description, base)
    generator = np.random.default_rng(0)
    for _ in range(5):
        joints = arm.positions + generator.uniform(-0.05, 0.05, 8)
        joints[6:] = 0.013  # both fingers alike: without a model their sides are not known
        tool = measured(arm, joints, generator.uniform(-1.0, 1.0, 8) * [*[1.0] * 6, 0.1, 0.1])
        for name in ('grip_position', 'grip_velocity', 'finger_position'):
            assert getattr(tool, name) == pytest.approx(getattr(arm, name), abs=1e-12), name
        way = generator.uniform(-0.3, 0.3, 3)
        assert tool.within_workspace(way) == pytest.approx(arm.within_workspace(way))
        after = tool.pose_after(way)
        assert after.position == pytest.approx(arm.pose_after(way).position)
        assert (after.quaternion == arm.pose_after(way).quaternion).all()
        assert tool.gripper_joints(np.full(2, 0.02)) == pytest.approx([0.02, 0.02])
    assert tool.joint_names == ('right_finger', 'left_finger')
