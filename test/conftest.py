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

"""Real nodes over DDS, on a domain of their own: what the tests of nodes and commands share."""

from collections.abc import Callable, Iterator, Mapping
import contextlib
import ctypes
import itertools
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import Any
import uuid

from campaign.processes import claimed_domain, DOMAINS
from her_ros.bags.writer import write_rollout
from her_ros.episodes.episode import Episode
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.wire.rows import Rows, step_dtype
import numpy as np
import pytest

pytest_plugins = ['commands', 'menagerie', 'packages', 'policies']

_OF_ROS = (
    'FASTDDS_', 'FASTRTPS_', 'PYTHONUNBUFFERED', 'RCUTILS_', 'RMW_', 'ROS_AUTOMATIC_', 'ROS_DISC',
    'ROS_LOCALHOST', 'ROS_STATIC',
)  # fmt: skip
# Everything that a test run starts inherits it, so that leftovers are found.
_MARK = 'HER_ROS_TEST_RUN'
_DOMAINS = itertools.cycle(DOMAINS)
# Long enough for a machine that is busy with other things.
_PATIENCE_S = 40.0


def _read(path: str) -> bytes:
    with contextlib.suppress(OSError), open(path, 'rb') as file:
        return file.read()
    return b''


def _node_processes(mark: str, part: str = '') -> dict[int, str]:
    """List the nodes of this test run whose command line holds a text."""
    found = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        command = _read(f'/proc/{pid}/cmdline').replace(b'\0', b' ').decode(errors='replace')
        # started as modules, or as an installed package's executables
        is_node = 'her_ros.nodes.' in command or '/lib/her_ros/' in command
        if is_node and part in command and mark.encode() in _read(f'/proc/{pid}/environ'):
            found[int(pid)] = command
    return found


def _wait(condition: Callable[[], Any], what: str, timeout_s: float = _PATIENCE_S) -> Any:
    """Return the first true value of a condition."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f'{what}: not within {timeout_s} s'
        time.sleep(0.02)
    return value


@pytest.fixture(scope='session')
def wait() -> Callable[..., Any]:
    """Poll a condition with a deadline."""
    return _wait


@pytest.fixture(scope='session', autouse=True)
def run_mark() -> Iterator[str]:
    """Mark all processes of this test run, and see at its end that no node is left."""
    mark = os.environ[_MARK] = uuid.uuid4().hex
    # Whatever the developer's own shell sets.
    for name in [name for name in os.environ if name.startswith(_OF_ROS)]:
        del os.environ[name]
    os.environ.update(graph_environment())
    # Tests that run at the same time start at different ones.
    for _ in range(os.getpid() % len(DOMAINS)):
        next(_DOMAINS)
    yield mark
    _wait(lambda: not _node_processes(mark), f'an end of {_node_processes(mark)}', timeout_s=10.0)


@pytest.fixture(scope='session')
def node_processes(run_mark: str) -> Callable[[str], dict[int, str]]:
    """List the nodes of this test run whose command line holds a text, by process id."""
    return lambda part: _node_processes(run_mark, part)


@pytest.fixture
def recorded_run(tmp_path: Path) -> Path:
    """Return a run folder with one bag: eight walks of FetchReach's gripper."""
    task, random = task_named('FetchReach'), np.random.default_rng(0)
    folder = tmp_path / 'runs/FetchReach/run_001/bags'
    folder.mkdir(parents=True)
    episodes = []
    for number in range(8):
        path = random.normal(scale=0.02, size=(51, 3)).cumsum(0)
        observation = random.normal(scale=0.01, size=(51, task.observation_size))
        action = random.uniform(-1, 1, (50, 4))
        episode = Episode.from_arrays(task, observation, path, [1.0, 1.0, 1.0], action)
        episode.rows['env'] = number
        episodes.append(episode.rows)
    write_rollout(folder, 'walks', {'task': task.name}, list(np.array(episodes).T))
    return folder.parent


@pytest.fixture(autouse=True)
def _small_numbers() -> None:
    """Undo what a command that learns set in this process: denormals count again."""
    if torch := sys.modules.get('torch'):
        torch.set_flush_denormal(False)


def _die_with_tests() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """A started program and what it prints."""

    def __init__(self, command: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        with log.open('wb') as output:
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
                preexec_fn=_die_with_tests,
            )

    @property
    def output(self) -> str:
        """Return the output so far."""
        return self.log.read_text(errors='replace')

    @property
    def lines(self) -> list[str]:
        """Lines printed so far."""
        return self.output.splitlines()

    def interrupt(self) -> None:
        """Do as Ctrl-C does."""
        self.popen.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill -9, and wait for the end."""
        # launch leaves its children behind, in its group
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def ended(self, timeout_s: float = _PATIENCE_S) -> int:
        """Wait for the end; return the exit status."""
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            pytest.fail(f'still running after {timeout_s} s; it printed:\n{self.output}')


class Graph:
    """Processes on one ROS domain, and a node of the test's own among them."""

    def __init__(self, domain: int, folder: Path) -> None:
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor

        self.domain = domain
        self._folder = folder
        self._processes: list[Process] = []
        self._context = Context()
        rclpy.init(args=[], context=self._context, domain_id=domain)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._nodes: list[Any] = []
        self.node = self.new_node('test')
        self._status: dict[str, dict[str, str]] = {}
        from diagnostic_msgs.msg import DiagnosticArray
        from her_ros.nodes.qos import STATUS
        from her_ros.wire.topics import DIAGNOSTICS

        self.node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_status, STATUS)

    def new_node(self, name: str, namespace: str = '/') -> Any:
        """Make one more node of the test's own."""
        import rclpy

        node = rclpy.create_node(
            name, namespace=namespace, context=self._context, start_parameter_services=False
        )
        self._executor.add_node(node)
        self._nodes.append(node)
        return node

    def _on_status(self, message: Any) -> None:
        for status in message.status:
            values = {item.key: item.value for item in status.values}
            level = str(ord(status.level))
            self._status[status.name] = {**values, 'message': status.message, 'level': level}

    def status(self, name: str) -> dict[str, str]:
        """Return the last diagnostics of a node; empty before the first."""
        return self._status.get(name, {})

    def new_status(self, name: str) -> dict[str, str]:
        """Return the next diagnostics of a node that come from now on."""
        self._status.pop(name, None)
        return self.until(lambda: self.status(name), f'diagnostics of {name}')

    def run(self, *command: str, **environment: str) -> Process:
        """Start a program."""
        log = self._folder / f'{len(self._processes):03d}.log'
        process = Process(list(command), log, environment)
        self._processes.append(process)
        return process

    def start(
        self,
        node: str,
        namespace: str = '/run',
        parameters: Mapping[str, Any] | None = None,
        arguments: tuple[str, ...] = (),
        **environment: str,
    ) -> Process:
        """Start a node of the package."""
        command = [sys.executable, '-m', f'her_ros.nodes.{node}', '--ros-args']
        command += ['-r', f'__ns:={namespace}', *arguments]
        for name, value in (parameters or {}).items():
            text = value if isinstance(value, str) and value else json.dumps(value)
            command += ['-p', f'{name}:={text}']
        return self.run(*command, **environment)

    def cli(self, *arguments: str, **environment: str) -> Process:
        """Start ``her-ros``."""
        return self.run(sys.executable, '-m', 'her_ros.cli.main', *arguments, **environment)

    def spin(self, seconds: float = 0.02) -> None:
        """Let the test's own nodes take in what comes."""
        self._executor.spin_once(timeout_sec=seconds)

    def until(
        self, condition: Callable[[], Any], what: str, timeout_s: float = _PATIENCE_S
    ) -> Any:
        """Spin until a condition holds; return its value."""
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > deadline:
                logs = '\n'.join(f'{p.log}:\n{p.output}' for p in self._processes)
                pytest.fail(f'{what}: not within {timeout_s} s; logs:\n{logs}')
            self.spin()
        return value

    def acked(self, publisher: Any) -> None:
        """See that all subscribers have what was published."""
        from rclpy.duration import Duration

        arrived = publisher.wait_for_all_acked(Duration(seconds=_PATIENCE_S))
        assert arrived, f'{publisher.topic_name}: not acknowledged'

    def call(self, service_type: Any, name: str, **request: Any) -> Any:
        """Call a service; return its response."""
        client = self.node.create_client(service_type, name)
        try:
            self.until(client.service_is_ready, f'service {name}')
            future = client.call_async(service_type.Request(**request))
            self.until(future.done, f'answer of {name}')
            return future.result()
        finally:
            self.node.destroy_client(client)

    def close(self) -> None:
        """Kill what runs, and see that nothing failed in a way that nobody thought of."""
        for process in self._processes:
            process.kill()
        self._executor.shutdown()
        for node in self._nodes:
            node.destroy_node()
        self._context.try_shutdown()
        for process in self._processes:
            assert 'Traceback' not in process.output, process.output


@contextlib.contextmanager
def _graph(folder: Path) -> Iterator[Graph]:
    domains = itertools.islice(_DOMAINS, len(DOMAINS))
    with pytest.MonkeyPatch.context() as patch, claimed_domain(domains) as domain:
        patch.setenv('ROS_DOMAIN_ID', str(domain))
        patch.setenv('ROS_LOG_DIR', str(folder))
        graph = Graph(domain, folder)
        try:
            yield graph
        finally:
            graph.close()


@pytest.fixture
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """Give a test a ROS domain of its own."""
    with _graph(tmp_path_factory.mktemp('graph')) as graph:
        yield graph


@pytest.fixture(scope='module')
def shared_graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """Give the tests of a module a ROS domain, for nodes that they share."""
    with _graph(tmp_path_factory.mktemp('graph')) as graph:
        yield graph


@pytest.fixture(scope='session')
def export_policy() -> Callable[..., bytes]:
    """Export an untrained policy: (task name, version, seed of its weights)."""

    def export(task: str = 'FetchReach', version: int = 1, seed: int = 0) -> bytes:
        from her_ros.config.parameters.learner import LearnerParameters
        from her_ros.learning.learner import Learner
        from her_ros.tasks.registry import task_named

        parameters = LearnerParameters(hidden_sizes=(8,), seed=seed, replay_capacity=100)
        return Learner(task_named(task), parameters).policy(version, {})

    return export


@pytest.fixture
def toy() -> GoalTask:
    """Return a task whose sizes all differ."""
    return GoalTask('Toy', (('position', 2), ('velocity', 3)), 2, 4, 0.25, 0.1, 20)


@pytest.fixture
def make_episode_rows(toy: GoalTask) -> Callable[..., Rows]:
    """Make the rows of an episode of ``length`` moves that the time limit ended."""

    def make(length: int = 4, env: int = 0, episode: int = 1, session: int = 7) -> Rows:
        random = np.random.default_rng([length, env, episode, session])
        rows = np.zeros(length + 1, step_dtype(toy))
        rows['session'], rows['env'], rows['episode'] = session, env, episode
        rows['step'] = np.arange(length + 1)
        rows['observation'] = random.normal(size=rows['observation'].shape)
        rows['achieved_goal'] = random.normal(size=rows['achieved_goal'].shape)
        rows['desired_goal'] = random.normal(size=toy.goal_size)
        rows['action'][1:] = random.uniform(-1, 1, (length, toy.action_size))
        rows['reward'][1:] = -random.integers(0, 2, length)
        rows['truncated'][-1] = 1
        return rows

    return make
