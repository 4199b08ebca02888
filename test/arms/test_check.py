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
import json

from her_ros.arms.check import check_arm
from her_ros.arms.registry import arm_named
from her_ros.arms.survey import survey
import pytest

HOME = arm_named('six_joint').arm.home
FAR = {'low': (1.2, -0.2, 0.01), 'high': (1.6, 0.2, 0.4)}


def changed(arm, section, **values):
    """Return a description with other values in one section."""
    return dataclasses.replace(
        arm, **{section: dataclasses.replace(getattr(arm, section), **values)}
    )


@pytest.fixture
def arm():
    return arm_named('six_joint')


def fault_of(arm):
    """Return the only fault of an arm."""
    faults = check_arm(arm).faults
    assert len(faults) == 1, faults
    assert '\n' not in faults[0]
    return faults[0]


def test_an_arm_without_faults_says_what_it_can_do(arm):
    checked = check_arm(arm)
    assert (checked.faults, checked.notes) == ((), ())
    assert [line.partition(':')[0] for line in checked.abilities] == [
        'reach',
        'workspace',
        'manipulability',
        'full action',
    ]
    assert '125 of 125 points' in checked.abilities[1]


@pytest.mark.parametrize('name', ['franka_panda', 'ufactory_xarm7', 'ur5e_2f85'])
def test_the_arms_of_the_package_have_no_faults(menagerie, name):
    checked = check_arm(arm_named(name))
    assert (checked.faults, checked.notes) == ((), ())


def test_a_model_that_the_robot_publishes_cannot_be_checked(arm):
    checked = check_arm(changed(arm, 'model', source='robot_description'))
    assert (checked.faults, checked.abilities) == ((), ())
    (note,) = checked.notes
    assert note.startswith('model: the robot publishes it, so joints, home, reach and collisions')
    assert 'ros2 param get' in note


def test_a_box_that_is_too_small_for_the_tasks_is_a_note():
    checked = check_arm(arm_named('fetch'))
    assert checked.faults == ()
    assert tuple(note for note in checked.notes if note.startswith('workspace')) == (
        'workspace: it ends 0.260 m above the table; PickAndPlace has goals up to 0.475 m above'
        ' it',
        'workspace: it is 0.200 m wide along x; goals and objects of the tasks take up 0.300 m',
    )


@pytest.mark.parametrize(
    ('section', 'values', 'parts'),
    [
        ('arm', {'home': (0.0,) * 6}, ['arm.home', '180° away', 'brings it to (0.5, 0, 0.2)']),
        ('arm', {'home': (2.0, *HOME[1:])}, ['arm.home: the tool is', 'brings it to']),
        ('workspace', {'low': (0.55, -0.22, 0.01)}, ['(0.5, 0, 0.2), outside of the workspace']),
        ('workspace', {'high': (1.1, 0.22, 0.48)}, ['does not reach', 'points, such as (']),
        ('workspace', FAR, ['arm.home', 'nothing brings it to (1.4, 0, 0.2)']),
        ('workspace', {'low': (0.28, -0.22, 0.0)}, ['left_finger touches the table at 25 of 125']),
    ],
)
def test_what_the_arm_cannot_do_is_one_line(arm, section, values, parts):
    checked = check_arm(changed(arm, section, **values))
    assert any(all(part in fault for part in parts) for fault in checked.faults), checked.faults
    assert not any('\n' in fault for fault in checked.faults)
    assert checked.abilities


def test_a_home_that_is_suggested_is_right(arm):
    (fault,) = check_arm(changed(arm, 'arm', home=(0.0,) * 6)).faults
    begin, end = fault.index('['), fault.index(']') + 1
    home = json.loads(fault[begin:end])
    assert check_arm(changed(arm, 'arm', home=tuple(home))).faults == ()


def test_a_home_in_which_the_arm_touches_itself_is_one_line(arm):
    folded = (0.0, 0.4673, 2.85, 0.6568, 0.0, 0.0)
    faults = check_arm(changed(arm, 'arm', home=folded)).faults
    assert any('arm.home: ' in each and ' touches ' in each for each in faults)


def test_shapes_that_are_missing_leave_the_rest_checked(arm, tmp_path):
    text = (arm.folder / 'six_joint.xml').read_text()
    mesh = '<asset><mesh name="hand" file="nowhere.stl"/></asset>'
    (tmp_path / 'six_joint.xml').write_text(text.replace('<worldbody>', f'{mesh}<worldbody>'))
    fault = fault_of(dataclasses.replace(arm, folder=tmp_path))
    assert 'collisions cannot be checked' in fault
    assert 'nowhere.stl' in fault


def planar_model():
    """Return an arm whose joints all turn about z, so that it stays at one height."""
    arm = '<site name="tool" pos="0.1 0 0"/><body name="hand"><geom size="0.01"/>'
    for side in ('right', 'left'):
        slide = f'<joint name="{side}_finger" type="slide" axis="0 1 0" range="0 0.04"/>'
        arm += f'<body>{slide}<geom size="0.01"/></body>'
    arm += '</body>'
    for number, length_m in ((6, 0.1), (5, 0.1), (4, 0.2), (3, 0.3), (2, 0.3), (1, 0.0)):
        joint = f'<joint name="joint{number}" range="-3 3" limited="true"/>'
        arm = f'<body pos="{length_m} 0 0">{joint}<geom size="0.01"/>{arm}</body>'
    compiler = '<compiler angle="radian"/>'
    return f'<mujoco>{compiler}<worldbody><body name="base">{arm}</body></worldbody></mujoco>'


def test_an_arm_that_is_singular_everywhere_is_a_fault(arm, tmp_path):
    (tmp_path / 'six_joint.xml').write_text(planar_model())
    flat = dataclasses.replace(arm, folder=tmp_path)
    flat = changed(flat, 'arm', home=(0.8, -1.0, -1.0, 0.6, 0.6, 0.0))
    flat = changed(flat, 'tool', down_rpy=(0.0, 0.0, 0.0))
    flat = changed(
        flat,
        'workspace',
        low=(0.35, -0.15, -0.001),
        high=(0.65, 0.15, 0.001),
        table_height=-0.1,
    )
    checked = check_arm(flat)
    assert '125 of 125 points reached' in checked.abilities[1]
    assert any(
        fault.startswith('arm.joints: the arm is singular wherever it reaches: the joints cannot')
        and 'along z without turning it' in fault
        for fault in checked.faults
    ), checked.faults


def test_singular_points_of_the_workspace_are_a_fault(arm, monkeypatch):
    def found(ik):
        whole = survey(ik)
        speed = whole.axis_speed.copy()
        speed[[3, 7], 1] = 0.0
        return dataclasses.replace(whole, axis_speed=speed)

    monkeypatch.setattr('her_ros.arms.check.survey', found)
    fault = fault_of(arm)
    assert fault.startswith('workspace: the arm is singular at 2 of 125 points, such as (0.28, ')
    assert 'cannot move the tool along y' in fault


def test_a_gripper_that_is_too_narrow_for_the_block_is_a_note(arm):
    checked = check_arm(changed(arm, 'gripper', max_opening=0.04))
    assert checked.faults == ()
    (note,) = checked.notes
    assert note.startswith('gripper: it opens 0.04 m; the block of PickAndPlace is 0.05 m wide')
