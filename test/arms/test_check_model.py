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

from her_ros.arms.check import check_arm
from her_ros.arms.errors import ArmError
from her_ros.arms.registry import arm_named
import pytest

LIMIT = '<limit lower="-1" upper="1" effort="1" velocity="1"/>'
SOLID = (
    '<inertial><mass value="1"/>'
    '<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>'
)


def changed(arm, section, **values):
    """Return a description with other values in one section."""
    return dataclasses.replace(
        arm, **{section: dataclasses.replace(getattr(arm, section), **values)}
    )


@pytest.fixture
def arm():
    return arm_named('six_joint')


@pytest.fixture
def urdf(arm, tmp_path):
    """Return the description of an arm of two joints and a finger, of a URDF."""

    def make(first='revolute', limit=LIMIT, second=LIMIT, finger=LIMIT):
        joints = [
            ('one', first, 'base_link', 'a', limit),
            ('two', 'revolute', 'a', 'b', second),
            ('finger', 'prismatic', 'b', 'c', finger),
        ]
        text = '<robot name="x"><link name="base_link"/>'
        text += ''.join(f'<link name="{name}">{SOLID}</link>' for name in 'abc')
        for name, kind, parent, child, extra in joints:
            text += (
                f'<joint name="{name}" type="{kind}"><parent link="{parent}"/>'
                f'<child link="{child}"/><axis xyz="0 0 1"/>{extra}</joint>'
            )
        (tmp_path / 'arm.urdf').write_text(text + '</robot>')
        model = dataclasses.replace(arm.model, source='arm.urdf')
        joints = dataclasses.replace(
            arm.arm,
            base_body='base_link',
            joints=('one', 'two'),
            driver_joints=(),
            home=(0.0, 0.0),
            max_speeds=(1.0,),
        )
        gripper = dataclasses.replace(arm.gripper, joints=('finger',), driver_joints=(), open=0.04)
        tool = dataclasses.replace(arm.tool, frame='b')
        return dataclasses.replace(
            arm, folder=tmp_path, model=model, arm=joints, gripper=gripper, tool=tool
        )

    return make


WRONG = [
    (
        'arm',
        {'base_body': 'bass'},
        ["arm.base_body: the model has no body 'bass'", 'nearest: base'],
    ),
    (
        'arm',
        {'joints': ('joint1', 'joint2', 'joint3', 'joint4', 'joint5', 'jiont6')},
        ["arm.joints: the model has no joint 'jiont6'", 'nearest: joint6'],
    ),
    ('tool', {'frame': 'toll'}, ["tool.frame: the model has no site or body 'toll'", 'tool']),
    (
        'gripper',
        {'joints': ('joint1',)},
        ["gripper.joints: 'joint1' is a joint of the arm; name the joints of the fingers"],
    ),
    ('gripper', {'joints': ('left',)}, ["gripper.joints: the model has no joint 'left'"]),
    (
        'gripper',
        {'open': 0.4},
        ["gripper.open: 0.4 is out of the range [0, 0.04] of 'left_finger'"],
    ),
    ('gripper', {'closed': -0.4}, ['gripper.closed: -0.4 is out of the range']),
    (
        'arm',
        {'home': (0.0, 0.4673, 3.0, 0.6568, 0.0, 0.0)},
        ["arm.home: 3 is out of the range [0, 2.9] of 'joint3'"],
    ),
    (
        'arm',
        {'joints': ('joint2', 'joint1', 'joint3', 'joint4', 'joint5', 'joint6')},
        ["the order is ['joint2', 'joint1',", "it is ['joint1', 'joint2',"],
    ),
    (
        'arm',
        {'joints': ('joint1', 'joint2', 'joint3', 'joint4', 'joint5', 'left_finger')},
        ["'left_finger' does not move 'tool'"],
    ),
    (
        'arm',
        {'joints': ('joint1', 'joint2', 'joint3', 'joint4', 'joint5')},
        ["'joint6' lies between base and tool and is not named"],
    ),
    ('arm', {'base_body': 'left_finger'}, ["'left_finger' does not carry tool.frame 'tool'"]),
]


@pytest.mark.parametrize(('section', 'values', 'parts'), WRONG)
def test_what_the_model_does_not_have_is_one_line(arm, section, values, parts):
    if section == 'arm' and len(values.get('joints', ())) == 5:
        values = {**values, 'driver_joints': (), 'home': (0.0,) * 5, 'max_speeds': (1.0,)}
    if section == 'gripper':
        values = {'driver_joints': (), **values}
    checked = check_arm(changed(arm, section, **values))
    assert any(all(part in fault for part in parts) for fault in checked.faults), checked.faults
    assert not any('\n' in fault for fault in checked.faults)


def faults_of(arm):
    checked = check_arm(arm)
    assert not any('\n' in line for line in (*checked.faults, *checked.notes))
    return '\n'.join((*checked.faults, *checked.notes))


def test_a_urdf_with_mimic_joints(urdf):
    mimic = f'{LIMIT}<mimic joint="one"/>'
    assert "arm.joints: 'two' follows 'one' (mimic)" in faults_of(urdf(second=mimic))
    # A finger that follows is as it should be.
    assert 'mimic' not in faults_of(urdf(finger=f'{LIMIT}<mimic joint="two"/>'))
    arm = changed(
        urdf(second=mimic),
        'arm',
        joints=('one',),
        driver_joints=(),
        home=(0.0,),
        max_speeds=(1.0,),
    )
    assert "'two' lies between base and tool and is not named; it follows 'one'" in faults_of(arm)


def test_joints_that_are_only_measured_are_named_as_such(arm):
    five = arm.arm.joints[1:]
    shorter = changed(
        arm, 'arm', joints=five, driver_joints=(), home=arm.arm.home[1:], max_speeds=(1.0,)
    )
    assert "'joint1' lies between base and tool" in faults_of(shorter)
    held = changed(shorter, 'arm', held_joints=('joint1',))
    assert "'joint1'" not in faults_of(held)


def test_a_urdf_with_a_free_joint(urdf):
    assert "joint 'one' is a free (floating) joint" in faults_of(urdf(first='floating'))


def test_a_model_with_a_ball_joint(arm, tmp_path):
    text = (arm.folder / 'six_joint.xml').read_text()
    ball = '<body><joint name="ball" type="ball"/><geom size="0.1"/></body></worldbody>'
    (tmp_path / 'six_joint.xml').write_text(text.replace('</worldbody>', ball))
    assert "joint 'ball' is a ball joint" in faults_of(dataclasses.replace(arm, folder=tmp_path))


def test_a_urdf_without_limits(urdf):
    line = "arm.joints: 'one' has no limits"
    assert line in faults_of(urdf(limit=''))
    assert line in faults_of(urdf(first='continuous', limit=''))
    assert line not in faults_of(urdf())
    assert "arm.joints: 'one' slides without limits" in faults_of(
        urdf(first='prismatic', limit='')
    )


def test_a_joint_of_several_names(urdf):
    assert "'one'" in faults_of(urdf(first='planar'))


def test_a_model_that_does_not_load_is_one_line(arm):
    with pytest.raises(ArmError, match='is missing'):
        check_arm(changed(arm, 'model', source='nowhere.xml'))
