import numpy as np
import pytest

from her_ros.arms.model import ARM_JOINTS
from her_ros.robot.commands import checked_fingers, checked_joints, checked_twist, stamp_fault
from her_ros.robot.errors import RobotError


def test_joints_may_come_in_any_order():
    shuffled = np.random.default_rng(0).permutation(7)
    names = [ARM_JOINTS[place] for place in shuffled]
    assert checked_joints(names, 0.1 * shuffled, 0.04) == pytest.approx(0.1 * np.arange(7))


def test_good_commands_come_through():
    assert (checked_twist('base_link', [0.1, 0.2, 0.3], [0, 0, 0]) == [0.1, 0.2, 0.3]).all()
    assert (checked_fingers([0.01, 0.02]) == [0.01, 0.02]).all()


NAMES = list(ARM_JOINTS)


@pytest.mark.parametrize(
    ('check', 'arguments', 'said'),
    [
        (checked_twist, ('camera', [0, 0, 0], [0, 0, 0]), "'camera'"),
        (checked_twist, ('', [0, 0, 0], [0, 0, 0]), "''"),
        (checked_twist, ('world', [0, np.nan, 0], [0, 0, 0]), 'nan'),
        (checked_twist, ('world', [0, 0, 0], [0, 0, np.inf]), 'inf'),
        (checked_twist, ('world', [0, 0, 0], [0, 0.5, 0]), '0.5'),
        (checked_joints, ([*NAMES[:6], 'elbow'], [0.0] * 7, 0.0), "'elbow'"),
        (checked_joints, (NAMES[:6], [0.0] * 6, 0.0), 'wrist_roll_joint'),
        (checked_joints, ([*NAMES, NAMES[0]], [0.0] * 8, 0.0), 'twice'),
        (checked_joints, (NAMES, [0.0] * 6, 0.0), '7'),
        (checked_joints, (NAMES, [np.inf] * 7, 0.0), 'inf'),
        (checked_joints, (NAMES, [0.0] * 7, -1.0), '-1.0'),
        (checked_twist, ('world', [0, -1e300, 0], [0, 0, 0]), r'1e\+300 is too large'),
        (checked_joints, (NAMES, [1e9] * 7, 1.0), r'1e\+09 is too large'),
        (checked_fingers, ([0.1],), '2 finite'),
        (checked_fingers, ([0.1, np.nan],), 'nan'),
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
