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

"""``her-ros goal``, ``stop`` and ``reset``: control a robot or a simulation."""

import re
import time
from typing import NamedTuple

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PointStamped
from her_ros.nodes.messages import time_message
from her_ros.nodes.qos import COMMAND, STATUS
from her_ros.orchestration.sender import deliver, Sender
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.ros_environment import checked_namespace
from her_ros.runtime.states import GoalStatus
from her_ros.wire.topics import DIAGNOSTICS, GOAL
from std_srvs.srv import Trigger

#: exit statuses; 1 means not sent or refused, as for every error of a user
REACHED, MISSED, GIVEN_UP, INTERRUPTED = 0, 3, 4, 130
# Nodes report once per second; after this silence a node counts as gone.
_SILENT_S = 5.0
# How long to wait for a subscriber, and for its acknowledgement.
_LISTENER_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 3.0
# Exit status for each final state of a goal.
_ENDS: dict[str, int] = {
    GoalStatus.REACHED: REACHED,
    GoalStatus.SET: REACHED,
    GoalStatus.MISSED: MISSED,
    GoalStatus.GIVEN_UP: GIVEN_UP,
}
_BRIDGE = 'robot_bridge'
# Nanoseconds since 1970, as the nodes of the package report them; negative before 1970.
_STAMP = re.compile(r'-?\d{1,19}', re.ASCII)


class _Report(NamedTuple):
    node: str
    stamp_ns: int
    #: a value of :class:`GoalStatus`, or of another version of the node
    state: str
    text: str


class _Reports:
    """Collects the reports of a namespace's nodes about goals, in order of arrival."""

    def __init__(self, sender: Sender, namespace: str) -> None:
        self._prefix = f'{namespace}/'
        self.unread: list[_Report] = []
        self.nodes: set[str] = set()
        sender.node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._take, STATUS)

    def _take(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {item.key: item.value for item in status.values}
            stamp = values.get('goal_stamp_ns', '')
            if not (status.name.startswith(self._prefix) and _STAMP.fullmatch(stamp)):
                continue
            self.nodes.add(status.name)
            state, text = (one_line(values.get(f'goal_{key}', '')) for key in ('state', 'result'))
            self.unread.append(_Report(status.name, int(stamp), state, text))


def send_goal(
    position: tuple[float, float, float],
    frame: str,
    namespace: str,
    wait: bool = True,
) -> int:
    """
    Publish a goal, and print its states.

    An interrupt, which is what each end signal raises, stops the robot where one is on its way.

    :param position: metres, shape (3,)
    :param wait: wait until its episode ends; false: until it is accepted
    :return: exit status
    :raises HerRosError: if there is no subscriber, or the goal is refused
    """
    namespace = '/' + checked_namespace(namespace)
    # The stamp identifies the goal in reports. It is not used to look up transforms.
    stamp_ns = time.time_ns()
    message = PointStamped()
    message.header.frame_id, message.header.stamp = frame, time_message(stamp_ns)
    message.point.x, message.point.y, message.point.z = position
    topic = f'{namespace}/{GOAL}'
    question = 'is robot_bridge or sim_env running in this namespace and ROS domain?'
    with Sender() as sender:
        reports = _Reports(sender, namespace)
        publisher = sender.publisher(PointStamped, topic, COMMAND, _LISTENER_TIMEOUT_S, question)
        # After one report of a node, later ones are received, too.
        sender.until(lambda: reports.nodes, _SILENT_S)
        try:
            deliver(publisher, message, _LISTENER_TIMEOUT_S)
            _say(f'{topic}: goal {list(position)} in {frame} sent')
            return _follow(sender, reports, stamp_ns, wait)
        except KeyboardInterrupt:
            if f'{namespace}/{_BRIDGE}' in reports.nodes:
                _say(f'interrupted; {_stop(sender, namespace)}')
            return INTERRUPTED


def _follow(sender: Sender, reports: _Reports, stamp_ns: int, wait: bool) -> int:
    """Print the reports about a goal; return the exit status for its final state."""
    if not reports.nodes:
        _say('nobody reports what becomes of it')
        return GIVEN_UP
    last, answered_until = None, time.monotonic() + _SILENT_S
    while sender.until(lambda: reports.unread, _SILENT_S):
        report = reports.unread.pop(0)
        if report.stamp_ns == stamp_ns and report != last:
            last = report
            _tell(report)
            if report.state in _ENDS:
                return _ENDS[report.state]
            if not wait:
                return REACHED
        elif last is None and time.monotonic() > answered_until:
            break
        elif last is not None and report.node == last.node and not report.stamp_ns:
            _say(f'given up: {report.node} was started again')
            return GIVEN_UP
    names = ' and '.join(sorted(reports.nodes))
    _say(f'{names}: nothing heard of the goal for {_SILENT_S:g} s; what became of it is unknown')
    return GIVEN_UP


def _tell(report: _Report) -> None:
    if report.state == GoalStatus.REFUSED:
        raise HerRosError(f'refused: {report.text}', source=report.node)
    _say(f'{report.state}: {report.text}')


def stop_robot(namespace: str, timeout_s: float = _STOP_TIMEOUT_S) -> None:
    """
    Stop the present episode or motion of a robot.

    :raises HerRosError: if no bridge answers
    """
    namespace = '/' + checked_namespace(namespace)
    with Sender() as sender:
        _say(_stop(sender, namespace, timeout_s))


def reset_node(node: str, namespace: str, timeout_s: float = _STOP_TIMEOUT_S) -> None:
    """
    Call the service ``reset`` of a node, and print its response.

    :param node: name of the node, such as ``robot_bridge``
    :param namespace: of the node
    :raises HerRosError: if nobody answers, or the node refuses
    """
    name = f'/{checked_namespace(namespace)}/{node}'
    with Sender() as sender:
        answer = sender.request(Trigger, f'{name}/reset', timeout_s)
    if not answer.success:
        raise HerRosError(f'refused: {answer.message}', source=name)
    _say(f'{name}: {answer.message}')


def _stop(sender: Sender, namespace: str, timeout_s: float = _STOP_TIMEOUT_S) -> str:
    return str(sender.request(Trigger, f'{namespace}/{_BRIDGE}/stop', timeout_s).message)


def _say(line: str) -> None:
    print(line, flush=True)
