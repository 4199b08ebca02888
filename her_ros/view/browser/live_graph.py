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

"""The running graph as a view sees it: reports of its nodes, one of its episodes, and goals."""

from collections.abc import Sequence
import time
from typing import Any, NamedTuple

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PointStamped
from her_ros.nodes.messages import time_message
from her_ros.nodes.qos import COMMAND, SENSOR, STATUS
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.view.browser.live_episode import LiveStep
from her_ros.view.browser.robot_stop import RobotStop
from her_ros.wire.cloud import CLOUD_TYPE, CloudDecoder, decoder_with_truth, stamp_of
from her_ros.wire.rows import RowError
from her_ros.wire.topics import DIAGNOSTICS, EVALUATION_STEP, GOAL, STEP
from rcl_interfaces.srv import GetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

# A node without a report for longer than this is silent, and is forgotten later, seconds.
_SILENT_S, _FORGOTTEN_S = 3.0, 600.0
# Reports that are kept at most; those heard last.
_MAX_REPORTS = 200
_BRIDGE = 'robot_bridge'


class Report(NamedTuple):
    """The last report of a node."""

    heard_at: float
    #: 0: well, 1: a warning, 2: an error
    level: int
    message: str
    values: dict[str, str]

    @property
    def is_silent(self) -> bool:
        """Whether the node has not been heard of for some seconds."""
        return time.monotonic() - self.heard_at > _SILENT_S


class LiveGraph:
    """
    Listens to the nodes of a namespace, by nodes of its own.

    Steps come as fast as a training makes them, so they are taken only on request: see
    :meth:`take_steps`. They are asked for at best effort, which no sender waits for.

    :param node: takes diagnostics and sends goals
    :param step_node: takes steps
    :param namespace: of the run, such as ``her_ros``
    """

    def __init__(self, node: Node, step_node: Node, namespace: str) -> None:
        self._prefix = '/' + namespace.strip('/') + '/'
        self._node, self._step_node = node, step_node
        #: by name, relative to the namespace
        self.reports: dict[str, Report] = {}
        #: the topic whose steps are taken; empty: none
        self.step_topic = ''
        #: why the last steps could not be read; empty: they could
        self.fault = ''
        self._senders: set[tuple[int, ...]] = set()
        self._goals: Any = None
        self._received: list[bytes] = []
        self._decoder: CloudDecoder
        self._stop = RobotStop(node)
        self._executors = []
        for each in (node, step_node):
            executor = SingleThreadedExecutor(context=each.context)
            executor.add_node(each)
            self._executors.append(executor)
        node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._take_status, STATUS)

    def spin(self, seconds: float) -> None:
        """Receive reports, for at most this time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0.0:
            self._executors[0].spin_once(timeout_sec=left)

    def step_topics(self) -> list[str]:
        """Return the topics with steps of the namespace, apart from those of evaluations."""
        return sorted(
            name
            for name, types in self._node.get_topic_names_and_types()
            if name.startswith(self._prefix)
            and name.endswith(f'/{STEP}')
            and not name.endswith(f'/{EVALUATION_STEP}')
            and CLOUD_TYPE in types
            and self._node.count_publishers(name)
        )

    def listen(self, topic: str, task: GoalTask) -> None:
        """
        Take the steps of a topic from now on, and no others.

        :param task: that of the topic
        """
        self.stop_listening()
        self._decoder, self.step_topic = decoder_with_truth(task), topic
        self._senders = self._senders_of(topic)
        self._step_node.create_subscription(
            PointCloud2, topic, self._received.append, SENSOR, raw=True
        )
        # Already now, so that the other side is found before there is a goal.
        self._goals = self._node.create_publisher(
            PointStamped, topic.removesuffix(STEP) + GOAL, COMMAND
        )

    def stop_listening(self) -> None:
        """Take no steps any more."""
        for each in [*self._step_node.subscriptions]:
            self._step_node.destroy_subscription(each)
        if self._goals is not None:
            self._node.destroy_publisher(self._goals)
        self.step_topic, self.fault, self._goals = '', '', None
        self._received.clear()

    @property
    def has_changed(self) -> bool:
        """Whether other nodes send the steps now, or steps that cannot be read."""
        return bool(self.fault) or self._senders_of(self.step_topic) != self._senders

    def _senders_of(self, topic: str) -> set[tuple[int, ...]]:
        found = self._node.get_publishers_info_by_topic(topic)
        return {tuple(each.endpoint_gid) for each in found}

    def take_steps(self, seconds: float) -> list[LiveStep]:
        """
        Receive steps for at most this time, or until there is one; then all that wait.

        :return: the step of the first environment of each message that has one
        """
        self._executors[1].spin_once(timeout_sec=seconds)
        for count in range(1, SENSOR.depth):
            if len(self._received) < count:
                break
            self._executors[1].spin_once(timeout_sec=0.0)
        found = []
        for message in self._received:
            try:
                (rows,) = self._decoder.decode([message])
                first = LiveStep(stamp_of(message), rows[rows['env'] == 0][:1])
            except RowError as error:  # of another task, or no steps at all
                self.fault = str(error)
                continue
            if len(first.row):
                found.append(first)
        self._received.clear()
        return found

    def drop_steps(self) -> None:
        """Drop the steps that came while none were taken."""
        for _ in range(SENSOR.depth):
            self._executors[1].spin_once(timeout_sec=0.0)
        self._received.clear()

    def task_of(self, topic: str, timeout_s: float = 2.0) -> GoalTask | None:
        """
        Ask the node that sends a topic's steps for its task; None: it does not answer.

        :raises TaskError: if it names a task that is not known here
        """
        for sender in self._node.get_publishers_info_by_topic(topic):
            name = f'{sender.node_namespace.rstrip("/")}/{sender.node_name}/get_parameters'
            client = self._node.create_client(GetParameters, name)
            future = client.call_async(GetParameters.Request(names=['task', 'arm']))
            until = time.monotonic() + timeout_s
            while not future.done() and time.monotonic() < until:
                self._executors[0].spin_once(timeout_sec=0.1)
            answer = future.result() if future.done() else None
            self._node.destroy_client(client)
            if answer is not None and answer.values[0].string_value:
                return task_named(*(value.string_value for value in answer.values[:2]))
        return None

    def send_goal(self, goal: Sequence[float], frame: str = 'world') -> None:
        """
        Send a goal to the robot or simulation whose steps are taken; metres.

        While none are taken, nothing is sent.
        """
        if self._goals is None:
            return
        # What is sent before the other side is found is lost.
        until = time.monotonic() + _SILENT_S
        while not self._goals.get_subscription_count() and time.monotonic() < until:
            self._executors[0].spin_once(timeout_sec=0.05)
        message = PointStamped()
        message.header.frame_id, message.header.stamp = frame, time_message(time.time_ns())
        message.point.x, message.point.y, message.point.z = map(float, goal)
        self._goals.publish(message)

    @property
    def has_robot(self) -> bool:
        """Whether a bridge to a robot reports."""
        return any(
            name.rpartition('/')[2] == _BRIDGE and not report.is_silent
            for name, report in self.reports.items()
        )

    def stop_robot(self) -> list[str]:
        """
        Ask the bridges to stop their robots, from any thread.

        :return: their answers, a line each
        """
        return self._stop.stop()

    def _take_status(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.startswith(self._prefix):
                level = status.level[0] if isinstance(status.level, bytes) else int(status.level)
                values = {item.key: item.value for item in status.values}
                name = status.name.removeprefix(self._prefix)
                if name.rpartition('/')[2] == _BRIDGE:
                    self._stop.add(f'{status.name}/stop')
                self.reports.pop(name, None)  # so that the one heard last is at the end
                self.reports[name] = Report(time.monotonic(), level, status.message, values)
        self._forget()

    def _forget(self) -> None:
        """Drop the reports of nodes that have been gone for long, and those beyond the limit."""
        now = time.monotonic()
        for name, report in [*self.reports.items()]:
            if now - report.heard_at <= _FORGOTTEN_S and len(self.reports) <= _MAX_REPORTS:
                break
            del self.reports[name]
