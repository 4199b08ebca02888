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

"""
All uses of parts of rclpy that are not public, as rclpy 7.1 (ROS 2 Jazzy) has them.

Another version of rclpy may change them; then ``test/nodes/test_rclpy_private.py`` fails.
"""

import re
from typing import Any

from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.subscription import Subscription

#: error of rclpy if rcl fails, such as at a transition that a lifecycle node does not have
RCLError: type[Exception] = rclpy_implementation.RCLError

# Topics under the node's name; the first one asks for a transition.
_LIFECYCLE_SERVICES = (
    '_service_change_state',
    '_service_get_state',
    '_service_get_available_states',
    '_service_get_available_transitions',
    '_service_get_transition_graph',
)


def lifecycle_services(node: Any) -> list[Any]:
    """
    Return the services that rclpy gives a lifecycle node.

    :return: the one for transitions first
    """
    return [getattr(node, name) for name in _LIFECYCLE_SERVICES]


class Wait:
    """
    Waits for what a node waits for, without listing it anew in Python around each callback.

    Quality-of-service events are left out. They are handled at the next timer.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._ended = GuardCondition(None, None, node.context)
        node.context.on_shutdown(self._ended.trigger)
        self._sizes: tuple[int, ...] = ()

    def __call__(self) -> tuple[list[Subscription], bool]:
        """Wait; return the subscriptions that have a message, and whether there is more to do."""
        node = self._node
        subscriptions = list(node.subscriptions)
        timers, clients, services = list(node.timers), list(node.clients), list(node.services)
        guards = [self._ended, *node.guards]
        sizes = (
            len(subscriptions), len(guards), len(timers), len(clients), len(services), 0
        )  # fmt: skip
        if sizes != self._sizes:
            self._set = rclpy_implementation.WaitSet(*sizes, node.context.handle)
            self._sizes = sizes
        wait_set = self._set
        wait_set.clear_entities()
        for guard in guards:
            wait_set.add_guard_condition(guard.handle)
        for subscription in subscriptions:
            wait_set.add_subscription(subscription.handle)
        for timer in timers:
            wait_set.add_timer(timer.handle)
        for client in clients:
            wait_set.add_client(client.handle)
        for service in services:
            wait_set.add_service(service.handle)
        wait_set.wait(-1)
        ready = wait_set.get_ready_entities('subscription')
        return (
            [s for s in subscriptions if s.handle.pointer in ready],
            any(wait_set.get_ready_entities(kind) for kind in ('timer', 'client', 'service')),
        )


def wants_message_info(subscription: Subscription) -> bool:
    """Return whether the callback of a subscription takes information about the message, too."""
    return bool(subscription._callback_type is Subscription.CallbackType.WithMessageInfo)


def hand_over(subscription: Subscription) -> bool:
    """Take a message of a subscription and call the callback; return False if there is none."""
    taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
    if taken is None:
        return False
    if wants_message_info(subscription):
        subscription.callback(*taken)
    else:
        subscription.callback(taken[0])
    return True


def text_of(error: Exception) -> str:
    """Return what rcl says in an error, without the files and lines of its own sources."""
    return ' '.join(re.sub(r', at /\S+:\d+', '', str(error)).split())
