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

import importlib.util
import inspect
import json
import logging
import os
from pathlib import Path
import re
import shutil
import signal
from types import SimpleNamespace

import her_ros
from her_ros.cli.deploy import deploy
from her_ros.config.files import read_file, shipped_file, shipped_model
from her_ros.nodes.qos import LOCK_STEP
from her_ros.orchestration.deploy import deployment_values
from her_ros.orchestration.graph import ACCEPT_ARM_HELP, ARM_HELP, training_nodes
from her_ros.orchestration.prepare import prepare_run
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CloudDecoder
from her_ros.wire.rows import step_dtype
import pytest
from sensor_msgs.msg import PointCloud2

# These tests need ROS's launch, which has no wheels.
launch = pytest.importorskip('launch')
pytest.importorskip('launch_ros')
module = pytest.importorskip('her_ros.orchestration.launch_actions')

FOLDER = Path(her_ros.__file__).parents[1] / 'launch'
NAMES = ('train', 'simulate', 'record', 'deploy')


def loaded_file(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f'{name}.launch.py')
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def load(name):
    return loaded_file(name).generate_launch_description()


def defaults(name):
    arguments = load(name).get_launch_arguments()
    return {each.name: each.default_value[0].text for each in arguments}


@pytest.mark.parametrize('name', NAMES)
def test_every_argument_is_described_and_has_a_default(name):
    arguments = load(name).get_launch_arguments()
    assert arguments
    for argument in arguments:
        assert re.match('[A-Z].*[.]', argument.description)
        assert argument.default_value is not None
    (task,) = (argument for argument in arguments if argument.name == 'task')
    assert all(name in task.description for name in TASKS)


def test_a_deployment_has_the_defaults_of_its_command():
    command = {name: each.default for name, each in inspect.signature(deploy).parameters.items()}
    launched = {each.name: each.default_value for each in load('deploy').get_launch_arguments()}
    for name in ('task', 'robot', 'namespace'):
        assert launched[name][0].text == command[name]


def test_a_deployment_has_topics_and_safety_box_of_the_arm_in_its_file(monkeypatch, tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text(shipped_file('Push').read_text().replace('franka_panda', 'six_joint'))
    file = loaded_file('deploy')
    monkeypatch.setattr(file, 'node_actions', lambda nodes, params: (nodes, params))
    policy = str(shipped_model('FetchPush'))
    more = ('real', '', 'true', 'target_pose:=/mine', str(path), 'robot')
    (policy_node, bridge), params = file._nodes('Push', '', 'false', policy, *more)
    values, _ = deployment_values('Push', 'real', path)
    box = policy_node.parameters['safety.workspace']
    assert box == values['policy']['safety.workspace'] != [1.05, 0.4, 0.38, 1.6, 1.1, 1.0]
    assert 'safety.workspace' not in bridge.parameters
    assert bridge.remappings['target_pose'] == '/mine'
    assert not {'arm', 'accept_arm'} & policy_node.parameters.keys()
    assert params == path


def test_an_arm_that_is_an_argument_of_a_deployment_is_given_to_all_nodes(monkeypatch):
    file = loaded_file('deploy')
    monkeypatch.setattr(file, 'node_actions', lambda nodes, params: nodes)
    more = ('', 'simulated', '', 'true', '', '', 'robot')
    nodes = file._nodes('Push', 'six_joint', 'true', *more)
    assert [node.name for node in nodes] == ['policy', 'simulated_robot', 'robot_bridge']
    assert {node.parameters['arm'] for node in nodes} == {'six_joint'}
    assert [node.parameters.get('accept_arm') for node in nodes] == [True, None, None]
    values, _ = deployment_values('Push', 'simulated', None, ['arm=six_joint'])
    box = nodes[0].parameters['safety.workspace']
    assert box == values['policy']['safety.workspace'] != [1.05, 0.4, 0.38, 1.6, 1.1, 1.0]
    assert nodes[0].parameters['model'] == str(shipped_model('Push'))


@pytest.mark.parametrize('name', ['simulate', 'record'])
def test_an_arm_that_is_an_argument_is_given_to_all_nodes(monkeypatch, tmp_path, name):
    file = loaded_file(name)
    monkeypatch.setattr(file, 'node_actions', lambda nodes, params: nodes)
    given = defaults(name)
    given |= {'task': 'Push', 'arm': 'six_joint', 'accept_arm': 'true', 'run_dir': str(tmp_path)}
    nodes = file._nodes(**given)
    assert {node.parameters['arm'] for node in nodes} == {'six_joint'}
    assert all(node.parameters.get('accept_arm') for node in nodes if node.name == 'policy')


def test_training_begins_with_the_arm_that_is_an_argument(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    file = loaded_file('train')
    given = {
        each.name: each.default_value[0].text for each in load('train').get_launch_arguments()
    }
    file._nodes(**{**given, 'task': 'Push', 'arm': 'six_joint', 'namespace': tmp_path.name})
    file._HELD.pop().__exit__(None, None, None)
    values = read_file(tmp_path / 'runs' / 'Push' / 'run_001' / 'params.yaml')
    assert {own['arm'] for own in values.values()} == {'six_joint'}


@pytest.mark.parametrize('name', ['train', 'simulate', 'deploy'])
def test_launch_files_describe_the_arm_as_the_commands_do(name):
    arguments = {each.name: each.description for each in load(name).get_launch_arguments()}
    assert arguments['arm'].startswith(ARM_HELP)
    assert arguments.get('accept_arm', ACCEPT_ARM_HELP).startswith(ACCEPT_ARM_HELP)


@pytest.mark.parametrize(
    ('name', 'arguments', 'said'),
    [
        ('train', {'workers': '0'}, "workers is '0'"),
        ('train', {'workers': 'two'}, "workers is 'two'"),
        ('train', {'name': '../elsewhere'}, "'../elsewhere'"),
        ('train', {'runs': '/sys/runs'}, '/sys/runs/FetchReach/run_001: cannot be written'),
        ('train', {'params': '/nothing.yaml'}, '/nothing.yaml'),
        ('record', {'run_dir': '/sys/run'}, '/sys/run: cannot be written'),
        ('train', {'task': 'Push', 'arm': 'six_jont'}, "arm 'six_jont' is unknown"),
        ('simulate', {'arm': 'six_joint'}, "'FetchReach' is not done by other arms"),
        ('deploy', {'model': '/nothing.onnx'}, '/nothing.onnx: no such file'),
        ('deploy', {'task': 'Push', 'arm': 'six_jont'}, "arm 'six_jont' is unknown"),
        ('deploy', {'arm': 'six_joint'}, "'FetchPush' is not done by other arms"),
        ('deploy', {'task': 'Push', 'arm': 'mine.yaml', 'run_dir': 'runs'}, 'gone.xml is missing'),
        ('simulate', {'task': 'Push', 'arm': 'mine.yaml', 'run_dir': 'runs'}, 'gone.xml is mis'),
        ('train', {'task': 'Push', 'arm': 'mine.yaml'}, 'gone.xml is missing'),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_starts(
    monkeypatch, tmp_path, caplog, name, arguments, said
):
    monkeypatch.chdir(tmp_path)
    arm = (FOLDER.parent / 'config' / 'arms' / 'six_joint.yaml').read_text()
    Path('mine.yaml').write_text(arm.replace('six_joint.xml', 'gone.xml'))
    source = launch.launch_description_sources.PythonLaunchDescriptionSource(
        str(FOLDER / f'{name}.launch.py')
    )
    service = launch.LaunchService(noninteractive=True)
    logging.getLogger('launch.user').addHandler(caplog.handler)
    service.include_launch_description(
        launch.LaunchDescription(
            [launch.actions.IncludeLaunchDescription(source, launch_arguments=arguments.items())]
        )
    )
    service.run()
    output = caplog.text
    assert said in output
    assert 'Traceback' not in output
    assert 'process started' not in output
    assert not Path('runs').exists()


def write_result(path, outcome):
    numbers = ('success_rate', 'best_success_rate', 'env_steps', 'episodes', 'updates', 'wall_s')
    result = {'task': 'FetchReach', 'outcome': outcome, 'seed': 0, 'evaluations': []}
    path.write_text(json.dumps({**result, **dict.fromkeys(numbers, 0)}))


@pytest.fixture
def at_exit(tmp_path):
    """Say what launch does when a node ends: (node, exit status) to the reason of a shutdown."""
    rule = module.RestartRule()
    handlers = {
        spec.name: module._exit_handler(spec, rule)
        for spec in training_nodes('her_ros', 1, str(tmp_path))
    }

    def at_exit(name, returncode, is_shutdown=False):
        event = SimpleNamespace(returncode=returncode)
        action = handlers[name](event, SimpleNamespace(is_shutdown=is_shutdown))
        if action is None:
            return None
        _, end = action
        assert isinstance(end, launch.actions.EmitEvent)
        assert isinstance(end.event, launch.events.Shutdown)
        return end.event.reason

    return at_exit


def test_the_trainers_success_ends_the_launch(at_exit, tmp_path):
    assert at_exit('policy', 0) is None
    assert at_exit('trainer', 1) is None
    # told to end before the run was over
    assert at_exit('trainer', 0) is None
    write_result(tmp_path / 'result.json', 'solved')
    assert at_exit('trainer', 0) == 'solved; /her_ros/trainer has finished the run'
    assert at_exit('trainer', 0, is_shutdown=True) is None


def test_a_run_that_is_not_solved_fails_the_launch(at_exit, tmp_path):
    write_result(tmp_path / 'result.json', 'limit')
    with pytest.raises(module.LaunchError, match='not solved within its limit; /her_ros/trainer'):
        at_exit('trainer', 0)


@pytest.mark.parametrize('outcome', ['solved', 'limit'])
def test_a_finished_run_has_the_status_of_its_end(tmp_path, outcome):
    folder = prepare_run('FetchReach', tmp_path).folder
    write_result(folder.result, outcome)
    service = launch.LaunchService(noninteractive=True)
    source = launch.launch_description_sources.PythonLaunchDescriptionSource(
        str(FOLDER / 'train.launch.py')
    )
    arguments = {'runs': str(tmp_path)}.items()
    service.include_launch_description(
        launch.LaunchDescription(
            [launch.actions.IncludeLaunchDescription(source, launch_arguments=arguments)]
        )
    )
    assert service.run() == (0 if outcome == 'solved' else 1)


def test_three_deaths_end_the_launch(at_exit):
    assert at_exit('policy', -9) is None
    assert at_exit('recorder', -9) is None
    assert at_exit('policy', 1) is None
    assert at_exit('recorder', -9) is None
    with pytest.raises(module.LaunchError, match='policy died 3 times'):
        at_exit('policy', -9)


def test_a_node_that_needs_its_user_fails_the_launch(at_exit):
    with pytest.raises(module.LaunchError, match='policy needs its user'):
        at_exit('policy', module.USER_ERROR)


@pytest.fixture
def ros2_launch(graph, tmp_path):
    """Start one of our launch files as an installed package's."""
    packages = pytest.importorskip('ament_index_python.packages')
    try:
        packages.get_package_prefix('her_ros')
    except LookupError:
        pytest.skip('her_ros is not installed as a ROS package')
    if not (ros2 := shutil.which('ros2')):
        pytest.skip('there is no ros2 command')
    return lambda launch_file, **arguments: graph.run(
        ros2, 'launch', 'her_ros', f'{launch_file}.launch.py',
        *(f'{key}:={value}' for key, value in arguments.items()),
    )  # fmt: skip


@pytest.mark.nodes
def test_simulation_runs_restarts_and_stops(graph, ros2_launch, node_processes):
    sessions, decoder = {}, CloudDecoder(step_dtype(TASKS['FetchReach']))

    def note(cdr):
        rows = decoder.decode([cdr])[0]
        sessions[int(rows['session'][0])] = int(rows['episode'][0])

    graph.node.create_subscription(PointCloud2, '/mine/worker_0/step', note, LOCK_STEP, raw=True)
    command = ros2_launch('simulate', task='FetchReach', namespace='mine')
    graph.until(lambda: max(sessions.values(), default=0) > 1, 'a second rollout')
    (pid,) = node_processes('/lib/her_ros/sim_env')
    os.kill(pid, signal.SIGKILL)
    graph.until(lambda: len(sessions) == 2, 'another session')
    command.interrupt()
    assert command.ended(15.0) == 0
    assert not node_processes('')


@pytest.mark.nodes
def test_training_ends_by_itself_under_launch(graph, ros2_launch, tmp_path):
    command = ros2_launch('train', task='FetchReach', runs=tmp_path / 'runs', name='mine')
    assert command.ended(240.0) == 0
    assert 'solved; /her_ros/trainer has finished the run' in command.output
    folder = tmp_path / 'runs' / 'FetchReach' / 'mine'
    assert (folder / 'policy.onnx').exists()
    assert (folder / 'result.json').exists()
    again = ros2_launch('train', task='FetchReach', runs=tmp_path / 'runs', name='mine')
    assert again.ended() == 0
    assert 'finished already' in again.output
    assert 'process started' not in again.output


@pytest.mark.nodes
def test_a_failed_run_is_a_status(ros2_launch, tmp_path):
    damaged = tmp_path / 'damaged.onnx'
    damaged.write_bytes(b'nothing')
    command = ros2_launch('deploy', model=damaged, robot='none')
    assert command.ended(30.0) == 1
    assert 'policy needs its user' in command.output


@pytest.mark.nodes
def test_a_second_launch_is_refused_while_a_node_of_a_killed_one_lives(
    graph, ros2_launch, node_processes, tmp_path, wait
):
    arguments = {'task': 'FetchReach', 'runs': tmp_path / 'runs', 'name': 'mine'}
    command = ros2_launch('train', **arguments)
    graph.until(lambda: graph.status('/her_ros/trainer'), 'the trainer')
    (trainer,) = node_processes('/lib/her_ros/trainer')
    os.kill(trainer, signal.SIGSTOP)
    os.kill(command.popen.pid, signal.SIGKILL)
    wait(lambda: len(node_processes('')) == 1, 'the end of the other nodes', 15.0)
    second = ros2_launch('train', **arguments)
    assert second.ended(40.0) == 1
    assert 'trainer' in second.output
    os.kill(trainer, signal.SIGCONT)
    wait(lambda: not node_processes(''), 'the end of all nodes', 15.0)
