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

from pathlib import Path
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import her_ros
from her_ros.config.files import complete, read_file, shipped_file, to_yaml, with_overrides
from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.config.schema import configured, parameters_of
import her_ros.nodes.node as node_module
from her_ros.nodes.node import Diagnostics, read_parameters
from her_ros.tasks.registry import TASKS
import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters
import rclpy
from rclpy.context import Context

pytestmark = pytest.mark.nodes

# what stands in the section of the policy node, and what its one line has to name
WRONG = {
    'unknown': ('noise_sdt: 0.1', ["['noise_sdt']", 'exploration.noise_std']),
    'out of range': ('exploration.noise_std: 1.5', ['exploration.noise_std is 1.5', '[0, 1]']),
    'text for bool': (
        'exploration.enabled: "yes please"',
        ['exploration.enabled is', 'yes please', 'it must be true or false'],
    ),
    'int for text': ('task: 3', ['task is 3; it must be text']),
    'negative': ('seed: -1', ['seed is -1']),
    'unknown task': ('task: FetchTea', ["'FetchTea'", 'FetchReach']),
}


@pytest.fixture(scope='module')
def refused(shared_graph, tmp_path_factory):
    """Return a node per wrong parameter file, all started at once."""
    folder, nodes = tmp_path_factory.mktemp('params'), {}
    for number, (kind, (line, _)) in enumerate(WRONG.items()):
        path = folder / f'{number}.yaml'
        path.write_text(f'/**/policy:\n  ros__parameters:\n    {line}\n')
        arguments = ('--params-file', str(path))
        nodes[kind] = shared_graph.start('policy', f'/wrong_{number}', {}, arguments)
    return nodes


@pytest.mark.parametrize('kind', WRONG)
def test_a_wrong_parameter_is_one_line_and_status_2(refused, kind):
    assert refused[kind].ended() == 2
    (line,) = refused[kind].lines
    assert line.startswith('her_ros: ')
    for part in WRONG[kind][1]:
        assert part in line


@pytest.mark.parametrize('content', ['/**: [', '/**:\n  ros__parameters:\n    seed: [1, 2.5]\n'])
def test_a_damaged_parameter_file_is_named(graph, tmp_path, content):
    path = tmp_path / 'damaged.yaml'
    path.write_text(content)
    node = graph.start('policy', '/run', {}, ('--params-file', str(path)))
    assert node.ended() == 2
    # before that line rcl logs what it thinks of the file
    assert node.lines[-1].startswith('her_ros: ')
    assert str(path) in node.lines[-1]


def test_an_unknown_argument_is_one_line_and_status_2(graph):
    node = graph.run(sys.executable, '-m', 'her_ros.nodes.recorder', '--foo')
    assert node.ended() == 2
    (line,) = node.lines
    assert line.startswith("her_ros: unknown argument '--foo'")


def test_help_is_printed_without_ros(graph):
    node = graph.run(sys.executable, '-m', 'her_ros.nodes.recorder', '--help')
    assert node.ended() == 0
    assert node.output.startswith('The recorder node: one finished bag per rollout.\n')
    assert 'Start: ros2 run her_ros recorder' in node.output


def values_through_rclpy(path: Path):
    """Read a parameter file as the nodes of a run do."""
    context = Context()
    rclpy.init(args=['--ros-args', '--params-file', str(path)], context=context, domain_id=0)
    values = {}
    try:
        for name, config in NODE_PARAMETERS.items():
            node = rclpy.create_node(
                name,
                namespace='/her_ros/worker_0',
                context=context,
                automatically_declare_parameters_from_overrides=True,
                start_parameter_services=False,
                enable_rosout=False,
            )
            values[name] = read_parameters(node, config)
            node.destroy_node()
    finally:
        context.try_shutdown()
    return values


def test_integers_are_declared_as_the_floats_that_they_stand_for(graph):
    given = {'command.full_action_speed_mps': 1, 'base_pose': [0, 0, 0, 0, 0, 0, 1]}
    node = rclpy.create_node(
        'robot_bridge',
        context=graph._context,
        parameter_overrides=[rclpy.Parameter(name, value=value) for name, value in given.items()],
        automatically_declare_parameters_from_overrides=True,
    )
    config = read_parameters(node, RobotBridgeParameters)
    assert (config.command_full_action_speed_mps, config.base_pose) == (1.0, (0, 0, 0, 0, 0, 0, 1))
    speed, pose = (node.get_parameter(name) for name in given)
    assert (speed.type_, speed.value) == (rclpy.Parameter.Type.DOUBLE, 1.0)
    assert pose.type_ is rclpy.Parameter.Type.DOUBLE_ARRAY
    assert node.describe_parameter('command.full_action_speed_mps').read_only
    node.destroy_node()


@pytest.fixture(params=sorted(TASKS))
def shipped(request):
    return read_file(shipped_file(request.param))


def test_shipped_files_mean_the_same_to_rclpy_and_to_the_plain_reader(shipped):
    task = shipped['trainer']['task']
    path = Path(her_ros.__file__).parents[1] / 'config' / f'{task}.yaml'
    assert values_through_rclpy(path) == {
        name: configured(config, name, shipped[name]) for name, config in NODE_PARAMETERS.items()
    }


def test_the_file_of_a_run_means_the_same_to_both(tmp_path, shipped):
    # small, large and negative exponents among them
    overrides = (
        'trainer.actor.learning_rate=1e-08',
        'trainer.normalizer.minimum_std=1e9',
        'seed=2147483647',
    )
    values = complete(with_overrides(shipped, overrides))
    path = tmp_path / 'params.yaml'
    path.write_text(to_yaml(values))
    assert complete(read_file(path)) == values
    read = values_through_rclpy(path)
    assert read == {
        name: configured(config, name, values[name]) for name, config in NODE_PARAMETERS.items()
    }
    assert read['trainer'].actor_learning_rate == 1e-8


@pytest.fixture(scope='module')
def policy(shared_graph):
    return shared_graph.start(
        'policy', '/described', {'exploration.noise_std': 0.25, 'autostart': False}
    )


def test_parameters_describe_themselves(shared_graph, policy):
    known = parameters_of(NODE_PARAMETERS['policy'])
    given, default = 'exploration.noise_std', 'exploration.random_probability'
    response = shared_graph.call(
        DescribeParameters, '/described/policy/describe_parameters', names=[given, default, 'seed']
    )
    by_name = {each.name: each for each in response.descriptors}
    for name in (given, default):
        (limits,) = by_name[name].floating_point_range
        assert (limits.from_value, limits.to_value) == (0.0, 1.0)
        assert by_name[name].type == ParameterType.PARAMETER_DOUBLE
        assert by_name[name].description == known[name].description
    (limits,) = by_name['seed'].integer_range
    assert (limits.from_value, limits.to_value) == (0, 2**31 - 1)


def test_parameters_cannot_change_under_a_running_node(shared_graph, policy):
    value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=0.5)
    response = shared_graph.call(
        SetParameters,
        '/described/policy/set_parameters',
        parameters=[Parameter(name='exploration.noise_std', value=value)],
    )
    (result,) = response.results
    assert not result.successful


def test_a_running_node_refuses_simulated_time(shared_graph, policy):
    value = ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=True)
    (result,) = shared_graph.call(
        SetParameters,
        '/described/policy/set_parameters',
        parameters=[Parameter(name='use_sim_time', value=value)],
    ).results
    assert not result.successful
    assert result.reason == (
        'use_sim_time cannot be True; stamps are wall time here, leave it false'
    )
    # the clock of its stamps stays the wall's
    assert not shared_graph.node.count_subscribers('/clock')


def test_diagnostics_come_by_the_full_name_every_second(shared_graph, policy):
    name = '/described/policy'
    shared_graph.new_status(name)
    assert shared_graph.new_status(name).keys() >= {'message', 'level', 'waits_for', 'busy'}


def test_busy_is_the_cpu_time_of_the_process_per_second(monkeypatch, graph):
    """With clocks that the test sets, as a loaded machine gives a process any share of a core."""
    sent = []
    clocks = {'monotonic': 10.0, 'process_time': 3.0}
    publisher = SimpleNamespace(publish=sent.append)
    monkeypatch.setattr(graph.node, 'create_publisher', lambda *_: publisher)
    readers = {name: lambda name=name: clocks[name] for name in clocks}
    monkeypatch.setattr(node_module, 'time', SimpleNamespace(**readers))
    diagnostics = Diagnostics(graph.node, dict)

    def busy_after(seconds, cpu_seconds):
        clocks['monotonic'] += seconds
        clocks['process_time'] += cpu_seconds
        diagnostics.publish()
        return next(float(each.value) for each in sent[-1].status[0].values if each.key == 'busy')

    assert busy_after(0.5, 0.4) == 0.8
    assert busy_after(1.0, 1.5) == 1.5, 'two threads'
    assert busy_after(0.001, 0.0) == 1.5, 'too short to measure'
    assert busy_after(1.0, 0.0) == 0.0


def test_nodes_stop_when_told_to(graph):
    signals = {'/interrupted': signal.SIGINT, '/terminated': signal.SIGTERM}
    # Patient, as four nodes start on two cores.
    policy = {'exploration.enabled': True, 'watchdog.deadline_s': 5.0}
    parameters = {'sim_env': {'follow_collection_enabled': False}, 'policy': policy}
    nodes = {
        f'{namespace}/{name}': graph.start(name, namespace, values)
        for namespace in signals
        for name, values in parameters.items()
    }
    for name in nodes:
        graph.until(lambda n=name: graph.status(n), f'diagnostics of {name}')
    for name, node in nodes.items():
        node.popen.send_signal(signals[name.rpartition('/')[0]])
    for node in nodes.values():
        assert node.ended(10.0) == 0
        assert not [line for line in node.lines if '[ERROR]' in line]


def test_signals_that_come_again_do_no_harm(graph):
    """Ctrl-C reaches a node that launch starts twice: from the terminal, and from launch."""
    node = graph.start('policy', '/stubborn', {'exploration.enabled': True})
    graph.until(lambda: graph.status('/stubborn/policy'), 'diagnostics')
    while node.popen.poll() is None:
        node.popen.send_signal(signal.SIGINT)
        time.sleep(0.005)
    assert node.popen.returncode == 0
    assert not [line for line in node.lines if '[INFO]' not in line]


@pytest.mark.parametrize(
    ('error', 'status', 'said'),
    [
        ("HerRosError('the disk is full')", 2, 'her_ros: the disk is full'),
        ("KeyError('nobody knows')", 1, "KeyError: 'nobody knows'"),
    ],
)
def test_what_goes_wrong_at_the_end_of_a_node_is_reported(error, status, said):
    code = f"""if True:
        from rclpy.node import Node
        from her_ros.runtime.errors import HerRosError
        from her_ros.nodes.node import run
        class Ended(Node):
            def close(self):
                raise {error}
        run(lambda: Ended('ended'), lambda node: 0)
    """
    ended = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=40
    )
    assert ended.returncode == status
    *before, line = ended.stderr.splitlines()
    assert line == said
    assert any('Traceback' in each for each in before) == (status == 1)


def test_no_timer_of_a_node_depends_on_the_systems_clock():
    """One hour back would stop such a timer for an hour."""
    folder = Path(node_module.__file__).parent
    calls = [
        (path.name, line)
        for path in sorted(folder.glob('*.py'))
        for line in path.read_text().splitlines()
        if 'create_timer(' in line and 'def ' not in line
    ]
    assert calls
    assert [call for call in calls if 'clock=' not in call[1]] == []


def test_destructors_fail_silently_once_a_node_is_to_end(monkeypatch):
    class HalfMade:
        """Object whose destructor fails."""

        def __del__(self):
            raise AttributeError('made in part')

    shown = []
    monkeypatch.setattr(sys, 'unraisablehook', lambda error: shown.append(str(error.exc_value)))
    ending = threading.Event()
    node_module._hush_half_made(ending)
    HalfMade()
    assert shown == ['made in part']
    ending.set()
    HalfMade()
    assert shown == ['made in part']
