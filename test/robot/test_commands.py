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

from her_ros.arms.model import ARM_JOINTS
from her_ros.arms.placement import placement_of
from her_ros.robot.commands import checked_fingers, CommandChecker, stamp_fault
from her_ros.robot.errors import RobotError
from her_ros.tasks.registry import task_named
import numpy as np
import pytest

FETCH = CommandChecker(task_named('FetchReach'))
SMALL = CommandChecker(task_named('Reach', 'six_joint'))
# x, y, z, w of grippers that point down, the Fetch along its x axis
FETCH_DOWN, SMALL_DOWN = (0.0, 0.7071, 0.0, 0.7071), (0.0, 1.0, 0.0, 0.0)


def test_joints_may_come_in_any_order():
    shuffled = np.random.default_rng(0).permutation(7)
    names = [ARM_JOINTS[place] for place in shuffled]
    assert FETCH.joints(names, 0.1 * shuffled, 0.04) == pytest.approx(0.1 * np.arange(7))


def test_good_commands_come_through():
    assert (FETCH.twist('base_link', [0.1, 0.2, 0.3], [0, 0, 0]) == [0.1, 0.2, 0.3]).all()
    assert (FETCH.gripper([0.01, 0.02]) == [0.01, 0.02]).all()
    pose = FETCH.tool_pose('world', [1.2, 0.7, 0.5], FETCH_DOWN)
    assert (pose.position == [1.2, 0.7, 0.5]).all()
    assert pose.quaternion == pytest.approx([2**-0.5, 0.0, 2**-0.5, 0.0])


def test_joints_are_those_of_the_arm():
    positions = SMALL.joints([f'joint{n}' for n in (2, 1, 3, 4, 5, 6)], [2, 1, 3, 4, 5, 6], 1.0)
    assert (positions == [1, 2, 3, 4, 5, 6]).all()


def test_a_pose_in_the_frame_of_the_base_is_returned_in_the_world():
    base_m = placement_of(task_named('Reach', 'six_joint')).base_m
    found = SMALL.tool_pose('base_link', [0.5, 0.1, 0.2], SMALL_DOWN)
    assert found.position == pytest.approx(base_m + np.array([0.5, 0.1, 0.2]))


def test_a_tool_may_be_tilted_by_the_simulated_fetch_a_little_and_by_other_arms():
    tilted = [np.sin(np.pi / 4 + 0.04), np.cos(np.pi / 4 + 0.04)]  # by 0.08 rad
    pose = FETCH.tool_pose('world', [0, 0, 0], (0.0, tilted[0], 0.0, tilted[1]))
    assert pose.quaternion == pytest.approx([tilted[1], 0.0, tilted[0], 0.0])
    assert SMALL.tool_pose('world', [0, 0, 0], FETCH_DOWN).quaternion[0] == pytest.approx(2**-0.5)


NAMES = list(ARM_JOINTS)


@pytest.mark.parametrize(
    ('check', 'arguments', 'said'),
    [
        (FETCH.twist, ('camera', [0, 0, 0], [0, 0, 0]), "'camera'"),
        (FETCH.twist, ('', [0, 0, 0], [0, 0, 0]), "''"),
        (FETCH.twist, ('world', [0, np.nan, 0], [0, 0, 0]), 'nan'),
        (FETCH.twist, ('world', [0, 0, 0], [0, 0, np.inf]), 'inf'),
        (FETCH.twist, ('world', [0, 0, 0], [0, 0.5, 0]), '0.5'),
        (FETCH.joints, ([*NAMES[:6], 'elbow'], [0.0] * 7, 0.0), "'elbow'"),
        (FETCH.joints, (NAMES[:6], [0.0] * 6, 0.0), 'wrist_roll_joint'),
        (FETCH.joints, ([*NAMES, NAMES[0]], [0.0] * 8, 0.0), 'twice'),
        (FETCH.joints, (NAMES, [0.0] * 6, 0.0), '7'),
        (FETCH.joints, (NAMES, [np.inf] * 7, 0.0), 'inf'),
        (FETCH.joints, (NAMES, [0.0] * 7, -1.0), '-1.0'),
        (FETCH.twist, ('world', [0, -1e300, 0], [0, 0, 0]), r'1e\+300 is too large'),
        (FETCH.joints, (NAMES, [1e9] * 7, 1.0), r'1e\+09 is too large'),
        (FETCH.gripper, ([0.1],), '2 finite'),
        (FETCH.gripper, ([0.1, np.nan],), 'nan'),
        (checked_fingers, ([0.1, 0.1], 1), '1 finite'),
        (SMALL.joints, (NAMES, [0.0] * 7, 0.0), 'unknown joints .*the arm has .*joint6'),
        (SMALL.joints, (['joint1'], [0.0], 0.0), 'joint6.* are missing; all 6 must be named'),
        (
            SMALL.tool_pose,
            ('tool0', [0, 0, 0], SMALL_DOWN),
            "frame 'tool0' .*use world or base_link",
        ),
        (SMALL.tool_pose, ('world', [0, 0, np.nan], SMALL_DOWN), 'nan'),
        (SMALL.tool_pose, ('world', [0, 0, 0], (0.0, 0.0, 0.0, 0.0)), 'orientation is the quat'),
        (
            FETCH.tool_pose,
            ('world', [0, 0, 0], SMALL_DOWN),
            r'1.57 rad .*\[0.0, 0.7071, 0.0, 0.7071\]',
        ),
    ],
)
def test_an_invalid_command_is_refused_with_the_reason(check, arguments, said):
    with pytest.raises(RobotError, match=said) as refusal:
        check(*arguments)
    assert '\n' not in str(refusal.value)


NOW_NS, SECOND = 1_700_000_000 * 10**9, 10**9


@pytest.mark.parametrize('age_s', [-0.1, -0.01, 0.0, 0.1])
def test_a_command_of_now_is_followed(age_s):
    assert stamp_fault('twist', NOW_NS - round(age_s * SECOND), NOW_NS, 0.1) is None


@pytest.mark.parametrize(
    ('age_s', 'kind', 'said'),
    [
        (0.11, 'stale', 'stamped 0.110 s in the past'),
        (3600.0, 'stale', 'stamped 3600.000 s in the past'),
        (-0.11, 'future', 'stamped 0.110 s in the future'),
        (-3600.0, 'future', 'stamped 3600.000 s in the future'),
        (1_700_000_001.0, 'stale', 'in the past'),  # before 1970
    ],
)
def test_a_command_of_another_time_is_named_with_its_distance(age_s, kind, said):
    fault = stamp_fault('twist', NOW_NS - round(age_s * SECOND), NOW_NS, 0.1)
    assert fault.kind == kind
    assert said in fault.text
    assert 'command_timeout_s 0.1' in fault.text


def test_a_command_without_a_stamp_is_named_as_that():
    fault = stamp_fault('twist', 0, NOW_NS, 0.1)
    assert fault.kind == 'unstamped'
    assert 'no stamp (0)' in fault.text
