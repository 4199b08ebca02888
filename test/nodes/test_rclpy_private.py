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

"""Check that the private parts of rclpy that nodes use exist and behave as expected."""

import threading

from her_ros.nodes.rclpy_private import (
    hand_over,
    lifecycle_services,
    RCLError,
    text_of,
    Wait,
    wants_message_info,
)
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import pytest
import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.lifecycle import LifecycleNode
from rclpy.serialization import deserialize_message
from std_msgs.msg import String

pytestmark = pytest.mark.nodes


@pytest.fixture
def node(graph):
    """Return a node that no executor spins."""
    node = rclpy.create_node('private', namespace='/run', context=graph.node.context)
    yield node
    node.destroy_node()


def test_the_services_of_a_lifecycle_node_are_found(graph):
    node = LifecycleNode('lazy', namespace='/run', context=graph.node.context)
    try:
        services = lifecycle_services(node)
        assert [each.srv_name for each in services] == [
            '/run/lazy/change_state', '/run/lazy/get_state', '/run/lazy/get_available_states',
            '/run/lazy/get_available_transitions', '/run/lazy/get_transition_graph',
        ]  # fmt: skip
        # A node that is not configured cannot be activated.
        activate = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_ACTIVATE))
        with pytest.raises(RCLError):
            services[0].callback(activate, ChangeState.Response())
    finally:
        node.destroy_node()


def test_a_wait_returns_the_subscription_that_has_a_message(graph, node):
    silent = node.create_subscription(String, 'silent', print, 1)
    taken = []
    heard = node.create_subscription(String, 'heard', taken.append, 1)
    publisher = graph.node.create_publisher(String, '/run/heard', 1)
    graph.until(publisher.get_subscription_count, 'a subscription')
    publisher.publish(String(data='good'))
    wait, ready = Wait(node), []
    while not ready:
        ready, _ = wait()
    assert ready == [heard]
    assert silent not in ready
    assert hand_over(heard)
    assert [each.data for each in taken] == ['good']
    assert not hand_over(heard)


def test_a_message_is_handed_over_with_the_number_of_its_publisher(graph, node):
    taken = []

    def take(cdr, message_info):
        taken.append((deserialize_message(cdr, String).data, message_info))

    subscription = node.create_subscription(String, 'heard', take, 1, raw=True)
    assert wants_message_info(subscription)
    publisher = graph.node.create_publisher(String, '/run/heard', 1)
    graph.until(publisher.get_subscription_count, 'a subscription')
    publisher.publish(String(data='good'))
    graph.acked(publisher)
    graph.until(lambda: hand_over(subscription), 'the message')
    ((data, message_info),) = taken
    assert data == 'good'
    assert message_info['publication_sequence_number'] == 1


def test_a_wait_tells_of_a_timer_and_ends_with_ros():
    context = Context()
    rclpy.init(args=[], context=context, domain_id=0)
    node = rclpy.create_node('private', context=context, start_parameter_services=False)
    try:
        wait = Wait(node)
        timer = node.create_timer(0.01, print, clock=Clock(clock_type=ClockType.STEADY_TIME))
        assert wait() == ([], True)
        node.destroy_timer(timer)
        threading.Timer(0.1, context.try_shutdown).start()
        assert wait() == ([], False)
        assert not context.ok()
    finally:
        node.destroy_node()
        context.try_shutdown()


def test_an_error_of_rcl_is_printed_without_source_locations():
    context = Context()
    with pytest.raises(RuntimeError) as caught:
        rclpy.init(args=['--ros-args', '-r', 'none'], context=context)
    assert ', at /' in str(caught.value)
    text = text_of(caught.value)
    assert 'none' in text
    assert ', at /' not in text
    assert '\n' not in text
