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

"""Fixtures: peers for the topics of the nodes under test."""

from collections.abc import Callable, Iterator
import itertools
from pathlib import Path
import struct
import time
from typing import Any, ClassVar

from her_ros.bags.rollout import run_metadata
from her_ros.bags.writer import write_rollout
from her_ros.nodes.messages import policy_message
from her_ros.nodes.qos import LATCHED, RECORDING
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.rollout import Rollout
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.wire.cloud import CloudDecoder, encode_cloud
from her_ros.wire.rows import action_dtype, IDENTITY, identity_of, Rows, step_dtype
from her_ros.wire.topics import ACTION, STEP
import numpy as np
from numpy.typing import NDArray
import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import UInt8MultiArray


class EnvPartner:
    """Plays the policy towards a ``sim_env``."""

    def __init__(self, graph: Any, namespace: str, task: str) -> None:
        self._graph = graph
        self.task: GoalTask = task_named(task)
        self.received: list[Rows] = []
        self.sent_at: list[float] = []
        self._decoder = CloudDecoder(step_dtype(self.task))
        topic = f'{namespace}/{STEP}'
        self._what = f'a new state on {topic}'
        graph.node.create_subscription(PointCloud2, topic, self._take, RECORDING, raw=True)
        self._publisher = graph.node.create_publisher(
            PointCloud2, f'{namespace}/{ACTION}', RECORDING
        )

    def _take(self, cdr: bytes) -> None:
        self.received.append(self._decoder.decode([cdr])[0])
        seconds, nanoseconds = struct.unpack_from('<iI', cdr, 4)  # the stamp, in CDR
        self.sent_at.append(seconds + nanoseconds / 1e9)

    @property
    def rows(self) -> Rows:
        """Return the present state."""
        self._graph.until(lambda: self.received, self._what)
        return self.received[-1]

    def repeated(self) -> Rows:
        """Wait for the next message, whatever it says."""
        count = len(self.received)
        self._graph.until(lambda: len(self.received) > count, self._what)
        return self.received[count]

    def answers(self, actions: NDArray[np.float32] | float, version: int = 1) -> Rows:
        """Make the answers to the present state."""
        answers = np.zeros(len(self.rows), action_dtype(self.task))
        for name in IDENTITY:
            answers[name] = self.rows[name]
        answers['action'], answers['policy_version'] = actions, version
        return answers

    def send(self, message: Rows | bytes) -> None:
        """Publish answers, or anything else."""
        cdr = message if isinstance(message, bytes) else encode_cloud(message, time.time_ns())
        self._publisher.publish(cdr)

    def exchange(self, *messages: Rows | bytes) -> Rows:
        """Send messages, then wait for another state than the present one; return it."""
        state = self.rows
        # What a reliable publisher sends after this is not lost.
        self._graph.until(self._publisher.get_subscription_count, 'a subscriber of actions')
        for message in messages:
            self.send(message)
        self._graph.until(
            lambda: any((self.received[-1][name] != state[name]).any() for name in IDENTITY),
            self._what,
        )
        return self.received[-1]

    def step(self, actions: NDArray[np.float32] | float) -> Rows:
        """Answer the present state; return the next one that wants an answer, or is the last."""
        return self.exchange(self.answers(actions))

    def finish_rollout(self) -> None:
        """Play until the last state has come."""
        while not self.rows['truncated'].all():
            self.step(0.0)

    def next_rollout(self) -> Rows:
        """Play until a rollout begins; return its first state."""
        episode = self.rows['episode'][0]
        self.finish_rollout()
        self._graph.until(lambda: self.rows['episode'][0] > episode, self._what)
        return self.rows


@pytest.fixture(scope='session')
def make_env_partner() -> Callable[..., EnvPartner]:
    """Make the other end of a ``sim_env``: (graph, namespace, task name)."""
    return EnvPartner


@pytest.fixture(scope='module')
def sim_envs(request: pytest.FixtureRequest, shared_graph: Any) -> dict[str, Any]:
    """Start a ``sim_env`` for each name of the module's ``NODES``, with its parameters."""
    return {
        name: shared_graph.start('sim_env', name, parameters)
        for name, parameters in request.module.NODES.items()
    }


@pytest.fixture(scope='module')
def make_sim_partner(
    request: pytest.FixtureRequest, shared_graph: Any, sim_envs: dict[str, Any]
) -> Callable[[str], EnvPartner]:
    """Make the other end of one of ``sim_envs``, by its name."""
    nodes = request.module.NODES
    return lambda name: EnvPartner(shared_graph, name, nodes[name]['task'])


class StatePartner:
    """Plays an environment towards a ``policy`` or a ``recorder``."""

    _SESSIONS = itertools.count(1)
    #: by domain and namespace: when another partner may speak
    _MAY_SPEAK_AT: ClassVar[dict[tuple[int, str], float]] = {}
    #: nodes accept another session after this silence, seconds; with some margin
    _SILENCE_S = 0.7

    def __init__(
        self, graph: Any, namespace: str, task: str = 'FetchReach', node: Any = None
    ) -> None:
        self._graph = graph
        self.task: GoalTask = task_named(task)
        self.received: list[Rows] = []
        self._namespace = namespace
        self._decoder = CloudDecoder(action_dtype(self.task))
        self._node = node or graph.node
        self._generator = np.random.default_rng(0)
        self.session = next(self._SESSIONS)
        self._has_spoken = False
        self.publisher = self._node.create_publisher(PointCloud2, f'{namespace}/{STEP}', RECORDING)
        topic = f'{namespace}/{ACTION}'
        self._node.create_subscription(PointCloud2, topic, self._take, RECORDING, raw=True)

    def _take(self, cdr: bytes) -> None:
        self.received.append(self._decoder.decode([cdr])[0])

    def states(self, episode: int, step: int, count: int = 2, truncated: bool = False) -> Rows:
        """Draw ``step`` rows of the present session."""
        rows = np.zeros(count, step_dtype(self.task))
        rows['session'], rows['env'] = self.session, range(count)
        rows['episode'], rows['step'] = episode, step
        for name in ('observation', 'achieved_goal', 'desired_goal'):
            rows[name] = self._generator.normal(size=rows[name].shape)
        rows['truncated'] = truncated
        return rows

    def send(self, rows: Rows) -> None:
        """Publish states, once somebody listens."""
        self._graph.until(
            self.publisher.get_subscription_count, f'a subscriber of {self._namespace}/{STEP}'
        )
        place = self._graph.domain, self._namespace
        while not self._has_spoken and time.monotonic() < self._MAY_SPEAK_AT.get(place, 0.0):
            self._graph.spin()
        self._has_spoken = True
        self._MAY_SPEAK_AT[place] = time.monotonic() + self._SILENCE_S
        self.publisher.publish(encode_cloud(rows, time.time_ns()))

    def leave(self) -> None:
        """Leave the topic, as an environment that ends."""
        self._node.destroy_publisher(self.publisher)

    def ask(self, rows: Rows) -> Rows:
        """Publish states; return the answer that names one of them."""
        # An answer needs its publisher and us to know each other.
        topic = f'{self._namespace}/{ACTION}'
        self._graph.until(lambda: self._node.count_publishers(topic), f'a publisher of {topic}')
        count, sent_at = len(self.received), 0.0

        def answers() -> list[Rows]:
            # What answers rows sent twice, before, is none.
            asked = {*map(tuple, identity_of(rows).tolist())}
            return [
                answer
                for answer in self.received[count:]
                if asked.intersection(map(tuple, identity_of(answer).tolist()))
            ]

        def answered() -> bool:
            nonlocal sent_at
            # As an environment does: who is known here may not know us yet, and miss the first.
            if not (found := bool(answers())) and time.monotonic() - sent_at > 5.0:
                sent_at = time.monotonic()
                self.send(rows)
            return found

        self._graph.until(answered, f'an answer on {topic}')
        return answers()[-1]

    def offer(self, content: bytes, signature: bytes = b'') -> None:
        """Publish a policy, and see that it arrives."""
        publisher = self._node.create_publisher(
            UInt8MultiArray, f'{self._namespace}/policy', LATCHED
        )
        self._graph.until(publisher.get_subscription_count, 'a subscriber of policies')
        publisher.publish(policy_message(content, signature))
        self._graph.acked(publisher)
        self._node.destroy_publisher(publisher)


@pytest.fixture
def make_state_partner() -> Iterator[Callable[..., StatePartner]]:
    """Make the other end of a ``policy``: (graph, namespace, task name, node to be of)."""
    partners: list[StatePartner] = []

    def make(*arguments: Any, **options: Any) -> StatePartner:
        partners.append(StatePartner(*arguments, **options))
        return partners[-1]

    yield make
    for partner in partners:
        partner.leave()


@pytest.fixture(scope='session')
def write_bag() -> Callable[..., Path]:
    """Record a rollout of two environments that act at random: (folder, name, task, seed)."""

    def write(folder: Path, name: str, task: str = 'FetchReach', seed: int = 0) -> Path:
        named, generator = task_named(task), np.random.default_rng(seed)
        rollout = Rollout(named, FetchBatch(named, [2 * seed, 2 * seed + 1]), session=seed)
        messages = [rollout.start()]
        while not rollout.finished:
            rollout.accept_all(generator.uniform(-1, 1, (2, 4)).astype(np.float32), 1)
            messages.append(rollout.advance())
        return write_rollout(folder, name, run_metadata(named), messages)

    return write


@pytest.fixture(scope='session')
def calm() -> dict[str, Any]:
    """Leave an action as it is, and have patience with a busy machine: parameters of a policy."""
    return {
        'safety.workspace': [-100.0] * 3 + [100.0] * 3,
        'safety.max_action_change': 2.0,
        'safety.max_action_acceleration': 4.0,
        'safety.ramp_s': 0.0,
        'watchdog.deadline_s': 10.0,
    }


@pytest.fixture(scope='session')
def models(
    tmp_path_factory: pytest.TempPathFactory, export_policy: Callable[..., bytes]
) -> dict[str, Path]:
    """Write policy files by name, of which one is missing."""
    folder = tmp_path_factory.mktemp('models')
    good = export_policy(version=4)
    contents = {
        'good': good,
        'better': export_policy(version=5, seed=5),
        'damaged': good[: len(good) // 2],
        'foreign': export_policy(task='FetchPush'),
    }
    for name, content in contents.items():
        (folder / f'{name}.onnx').write_bytes(content)
    return {name: folder / f'{name}.onnx' for name in (*contents, 'missing')}


@pytest.fixture(scope='session')
def set_model() -> Callable[..., str]:
    """Set the parameter model of a ``policy``, and more; return why not, or nothing."""

    def ask(graph: Any, namespace: str, model: Path, **more: str) -> str:
        text = ParameterType.PARAMETER_STRING
        parameters = [
            Parameter(name=name, value=ParameterValue(type=text, string_value=value))
            for name, value in {**more, 'model': str(model)}.items()
        ]
        service = f'{namespace}/policy/set_parameters'
        *_, result = graph.call(SetParameters, service, parameters=parameters).results
        assert result.successful != bool(result.reason)
        return str(result.reason)

    return ask


@pytest.fixture(scope='module')
def start_policies(shared_graph: Any) -> Callable[..., dict[str, Any]]:
    """Start a ``policy`` per namespace, with the parameters that stand there."""
    return lambda parameters: {
        namespace: shared_graph.start('policy', namespace, values)
        for namespace, values in parameters.items()
    }
