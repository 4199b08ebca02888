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

import ast
from dataclasses import replace
import importlib.util
import inspect
from pathlib import Path

import her_ros
from her_ros.cli.deploy import deploy
from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.config.schema import ConfigError, configured
from her_ros.orchestration.graph import (
    DEPLOYED_ROBOT,
    DEPLOYED_TASK,
    deployment_nodes,
    recording_nodes,
    ROBOT_NAMESPACE,
    simulation_nodes,
    training_nodes,
)
from her_ros.wire.topics import (
    CURRENT_POSE,
    GRIPPER,
    JOINT_STATES,
    OBJECT_POSE,
    ROBOT_DESCRIPTION,
    TOOL_POSE,
    TRAJECTORY,
    TWIST,
)
import pytest
from setuptools import distutils

ROOT = Path(her_ros.__file__).parents[1]
GRAPHS = {
    'train': training_nodes('her_ros', 3, '/runs/a'),
    'simulate': simulation_nodes('/her_ros/', 'policy.onnx', '/runs/a'),
    'simulate at random': simulation_nodes('her_ros', '', ''),
    'simulate in real time': simulation_nodes('her_ros', '', '', True, publish_scene=True),
    'record': recording_nodes('robot', '/runs/a'),
    'deploy': deployment_nodes('robot', 'policy.onnx', autostart=False, robot='none'),
    'deploy on a simulated robot': deployment_nodes(
        'robot', 'a.onnx', True, 'simulated', '/runs/a'
    ),
    'deploy on a real robot': deployment_nodes('robot', 'a.onnx', True, 'real'),
}
ALL = [spec for specs in GRAPHS.values() for spec in specs]


def test_one_list_of_nodes(monkeypatch):
    # names in the graphs, executables of setup.py, modules, and parameter sections agree
    monkeypatch.chdir(ROOT)
    scripts = distutils.core.run_setup('setup.py', stop_after='init').entry_points[
        'console_scripts'
    ]
    executables = dict(script.split(' = ') for script in scripts)
    assert executables.pop('her-ros') == 'her_ros.cli.main:main'
    assert {spec.name for spec in ALL} == set(executables) == set(NODE_PARAMETERS)
    for name, target in executables.items():
        assert target == f'her_ros.nodes.{name}:main'
        assert importlib.util.find_spec(f'her_ros.nodes.{name}')


@pytest.mark.parametrize('spec', ALL, ids=lambda spec: spec.full_name)
def test_every_parameter_given_is_one_that_the_node_has(spec):
    configured(NODE_PARAMETERS[spec.name], spec.full_name, spec.parameters)


@pytest.mark.parametrize('specs', GRAPHS.values(), ids=GRAPHS)
def test_full_names_are_absolute_and_differ(specs):
    names = [spec.full_name for spec in specs]
    assert len(set(names)) == len(names)
    assert all(name.startswith('/') and '//' not in name for name in names)


def test_every_worker_has_its_own_step_and_shares_the_rest():
    workers = [spec for spec in GRAPHS['train'] if 'worker_' in spec.namespace]
    assert len(workers) == 3 * 3
    for number in range(3):
        own = [spec for spec in workers if spec.namespace == f'/her_ros/worker_{number}']
        assert {spec.name for spec in own} == {'sim_env', 'policy', 'recorder'}
        assert all(spec.parameters['worker'] == number for spec in own)
    for spec in workers:
        assert spec.remappings == {
            t: f'/her_ros/{t}' for t in ('policy', 'collection_enabled', 'rollout_recorded')
        }


def test_only_the_trainer_ends_a_run():
    assert {spec.name for spec in ALL if spec.result} == {'trainer'}


def test_only_robots_get_the_safety_of_robots():
    for name, specs in GRAPHS.items():
        for spec in specs:
            if spec.name == 'policy':
                assert spec.parameters['deployment'] == name.startswith('deploy')
                assert spec.parameters.get('accept_policies', False) != name.startswith('deploy')


def test_a_real_robots_topics_are_its_own():
    topics = (
        JOINT_STATES, ROBOT_DESCRIPTION, OBJECT_POSE, CURRENT_POSE, TWIST, TRAJECTORY, TOOL_POSE,
        GRIPPER, 'gripper_controller/gripper_cmd/_action/send_goal',
    )  # fmt: skip
    (bridge,) = (s for s in GRAPHS['deploy on a real robot'] if s.name == 'robot_bridge')
    assert bridge.remappings == {topic: f'/{topic}' for topic in topics}
    renamed = deployment_nodes('robot', '', True, 'real', remap=['object_pose:=/camera/block'])
    (bridge,) = (spec for spec in renamed if spec.name == 'robot_bridge')
    assert bridge.remappings[OBJECT_POSE] == '/camera/block'
    assert '-r object_pose:=/camera/block' in ' '.join(bridge.command(Path('p.yaml')))
    names = {
        name: [spec.name for spec in specs]
        for name, specs in GRAPHS.items()
        if name.startswith('deploy')
    }
    assert names == {
        'deploy': ['policy'],
        'deploy on a simulated robot': [
            'policy', 'simulated_robot', 'robot_bridge', 'recorder',
        ],
        'deploy on a real robot': ['policy', 'robot_bridge'],
    }  # fmt: skip


def test_only_training_and_random_acting_explore():
    exploring = {
        name: [spec.parameters['exploration.enabled'] for spec in specs if spec.name == 'policy']
        for name, specs in GRAPHS.items()
    }
    assert exploring == {
        'train': [True] * 3,
        'simulate': [False],
        'simulate at random': [True],
        'simulate in real time': [True],
        'record': [],
        'deploy': [False],
        'deploy on a simulated robot': [False],
        'deploy on a real robot': [False],
    }


def test_without_a_folder_nothing_is_recorded():
    assert 'recorder' not in {spec.name for spec in GRAPHS['simulate at random']}
    assert 'recorder' in {spec.name for spec in GRAPHS['simulate']}


def test_only_where_asked_for_a_simulation_keeps_step_with_the_clock_and_shows_itself():
    wanted = {
        name: [
            (spec.parameters.get('real_time', False), spec.parameters.get('publish_scene', False))
            for spec in specs
            if spec.name == 'sim_env'
        ]
        for name, specs in GRAPHS.items()
    }
    assert wanted.pop('simulate in real time') == [(True, True)]
    assert {pair for pairs in wanted.values() for pair in pairs} == {(False, False)}


def test_commands_say_everything():
    (spec,) = GRAPHS['deploy']
    command = replace(spec, remappings={'policy': '/a/policy'}).command(Path('p.yaml'))
    assert command[1:4] == ['-P', '-m', 'her_ros.nodes.policy']
    text = ' '.join(command)
    for part in (
        '-r __node:=policy', '-r __ns:=/robot', '-r policy:=/a/policy', '--params-file p.yaml',
        '-p model:="policy.onnx"', '-p autostart:=false', '-p exploration.enabled:=false',
    ):  # fmt: skip
        assert part in text


def test_a_robot_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match="robot 'mine'; choose one of simulated, real, none"):
        deployment_nodes('robot', 'a.onnx', True, 'mine')


def test_a_deployment_has_one_set_of_defaults_for_command_and_launch_file():
    defaults = {
        'task': DEPLOYED_TASK, 'robot': DEPLOYED_ROBOT, 'namespace': ROBOT_NAMESPACE
    }  # fmt: skip
    parameters = inspect.signature(deploy).parameters
    assert {name: parameters[name].default for name in defaults} == defaults
    # ROS's launch has no wheels, so the file is read here; test_launch_actions.py loads it.
    tree = ast.parse((ROOT / 'launch' / 'deploy.launch.py').read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    arguments = [each.args for each in calls if getattr(each.func, 'id', '') == 'argument']
    names = {name.value: getattr(default, 'id', '') for name, default, *_ in arguments}
    assert [names[each] for each in defaults] == [
        'DEPLOYED_TASK', 'DEPLOYED_ROBOT', 'ROBOT_NAMESPACE'
    ]  # fmt: skip
