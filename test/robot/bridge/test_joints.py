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

from her_ros.robot.bridge.joints import angle_differences, JointStates
from her_ros.robot.bridge.observer import MissingInput, Observer
from her_ros.robot.errors import RobotError
from her_ros.robot.kinematics import task_kinematics
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest

NAMES = ('slide', 'hinge', 'roll')
CONTINUOUS = np.array([False, False, True])
LIFT, PAN = 'torso_lift_joint', 'shoulder_pan_joint'


@pytest.fixture
def states():
    return JointStates(NAMES, CONTINUOUS)


def test_only_continuous_joints_take_the_shortest_turn():
    start, to = np.array([3.1, 3.1, 3.1]), np.array([-3.1, -3.1, -3.1])
    # From 3.1 to -3.1 a continuous joint turns by 2π - 6.2.
    np.testing.assert_allclose(
        angle_differences(to, start, CONTINUOUS), [-6.2, -6.2, 2 * np.pi - 6.2]
    )
    # Another driver counts turns without bounds.
    turns = 2 * np.pi * np.arange(-3, 4)
    found = angle_differences(turns + 0.2, np.zeros(7), np.ones(7, bool))
    np.testing.assert_allclose(found, 0.2, atol=1e-12)


def test_each_joint_keeps_its_newest_state_whichever_driver_published_it(states):
    assert states.take(['hinge', 'roll', 'head'], [0.1, 0.2, 9.0], [1.0, 2.0, 9.0], 1.0).tolist()
    assert not states.complete
    renewed = states.take(['grip', 'slide'], [5.0, 0.3], [5.0, 3.0], 1.004)
    assert renewed.tolist() == [True, False, False]
    assert states.complete
    np.testing.assert_array_equal(states.position, [0.3, 0.1, 0.2])
    np.testing.assert_array_equal(states.velocity, [3.0, 1.0, 2.0])
    np.testing.assert_array_equal(states.measured_s, [1.004, 1.0, 1.0])
    # Lateness is that of the oldest joint.
    assert states.late(1.102, 0.1) == ['hinge', 'roll']
    assert states.late(1.05, 0.1) == []


def test_messages_that_are_not_newer_change_nothing(states):
    states.take(NAMES, [0.0, 0.0, 0.0], [], 1.0)
    states.take(NAMES, [0.1, 0.1, 0.1], [], 1.1)
    before = states.position.copy(), states.velocity.copy()
    np.testing.assert_allclose(before[1], 1.0)
    for time_s in (1.1, 1.05, -3600.0):
        assert not states.take(NAMES, [7.0, 7.0, 7.0], [], time_s).any()
    np.testing.assert_array_equal((states.position, states.velocity), before)


def test_velocities_are_derived_joint_by_joint_where_nobody_measured_them(states):
    states.take(NAMES, [0.0, 0.0, 3.1], [], 1.0)
    states.take(NAMES, [0.01, 0.02, -3.1], [np.nan, 7.0, np.nan], 1.1)
    np.testing.assert_allclose(states.velocity, [0.1, 7.0, (2 * np.pi - 6.2) / 0.1])


def test_unstamped_messages_that_arrive_together_give_no_velocity(states):
    states.take(NAMES, [0.0, 0.0, 0.0], [], 1.0)
    states.take(NAMES, [0.01, 0.01, 0.01], [], 1.01)
    states.take(NAMES, [0.02, 0.02, 0.02], [], 1.0101)
    states.take(NAMES, [0.03, 0.03, 0.03], [], 1.0201)
    np.testing.assert_allclose(states.velocity, 1.0)


@pytest.mark.parametrize(
    ('position', 'velocity', 'said'),
    [
        ([0.0, 0.0], [], '3 names but 2 values of position'),
        ([0.0, 0.0, 0.0], [0.0], '3 names but 1 values of velocity'),
        ([0.0, np.nan, 0.0], [], 'position of hinge is nan'),
        ([0.0, 1e300, 0.0], [], 'position of hinge is 1e.300'),
        ([0.0, 0.0, 0.0], [0.0, 0.0, -np.inf], 'velocity of roll is -inf'),
    ],
)
def test_what_is_not_finite_or_missing_changes_nothing(states, position, velocity, said):
    states.take(NAMES, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 1.0)
    with pytest.raises(RobotError, match=said):
        states.take(NAMES, position, velocity, 2.0)
    np.testing.assert_array_equal(states.position, [1.0, 2.0, 3.0])
    assert (states.measured_s == 1.0).all()


def test_many_lists_of_names_take_bounded_memory(states):
    for number in range(1000):
        states.take(['roll', f'other_{number}'], [0.1, 0.0], [], float(number))
    assert len(states._places) <= 16


def flipped_wrist(kinematics):
    """Return the gripper's pose of the start with forearm and wrist turned by π: near the wrap."""
    position = kinematics.positions.copy()
    index = kinematics.joint_names.index
    position[index('forearm_roll_joint')] += np.pi
    position[index('wrist_flex_joint')] *= -1
    position[index('wrist_roll_joint')] += np.pi
    return position


def test_a_forearm_reported_within_pi_shows_the_velocity_of_the_arm():
    """2π in 10 ms would be 172 m/s at the gripper."""
    task = TASKS['FetchReach']
    model = task_kinematics(task)
    names, start = model.joint_names, flipped_wrist(model)
    continuous = [name for name, turns in zip(names, model.continuous, strict=True) if turns]
    assert continuous == ['upperarm_roll_joint', 'forearm_roll_joint', 'wrist_roll_joint']
    forearm = names.index('forearm_roll_joint')
    start[forearm] = np.pi - 0.05
    shown = []
    for wraps in (False, True):
        observer = Observer(task, task_kinematics(task), 0.03)
        speeds = []
        for step in range(20):
            joints = start.copy()
            joints[forearm] += 0.01 * step
            if wraps:
                joints[forearm] = (joints[forearm] + np.pi) % (2 * np.pi) - np.pi
            observer.take_joints(names, joints, [], 0.01 * step)
            speeds.append(observer.observe(0.01 * step).observation[0, 5:8] / 0.04)
        shown.append(speeds)
    np.testing.assert_allclose(shown[1], shown[0], atol=1e-9)
    # 1 rad/s on a lever of at most 0.5 m
    assert 0.05 < np.linalg.norm(shown[1], axis=1).max() < 0.5


def test_arm_and_gripper_that_publish_apart_are_one_state():
    task = TASKS['FetchReach']
    kinematics = task_kinematics(task)
    names, position = list(kinematics.joint_names), flipped_wrist(kinematics)
    whole = Observer(task, task_kinematics(task), 0.03)
    whole.take_joints(names, position, np.zeros(10), 1.0)
    apart = Observer(task, kinematics, 0.03)
    assert apart.take_joints(names[:8], position[:8], np.zeros(8), 1.0)
    fingers = 'of r_gripper_finger_joint, l_gripper_finger_joint'
    assert apart.missing(1.0, 0.1) == [MissingInput('joint_states', fingers)]
    # The gripper's driver completes the state, but sets no pace.
    assert not apart.take_joints(names[8:], position[8:], np.zeros(2), 1.001)
    assert apart.missing(1.0, 0.1) == []
    np.testing.assert_array_equal(apart.observe(1.0).observation, whole.observe(1.0).observation)
    # The arm falls silent while the gripper goes on.
    apart.take_joints(names[8:], position[8:], np.zeros(2), 1.2)
    arm = f'of {LIFT}, {PAN}, shoulder_lift_joint, 5 more'
    assert apart.missing(1.2, 0.1) == [MissingInput('joint_states', arm)]


def test_joints_of_another_arm_are_named():
    task = TASKS['FetchReach']
    observer = Observer(task, task_kinematics(task), 0.03)
    other = [f'joint_{number}' for number in range(1, 7)]
    assert not observer.take_joints(other, np.zeros(6), [], 1.0)
    (found,) = observer.missing(1.0, 0.1)
    assert str(found) == 'joint_states (only those of joint_1, joint_2, joint_3, 3 more come)'
