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

from her_ros.nodes.guarded_node import GuardedNode, StopNode, ThrottledLog
from her_ros.runtime.errors import HerRosError, one_line
import pytest
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.serialization import serialize_message
from std_msgs.msg import Bool, String
from std_srvs.srv import Trigger

GOOD = serialize_message(String(data='good'))


class Listener(GuardedNode):
    """Node that notes each message of its topics."""

    def __init__(self, context):
        super().__init__('listener', context=context)
        self.taken = []
        self.text = self.create_subscription(String, 'text', self._on_text, 1)
        self.flag = self.create_subscription(Bool, 'flag', self._on_flag, 1, raw=True, pause_s=0.1)
        self.ask = self.create_service(Trigger, '~/ask', self._on_ask)

    def _on_text(self, message):
        if message.data == 'refuse':
            raise HerRosError('text: it says refuse')
        if message.data == 'stop':
            raise StopNode('text: it says stop')
        self.taken.append(float(message.data) if message.data[0].isdigit() else message.data)

    def _on_flag(self, cdr):
        raise HerRosError(f'flag: {len(cdr)} bytes\n\x1b[31m and a lone \ud800')

    def _on_ask(self, request, response):
        raise KeyError('nobody knows')


@pytest.fixture
def listener():
    context = Context()
    rclpy.init(args=[], context=context, domain_id=0)
    node = Listener(context)
    yield node
    node.destroy_node()
    context.try_shutdown()


def send(listener, text):
    listener.text.callback(serialize_message(String(data=text)))


def test_a_refused_message_is_counted_and_said_once(listener, capfd):
    for _ in range(5):
        send(listener, 'refuse')
    report = listener.guard_report()
    assert (report['messages_refused'], report['refused_text']) == (5, 5)
    assert report['unexpected_errors'] == 0
    assert listener.problems == {'text': 'text: it says refuse; ignored'}
    send(listener, 'good')
    assert listener.taken == ['good']
    assert listener.problems == {}
    (line,) = capfd.readouterr().err.splitlines()
    assert '[ERROR]' in line
    assert line.endswith('text: it says refuse; ignored')


def test_an_unexpected_exception_is_named_with_its_place_and_counted(listener, capfd):
    send(listener, '1x')
    assert listener.unexpected_errors == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "text: ValueError: could not convert string to float: '1x' (" in line
    assert 'test_guarded_node.py:' in line
    assert 'in _on_text, guarded_node.py:' in line
    send(listener, '2')
    assert listener.taken == [2.0]


def test_a_timer_goes_on_after_an_unexpected_exception(listener, capfd):
    ticks = iter([KeyError('nobody knows'), None, ValueError(), HerRosError('the disk is full')])

    def work():
        if error := next(ticks):
            raise error

    tick = listener.create_timer(60.0, work, Clock(clock_type=ClockType.STEADY_TIME)).callback
    for _ in range(3):
        tick()
    assert listener.unexpected_errors == 2
    assert listener.guard_report()['messages_refused'] == 0
    first, *_ = capfd.readouterr().err.splitlines()
    assert "timer: KeyError: 'nobody knows' (test_guarded_node.py:" in first
    with pytest.raises(HerRosError, match='the disk is full'):
        tick()


def test_refusals_do_not_hide_an_unexpected_exception(listener, capfd):
    send(listener, 'refuse')
    send(listener, '1x')
    lines = capfd.readouterr().err.splitlines()
    assert ['ValueError' in line for line in lines] == [False, True]


@pytest.mark.parametrize(
    'content',
    [b'', b'\0', GOOD[:6], GOOD[:-3], b'\x77\x88' + GOOD[2:], b'\0\1\0\0' + b'\xff' * 90],
)
def test_bytes_that_are_no_message_are_refused(listener, content):
    listener.text.callback(content)
    assert listener.refused == {'text': 1}
    assert 'are no String' in listener.problems['text']
    assert listener.taken == []


def test_an_error_that_stops_the_node_passes(listener):
    with pytest.raises(StopNode, match='it says stop'):
        send(listener, 'stop')


def test_what_no_log_can_carry_is_replaced(listener, capfd):
    listener.flag.callback(b'\0\1\0\0\1')
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith('flag: 5 bytes �[31m and a lone �; ignored')
    assert listener.problems['flag'].isprintable()


def test_every_pair_of_refusals_can_follow_each_other(listener):
    """The throttle of rclpy raises when one call site is used with two pauses."""
    bad = [
        lambda: send(listener, 'refuse'),
        lambda: send(listener, '1x'),
        lambda: listener.text.callback(b''),
        lambda: listener.flag.callback(b''),
        lambda: listener.ask.callback(Trigger.Request(), Trigger.Response()),
        lambda: listener.log.warning('slow', 'late', pause_s=0.0),
        lambda: listener.log.error('slow', 'late', pause_s=0.0),
    ]
    for first in bad:
        for second in bad:
            first()
            second()
    assert sum(listener.refused.values()) == 5 * 2 * len(bad)


def test_a_request_that_fails_is_answered(listener):
    response = listener.ask.callback(Trigger.Request(), Trigger.Response())
    assert not response.success
    assert 'nobody knows' in response.message
    assert listener.refused == {'~/ask': 1}


@pytest.mark.parametrize('service', [SetParameters, SetParametersAtomically])
def test_parameters_of_no_type_are_refused(listener, service):
    """For them, rclpy raises a ValueError, which ended the node."""
    name = {
        SetParameters: '/set_parameters',
        SetParametersAtomically: '/set_parameters_atomically',
    }
    (found,) = [each for each in listener.services if each.srv_name.endswith(name[service])]
    bad = Parameter(name='start_type_description_service', value=ParameterValue(type=77))
    response = found.callback(service.Request(parameters=[bad, bad]), service.Response())
    results = response.results if service is SetParameters else [response.result]
    assert [each.successful for each in results] == [False] * len(results)
    assert len(results) == (2 if service is SetParameters else 1)
    assert 'unknown type 77' in results[0].reason
    assert listener.unexpected_errors == 0


def test_lines_left_out_are_counted(listener, capfd):
    now = [0.0]
    log = ThrottledLog(listener, clock=lambda: now[0])
    for now[0] in (0.0, 1.0, 2.0, 6.0):
        log.error('key', f'at {now[0]}', pause_s=5.0)
    log.error('other', 'at once', pause_s=5.0)
    lines = [line.partition(']: ')[2] for line in capfd.readouterr().err.splitlines()]
    assert lines == ['at 0.0', 'at 6.0 (2 more since the last line)', 'at once']


def test_long_texts_are_cut():
    assert one_line('x' * 10**6) == 'x' * 500 + ' …'
    assert one_line('a\n  b\t\0') == 'a b �'
