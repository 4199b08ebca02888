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

import math

from her_ros.arms.description import description_of, Workspace
from her_ros.arms.driver import Driver
from her_ros.arms.errors import ArmError
from her_ros.arms.mechanics import ArmJoints, Gripper, ModelFiles, Tool
from her_ros.arms.registry import arm_named, read_arm
from her_ros.config.schema import ConfigError, parameters_of
from her_ros.config.shipped import shipped_folders
import mujoco
import numpy as np
import pytest
from ruamel.yaml import YAML

SIX_JOINT = shipped_folders()[0] / 'config' / 'arms' / 'six_joint.yaml'
MISSING = object()


@pytest.fixture
def document():
    """Return the sections of the small arm's file."""
    return YAML(typ='safe', pure=True).load(SIX_JOINT.read_text('utf-8'))


@pytest.fixture
def read(tmp_path):
    """Write and read a description."""

    def read(document):
        path = tmp_path / 'mine.yaml'
        with path.open('w') as file:
            YAML(typ='safe', pure=True).dump(document, file)
        return read_arm(path)

    return read


def test_an_arm_has_the_name_and_the_folder_of_its_file(read, document, tmp_path):
    arm = read(document)
    assert (arm.name, arm.folder) == ('mine', tmp_path)


def test_what_is_not_given_is_as_in_the_model(read, document):
    arm = read(document)
    assert arm.arm.driver_joints == arm.arm.joints
    assert arm.gripper.driver_joints == arm.gripper.joints
    assert arm.arm.max_speeds == (3.0,) * 6


def test_the_orientation_is_that_of_urdf(read, document):
    document['tool']['down_rpy'] = [0.3, -0.5, 1.1]
    expected = np.eye(3)
    for axis, angle in ((0, 0.3), (1, -0.5), (2, 1.1)):  # about fixed axes: the last is leftmost
        half, turn = np.zeros(4), np.empty(9)
        half[0], half[1 + axis] = math.cos(angle / 2), math.sin(angle / 2)
        mujoco.mju_quat2Mat(turn, half)
        expected = turn.reshape(3, 3) @ expected
    found = np.empty(9)
    mujoco.mju_quat2Mat(found, np.array(read(document).tool.down_quaternion))
    np.testing.assert_allclose(found.reshape(3, 3), expected, atol=1e-12)


def test_a_force_of_the_fingers_is_an_effort_of_the_joints():
    slides, linkage = arm_named('six_joint').gripper, arm_named('ur5e_2f85').gripper
    # A finger of its own has its force; the joint of a linkage does the work of both fingers.
    assert slides.max_effort == pytest.approx(slides.max_force)
    assert linkage.max_effort * 0.8 == pytest.approx(linkage.max_force * 0.085)


REQUIRED = (
    'model.source', 'arm.joints', 'arm.home', 'arm.max_speeds', 'tool.frame', 'gripper.joints',
    'gripper.open', 'gripper.max_opening', 'gripper.max_force', 'workspace.low', 'workspace.high',
    'workspace.table_height',
)  # fmt: skip
WRONG = [
    ('model.source', '', ['source is empty']),
    ('model.gripper', 'hand.xml', ['attach_to', 'both']),
    ('arm.joints', ['a', 'a'], ["names one twice: ['a', 'a']"]),
    ('arm.joints', 'joint1', ['list of texts', "'joint1'"]),
    ('arm.home', [0.0], ['home has 1 values', 'joints has 6']),
    ('arm.home', [0.0, 0.0, 0.0, 0.0, 0.0, float('nan')], ['home is nan', '[-100, 100]']),
    ('arm.driver_joints', ['a'], ['driver_joints has 1']),
    ('arm.held_joints', ['joint1'], ['held_joints', 'twice']),
    ('arm.driver_held_joints', ['torso'], ['driver_held_joints has 1']),
    ('arm.max_speeds', [0.0], ['max_speeds is 0.0']),
    ('arm.max_speeds', [1.0, 2.0], ['max_speeds has 2']),
    ('tool.offset', [0.0, 0.1], ['offset has 2 values', 'a list of 3 floats']),
    ('tool.down_rpy', [180.0, 0.0, 0.0], ['down_rpy is 180', '6.28']),
    ('gripper.joints', ['a', 'b', 'c'], ['joints has 3', 'one per finger']),
    ('gripper.open', 0.0, ['open and closed are both 0']),
    ('gripper.max_opening', -0.1, ['max_opening is -0.1', '[0.001, 1]']),
    ('gripper.first_finger', 'left', ["first_finger is 'left'", '+y']),
    ('gripper.closed', 400.0, ['closed is 400', '[-100, 100]']),
    ('gripper.driver_joints', ['a'], ['driver_joints has 1 values, joints has 2']),
    ('gripper.max_force', 'strong', ["is 'strong'; it must be a number"]),
    ('workspace.low', [0.9, -0.2, 0.01], ['low x is 0.9, high x is 0.72']),
    ('workspace.table_height', 0.2, ['low z is 0.01, table_height is 0.2']),
    ('driver.commands', ['twits'], ["'twits'", 'nearest: twist']),
    ('driver.commands', ['twist', 'twist'], ['twice']),
    ('driver.max_tool_speed', 0.0, ['max_tool_speed is 0.0']),
    ('driver.joint_states_topic', '', ["joint_states_topic: topic ''"]),
    ('driver.gripper_topic', 'a b', ["gripper_topic: topic 'a b'", 'letters']),
    ('gripper.command', 'gripper_command', ["unknown keys ['command']"]),
    ('driver.gripper_command', 'action', ["gripper_command is 'action'", 'gripper_action']),
    ('driver.gripper_action', 'a b', ["gripper_action: topic 'a b'", 'letters']),
    ('driver.base_frame', 3, ['base_frame is 3']),
    ('driver.tool_frame', 3, ['tool_frame is 3']),
    ('driver.topic', 'x', ["unknown keys ['topic']", 'twist_topic']),
    ('toll', {}, ["unknown sections ['toll']", 'tool']),
    ('tool', 'hand', ["tool: is 'hand', not keys with values"]),
    *((name, MISSING, [f'{name.partition(".")[2]} is missing']) for name in REQUIRED),
]


@pytest.mark.parametrize(('name', 'value', 'parts'), WRONG)
def test_a_fault_is_one_line(read, document, tmp_path, name, value, parts):
    section, _, key = name.partition('.')
    place = document[section] if key else document
    if value is MISSING:
        del place[key]
    else:
        place[key or section] = value
    with pytest.raises(ArmError) as error:
        read(document)
    line = str(error.value)
    assert line.startswith(str(tmp_path / 'mine.yaml'))
    assert '\n' not in line
    assert all(part in line for part in (section, *parts))


SECTIONS = {
    'model': ModelFiles,
    'arm': ArmJoints,
    'tool': Tool,
    'gripper': Gripper,
    'workspace': Workspace,
    'driver': Driver,
}
KEYS = [(section, key) for section, kind in SECTIONS.items() for key in parameters_of(kind)]


def line_of(document):
    with pytest.raises(ConfigError) as error:
        description_of('mine', SIX_JOINT.parent, document)
    assert '\n' not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(('section', 'key'), KEYS)
def test_every_key_that_is_misspelt_or_of_another_type_is_one_line(document, section, key):
    document[section][f'{key}_'] = document[section].get(key, '')
    line = line_of(document)
    assert line.startswith(f'{section}: ')
    assert f"unknown keys ['{key}_']" in line
    del document[section][f'{key}_']
    document[section][key] = {'a': 1}
    assert line_of(document).startswith(f'{section}: {key} is ')


@pytest.mark.parametrize(('section', 'key'), KEYS)
def test_every_number_out_of_its_range_is_one_line(document, section, key):
    known = parameters_of(SECTIONS[section])[key]
    count = len(document[section][key]) if isinstance(document[section].get(key), list) else 0
    for limit, step in ((known.minimum, -1.0), (known.maximum, 1.0)):
        if limit is None:
            continue
        document[section][key] = [limit + step] * count or limit + step
        line = line_of(document)
        number = f'{limit + step:g}'
        # A limit of 2π has more digits there.
        assert line.startswith(f'{section}: {key} is {number[:6]}'), line


@pytest.mark.parametrize('text', ['', '[1, 2]', 'arm', 'model: {source: a.xml\n'])
def test_what_is_no_description_is_one_line(tmp_path, text):
    path = tmp_path / 'mine.yaml'
    path.write_text(text)
    with pytest.raises(ArmError) as error:
        read_arm(path)
    assert str(error.value).startswith(str(path))
    assert '\n' not in str(error.value)
