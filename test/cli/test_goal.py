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

"""Test ``her-ros goal``, ``stop`` and ``reset`` against a test node in place of the bridge."""

import os
import signal
import threading

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PointStamped
from her_ros.nodes.messages import stamp_ns_of
from her_ros.nodes.qos import COMMAND, STATUS
from her_ros.wire.topics import DIAGNOSTICS
import pytest
from std_srvs.srv import Trigger

pytestmark = pytest.mark.nodes


class Listener:
    """Takes goals, and reports of them what a test says."""

    def __init__(self, graph):
        self._graph = graph
        self.node = graph.new_node('robot_bridge', '/robot')
        self.node.create_subscription(PointStamped, 'goal', self._take, COMMAND)
        self.node.create_service(Trigger, '~/stop', self._stop)
        self.node.create_service(Trigger, '~/reset', self._reset)
        self.refuses = False
        self._publisher = self.node.create_publisher(DiagnosticArray, DIAGNOSTICS, STATUS)
        self.goals, self.stops, self.answers = [], 0, []
        self.act = lambda: None
        self._last = (0, '', '')
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.is_set():
            self.report(*self._last)
            for _ in range(10):
                self._graph.spin()

    def report(self, stamp_ns, state, text):
        if state is None:
            return  # it reports nothing at all
        values = {'goal_stamp_ns': stamp_ns, 'goal_state': state, 'goal_result': text}
        status = DiagnosticStatus(name='/robot/robot_bridge')
        status.values = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
        other = DiagnosticStatus(name='/robot/other')  # what it says is no stamp
        other.values = [KeyValue(key='goal_stamp_ns', value='soon')]
        self._publisher.publish(DiagnosticArray(status=[other, status]))
        self._last = (stamp_ns, state, text)

    def _take(self, message):
        self.goals.append(message)
        stamp_ns = stamp_ns_of(message.header.stamp)
        for state in self.answers:
            self.report(stamp_ns if state else 0, state, 'so it is')
        self.act()

    def _stop(self, _, response):
        self.stops += 1
        response.success, response.message = True, 'stopped; a goal or ~/reset begins again'
        return response

    def _reset(self, _, response):
        response.success = not self.refuses
        response.message = 'no goal yet' if self.refuses else 'an episode begins'
        return response


@pytest.fixture
def listener(graph):
    with Listener(graph) as listener:
        yield listener


@pytest.mark.parametrize(
    ('answers', 'status'),
    [
        (['accepted', 'acting', 'reached'], 0),
        (['set'], 0),  # by a simulation
        (['accepted', 'acting', 'missed'], 3),
        (['accepted', 'given up'], 4),
    ],
)
def test_what_becomes_of_a_goal_is_printed_and_is_the_status(listener, her_ros, answers, status):
    listener.answers = answers
    ended = her_ros('goal', '1.3', '0.8')
    assert ended.status == status
    sent, *lines = ended.output.splitlines()
    assert sent == '/robot/goal: goal [1.3, 0.8, 0.425] in world sent'
    assert lines == [f'{state}: so it is' for state in answers]
    assert not ended.errors
    (message,) = listener.goals
    assert (message.point.x, message.point.y, message.point.z) == (1.3, 0.8, 0.425)


def test_a_refusal_is_one_line_of_error(listener, her_ros):
    listener.answers = ['refused']
    ended = her_ros('goal', '1.3', '0.8')
    assert ended.status == 1
    assert ended.errors == 'her-ros: /robot/robot_bridge: refused: so it is\n'


def test_without_waiting_acceptance_is_enough(listener, her_ros):
    listener.answers = ['accepted']
    ended = her_ros('goal', '1.3', '0.8', '--no-wait')
    assert (ended.status, ended.output.splitlines()[1:]) == (0, ['accepted: so it is'])


@pytest.mark.parametrize(
    ('number', 'status'), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_every_end_signal_stops_the_robot(listener, her_ros, number, status):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests may run under nohup
    listener.answers = ['accepted', 'acting']
    listener.act = lambda: os.kill(os.getpid(), number)
    ended = her_ros('goal', '1.3', '0.8')
    assert ended.status == status
    assert ended.output.splitlines()[-1].startswith('interrupted; stopped; a goal')
    assert listener.stops == 1


def test_a_bridge_that_was_started_again_has_given_up(listener, her_ros):
    listener.answers = ['accepted', '']
    ended = her_ros('goal', '1.3', '0.8')
    assert ended.status == 4
    assert ended.output.splitlines()[-1] == 'given up: /robot/robot_bridge was started again'


def test_where_nobody_reports_the_result_is_unknown(listener, her_ros, monkeypatch):
    monkeypatch.setattr('her_ros.orchestration.goal._SILENT_S', 0.5)
    listener._last = (0, None, '')
    ended = her_ros('goal', '1.3', '0.8')
    assert ended.status == 4
    assert ended.output.splitlines()[-1] == 'nobody reports what becomes of it'
    listener._last = (0, '', '')
    ended = her_ros('goal', '1.3', '0.8')
    assert ended.status == 4
    assert 'nothing heard of the goal for 0.5 s' in ended.output.splitlines()[-1]
    assert len(listener.goals) == 2


def test_a_goal_without_subscriber_is_one_line(her_ros, graph, monkeypatch):
    monkeypatch.setattr('her_ros.orchestration.goal._LISTENER_TIMEOUT_S', 0.5)
    ended = her_ros('goal', '1.3', '0.8', '--namespace', 'nowhere')
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert line.startswith('her-ros: /nowhere/goal: nobody listens after 0.5 s')


def test_stop_says_what_the_bridge_answers(listener, her_ros):
    ended = her_ros('stop')
    assert (ended.status, listener.stops) == (0, 1)
    assert ended.output == 'stopped; a goal or ~/reset begins again\n'


def test_a_stop_without_bridge_is_one_line(her_ros, graph):
    ended = her_ros('stop', '--namespace', 'nowhere')
    assert ended.status == 1
    said = 'her-ros: /nowhere/robot_bridge/stop: no such service after 3 s; is the node running'
    assert ended.errors.startswith(said)
    assert ended.errors.count('\n') == 1


def test_a_reset_prints_the_response_of_the_node(listener, her_ros):
    ended = her_ros('reset')
    assert ended == (0, '/robot/robot_bridge: an episode begins\n', '')
    listener.refuses = True
    ended = her_ros('reset', 'robot_bridge', '--namespace', '/robot/')
    assert ended == (1, '', 'her-ros: /robot/robot_bridge: refused: no goal yet\n')
    ended = her_ros('reset', 'policy')
    assert ended.status == 1
    assert (
        "'policy' cannot be reset; choose one of robot_bridge, simulated_robot, sim_env"
        in ended.errors
    )
