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

import json
import shutil

from her_ros.arms.errors import ArmError
from her_ros.config.files import shipped_file
from her_ros.config.shipped import shipped_folders
from her_ros.orchestration.deploy import deployment_values, find_needed_models, topics_of
from her_ros.orchestration.graph import deployment_nodes
from her_ros.orchestration.prepare import arm_overrides
from her_ros.tasks.registry import task_named
import numpy as np
import pytest

# 0.44 m around the start of Push, from 1 cm above the table of 0.4 m
SIX_JOINT_BOX = [1.1429, 0.5291, 0.41, 1.5829, 0.9691, 0.88]


@pytest.fixture
def arm_file(tmp_path):
    """Write a description whose driver has its own topic of joint states."""
    folder = shipped_folders()[0] / 'config' / 'arms'
    shutil.copy(folder / 'six_joint.xml', tmp_path)
    text = (folder / 'six_joint.yaml').read_text()
    path = tmp_path / 'run #2: mine.yaml'
    path.write_text(text.replace('driver:', 'driver:\n  joint_states_topic: mine/joints'))
    return path


@pytest.fixture
def params_file(tmp_path):
    """Write a parameter file for Push with an arm, and with more lines for policy."""

    def write(arm, policy=''):
        path = tmp_path / 'params.yaml'
        text = shipped_file('Push').read_text().replace('franka_panda', json.dumps(str(arm)))
        path.write_text(text.replace('exploration:', f'{policy}\n    exploration:'))
        return path

    return write


def deployed(*arguments):
    values, topics = deployment_values('Push', 'real', *arguments)
    return values['policy']['arm'], values['policy']['safety.workspace'], topics


def test_the_topics_are_those_of_the_description(arm_file):
    assert topics_of(task_named('Push', str(arm_file))) == ['joint_states:=/mine/joints']
    assert topics_of(task_named('Push', 'six_joint')) == []


@pytest.mark.parametrize('name', ['mine/joints', '/mine/joints'])
def test_topics_of_a_real_robot_are_in_no_namespace(arm_file, name):
    arm_file.write_text(arm_file.read_text().replace('mine/joints', name))
    topics = topics_of(task_named('Push', str(arm_file)))
    (bridge,) = [
        node
        for node in deployment_nodes('robot', '', True, 'real', remap=topics)
        if node.name == 'robot_bridge'
    ]
    assert bridge.remappings['joint_states'] == '/mine/joints'
    assert bridge.remappings['object_pose'] == '/object_pose'
    assert all(topic.startswith('/') for topic in bridge.remappings.values())


def test_the_action_of_a_gripper_is_in_no_namespace_either(arm_file):
    text = arm_file.read_text()
    arm_file.write_text(text.replace('driver:', 'driver:\n  gripper_action: hand/gripper_cmd'))
    goal = 'gripper_cmd/_action/send_goal'
    topics = topics_of(task_named('Push', str(arm_file)))
    assert f'gripper_controller/{goal}:=/hand/{goal}' in topics
    nodes = deployment_nodes('robot', '', True, 'real', remap=topics)
    assert nodes[-1].remappings[f'gripper_controller/{goal}'] == f'/hand/{goal}'


def test_a_model_that_the_robot_publishes_is_for_a_real_robot(arm_file):
    arm_file.write_text(arm_file.read_text().replace('six_joint.xml', 'robot_description'))
    values, _ = deployment_values('Push', 'real', None, arm_overrides(str(arm_file)))
    task = task_named('Push', values['policy']['arm'])
    find_needed_models(task, 'real', values)
    with pytest.raises(ArmError, match='only a robot that runs publishes'):
        find_needed_models(task, 'simulated', values)
    for node in deployment_nodes('robot', '', True, 'real'):
        if node.name == 'robot_bridge':
            assert node.remappings['robot_description'] == '/robot_description'


def test_the_simulated_robot_of_an_arm_keeps_topics_in_its_namespace(arm_file):
    values, topics = deployment_values('Push', 'simulated', None, arm_overrides(str(arm_file)))
    assert values['simulated_robot']['arm'] == str(arm_file)
    assert topics == []


@pytest.mark.parametrize(
    ('robot', 'overrides', 'needs_it'),
    [
        ('simulated', [], True),
        ('real', [], True),
        ('real', ['robot_bridge.tool_source=current_pose'], False),
        ('none', [], False),
    ],
)
def test_a_model_that_is_missing_is_reported_before_anything_starts(
    arm_file, robot, overrides, needs_it
):
    arm_file.with_name('six_joint.xml').unlink()
    overrides = [*arm_overrides(str(arm_file)), *overrides]
    values, _ = deployment_values('Push', robot, None, overrides)
    task = task_named('Push', values['policy']['arm'])
    if not needs_it:
        find_needed_models(task, robot, values)
        return
    with pytest.raises(ArmError, match=r'^six_joint\.xml: .*six_joint\.xml is missing; correct'):
        find_needed_models(task, robot, values)


def test_arm_topics_and_safety_box_are_those_of_the_parameter_file(arm_file, params_file):
    arm, box, topics = deployed(params_file(arm_file))
    assert (arm, topics) == (str(arm_file), ['joint_states:=/mine/joints'])
    np.testing.assert_allclose(box, SIX_JOINT_BOX, atol=1e-3)


def test_arm_topics_and_safety_box_are_those_of_an_override(arm_file, params_file):
    arm, box, topics = deployed(params_file('franka_panda'), arm_overrides(str(arm_file)))
    assert (arm, topics) == (str(arm_file), ['joint_states:=/mine/joints'])
    np.testing.assert_allclose(box, SIX_JOINT_BOX, atol=1e-3)


def test_without_parameters_the_arm_is_that_of_the_task():
    arm, box, _ = deployed(None)
    assert arm == 'franka_panda'
    assert box != deployed(None, ['arm=six_joint'])[1]


def test_a_safety_box_that_is_given_stays(params_file):
    own = [1.2, 0.6, 0.42, 1.5, 0.9, 0.8]
    in_file = params_file('six_joint', f'safety: {{workspace: {own}}}')
    assert deployed(in_file)[1] == own
    assert deployed(None, ['arm=six_joint', f'policy.safety.workspace={own}'])[1] == own


def test_the_safety_box_stands_where_the_base_of_the_robot_stands():
    # a quarter turn to the left: x of the base is y of the world
    turned = 'robot_bridge.base_pose=[1.0, 2.0, 3.0, 0.0, 0.0, 0.70710678, 0.70710678]'
    _, box, _ = deployed(None, ['arm=six_joint', turned])
    np.testing.assert_allclose(box, [0.78, 2.28, 3.01, 1.22, 2.72, 3.48], atol=1e-4)


def test_the_fetch_keeps_its_safety_box_and_topics():
    values, topics = deployment_values('FetchPush', 'simulated', None)
    assert values['policy']['safety.workspace'] == [1.05, 0.4, 0.38, 1.6, 1.1, 1.0]
    assert topics == []


def test_an_unknown_arm_is_refused_before_anything_starts(params_file):
    with pytest.raises(ArmError, match=r"^arm 'nope' is unknown; "):
        deployed(None, ['arm=nope'])
    with pytest.raises(ArmError, match=r"^arm 'nope' is unknown; "):
        deployed(params_file('nope'))
