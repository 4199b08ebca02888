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

"""Random messages and requests to every topic and service of live nodes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
import importlib
from pathlib import Path
import time
from typing import Any

from campaign.figures import Figure
from campaign.fuzz import damaged, filled
from campaign.processes import Child, claimed_domain, Observer, running_nodes
from her_ros.config.files import shipped_model
from her_ros.config.parameters.policy import SafetyParameters
from her_ros.orchestration.graph import deployment_nodes, training_nodes
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CloudDecoder
from her_ros.wire.rows import action_dtype, step_dtype
from her_ros.wire.topics import ACTION, DIAGNOSTICS, GOAL, STEP
import numpy as np

# Lifecycle transitions that finalize a node by design.
_SHUTDOWNS = (5, 6, 7)
_MESSAGES_AT_ONCE = 8
_LARGEST_BOOL = 8
# Python and Fast DDS settle within the first tenth. What a node keeps of what it hears (layouts of
# messages, counts by topic, log lines) is bounded by a few megabytes.
_GROWTH_MB = 50.0
_TASK = TASKS['FetchPush']


class Fuzzer:
    """
    Sends random messages and requests to one node.

    :param other: takes part in the graph
    :param child: the node
    """

    def __init__(self, other: Observer, child: Child, seed: int) -> None:
        self._other, self._child = other, child
        self._random = np.random.default_rng([seed, *child.name.encode()])
        namespace, _, name = child.name.rpartition('/')
        node = other.node
        kinds = other.until(
            lambda: node.get_subscriber_names_and_types_by_node(name, namespace),
            f'topics of {child.name}',
        )
        self._publishers = [self._publisher(topic, _class(types[0])) for topic, types in kinds]
        services = node.get_service_names_and_types_by_node(name, namespace)
        self._clients = [node.create_client(_class(types[0]), each) for each, types in services]
        self._seen: dict[str, list[bytes]] = {}
        self._waiting: list[Any] = []
        self.sent = 0

    def _publisher(self, topic: str, kind: Any) -> Any:
        from rclpy.qos import QoSProfile

        found = self._other.node.get_subscriptions_info_by_topic(topic)
        profile = QoSProfile(depth=_MESSAGES_AT_ONCE, durability=found[0].qos_profile.durability)
        node = self._other.node
        node.create_subscription(
            kind, topic, lambda cdr: self._note(topic, cdr), profile, raw=True
        )
        return node.create_publisher(kind, topic, profile)

    def _note(self, topic: str, cdr: bytes) -> None:
        """Keep a few messages of the graph's own to damage."""
        kept = self._seen.setdefault(topic, [])
        if len(kept) < 20 and _is_readable(topic, cdr):
            kept.append(cdr)

    def step(self) -> None:
        """Send a few messages on one topic, and a request to one service."""
        if self._publishers and self._random.random() < 0.8:
            publisher = self._publishers[self._random.integers(len(self._publishers))]
            for _ in range(_MESSAGES_AT_ONCE):
                self._publish(publisher)
        if self._clients and self._random.random() < 0.5:
            self._request(self._clients[self._random.integers(len(self._clients))])
        self._other.spin()
        self._waiting = [each for each in self._waiting if not each.done()][-50:]

    def _publish(self, publisher: Any) -> None:
        from rclpy.serialization import serialize_message
        from std_msgs.msg import Bool

        topic, random = publisher.topic_name, self._random
        kept = self._seen.get(topic)
        if kept and random.random() < 0.7:
            message = kept[random.integers(len(kept))]
        else:
            message = serialize_message(filled(publisher.msg_type(), random))
        if random.random() < 0.8:
            message = damaged(message, random)
        if publisher.msg_type is Bool and len(message) > _LARGEST_BOOL:
            return  # Fast DDS refuses to send it, and prints so
        try:
            publisher.publish(message)
            self.sent += 1
        except RuntimeError:
            pass  # longer than its type can be

    def _request(self, client: Any) -> None:
        request = filled(client.srv_type.Request(), self._random)
        transition = getattr(request, 'transition', None)
        if transition is not None:
            transition.id = int(self._random.integers(256))
            transition.label = ''
            if transition.id in _SHUTDOWNS:
                return
        if client.service_is_ready():
            self._waiting.append(client.call_async(request))
            self.sent += 1


def _is_readable(topic: str, cdr: bytes) -> bool:
    """Tell whether a message is not a ``step`` message that cannot be read."""
    if not topic.endswith(f'/{STEP}'):
        return True
    try:
        (rows,) = CloudDecoder(step_dtype(_TASK)).decode([cdr])
    except HerRosError:
        return False
    return len(rows) > 0


def _class(name: str) -> Any:
    """Return the class of a message or service, such as ``std_msgs/msg/Bool``."""
    package, kind, name = name.split('/')
    return getattr(importlib.import_module(f'{package}.{kind}'), name)


class ActionWatch:
    """Counts actions of a deployed policy that are not finite or too large."""

    def __init__(self, other: Observer, limit: float) -> None:
        from her_ros.nodes.qos import RECORDING
        from sensor_msgs.msg import PointCloud2

        self.unsafe, self.seen, self.listening = 0, 0, False
        self._limit = np.float32(limit)
        self._decoder = CloudDecoder(action_dtype(_TASK))
        other.node.create_subscription(
            PointCloud2, f'/robot/{ACTION}', self._take, RECORDING, raw=True
        )

    def _take(self, cdr: bytes) -> None:
        if self.listening:
            actions = self._decoder.decode([cdr])[0]['action']
            self.seen += 1
            self.unsafe += not (np.abs(actions) <= self._limit).all()


def fuzz_nodes(per_node: int, folder: Path, seed: int, settle_s: float) -> list[Figure]:
    """
    Fuzz each node of a deployment, then each of a training run.

    :param per_node: messages and requests to each node
    :param settle_s: pause before each measurement of memory; meanwhile messages of the graph
        itself arrive, of which damaged copies are sent
    """
    model = str(shipped_model(_TASK.name))
    limit = SafetyParameters().safety_max_action
    run = RunFolder(folder / 'run')
    run.create()
    graphs = (
        ('deployment', deployment_nodes('robot', model, True),
         ['policy.accept_policies=true']),
        ('training', training_nodes('run', 1, str(run.path)), ['trainer.device=cpu']),
    )  # fmt: skip
    totals = dict.fromkeys(('sent', 'ended', 'tracebacks', 'unexpected', 'unsafe', 'actions'), 0)
    growth_mb = 0.0
    for name, specs, overrides in graphs:
        with _graph(specs, overrides, folder / name, 4 * settle_s) as (other, children, status):
            watch = ActionWatch(other, limit)
            for child in children:
                grown, sent = _fuzz_one(other, child, per_node, seed, watch, settle_s)
                growth_mb, totals['sent'] = max(growth_mb, grown), totals['sent'] + sent
            other.spin(1.5)
            totals['unsafe'] += watch.unsafe
            totals['actions'] += watch.seen
            totals['ended'] += sum(not child.running for child in children)
            totals['tracebacks'] += sum(child.tracebacks for child in children)
            totals['unexpected'] += sum(status.values())
            _print_failures(children)
    return [
        Figure('wire_node_inputs', totals['sent']),
        Figure('wire_nodes_ended', totals['ended'], 0),
        Figure('wire_node_tracebacks', totals['tracebacks'], 0),
        Figure('wire_node_unexpected_errors', totals['unexpected'], 0),
        Figure('wire_node_actions', totals['actions']),
        Figure('wire_node_unsafe_actions', totals['unsafe'], 0),
        Figure('wire_node_growth_mb', growth_mb, _GROWTH_MB),
    ]


def _fuzz_one(
    other: Observer,
    child: Child,
    count: int,
    seed: int,
    watch: ActionWatch,
    settle_s: float,
) -> tuple[float, int]:
    """Fuzz one node; return by how many megabytes it grew, and what was sent."""
    fuzzer = Fuzzer(other, child, seed)
    goals = _goal_sender(other)
    # The bridge is sent actions that no policy has made.
    watch.listening = not child.name.endswith('/robot_bridge')
    before_mb = 0.0
    while fuzzer.sent < count and child.running:
        fuzzer.step()
        goals()
        if not before_mb and fuzzer.sent >= count // 10:
            other.spin(settle_s)
            before_mb = child.rss_mb
    watch.listening = False
    other.spin(settle_s)
    return max(child.rss_mb - before_mb, 0.0), fuzzer.sent


def _goal_sender(other: Observer) -> Callable[[], None]:
    """Return a function that sends a valid goal every few seconds, so that episodes run."""
    from geometry_msgs.msg import PointStamped
    from her_ros.nodes.qos import COMMAND

    publisher = other.node.create_publisher(PointStamped, f'/robot/{GOAL}', COMMAND)
    next_s = 0.0

    def send() -> None:
        nonlocal next_s
        if time.monotonic() > next_s:
            next_s = time.monotonic() + 3.0
            message = PointStamped()
            message.point.x, message.point.y, message.point.z = 1.3, 0.85, 0.42
            publisher.publish(message)

    return send


@contextmanager
def _graph(
    specs: Sequence[Any], overrides: Sequence[str], folder: Path, settle_s: float
) -> Iterator[tuple[Observer, list[Child], dict[str, int]]]:
    """Start a graph; yield it when all of its nodes report, with their unexpected errors."""
    from diagnostic_msgs.msg import DiagnosticArray
    from her_ros.nodes.qos import STATUS

    unexpected: dict[str, int] = {}

    def note(message: Any) -> None:
        for status in message.status:
            values = {each.key: each.value for each in status.values}
            unexpected[status.name] = int(values.get('unexpected_errors', 0))

    with (
        claimed_domain() as domain,
        running_nodes(specs, _TASK.name, overrides, folder, domain) as children,
    ):
        other = Observer(domain)
        try:
            other.node.create_subscription(DiagnosticArray, DIAGNOSTICS, note, STATUS)
            names = {child.name for child in children}
            other.until(lambda: names <= set(unexpected), f'diagnostics of {sorted(names)}')
            other.spin(settle_s)
            yield other, children, unexpected
        finally:
            other.close()


def _print_failures(children: Sequence[Child]) -> None:
    """Print the first lines about unexpected errors and tracebacks."""
    for child in children:
        lines = child.log.read_text(errors='replace').splitlines()
        telling = [each for each in lines if 'please report it' in each or 'Error: ' in each]
        for line in telling[:5]:
            print(f'wire: {child.name}: {line[:600]}')
        if child.tracebacks or not child.running:
            print(f'wire: {child.name}: status {child.process.poll()}')
            print('\n'.join(lines[-20:]))
