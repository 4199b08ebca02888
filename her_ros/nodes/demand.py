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

"""Track whether a trainer is present and requests rollouts."""

from collections.abc import Callable
import time

from her_ros.nodes.qos import LATCHED
from her_ros.nodes.rivalry import Crowd
from her_ros.runtime.states import WaitsFor
from her_ros.wire.topics import COLLECTION_ENABLED
from rclpy.node import Node
from std_msgs.msg import Bool

# The trainer repeats its message every second; after this long without it there is no trainer.
_LIFETIME_S = 5.0


class Demand:
    """
    Subscribes to ``collection_enabled``.

    :param is_followed: False: ``collection_enabled`` is ignored, and rollouts are always requested
    :param heard: called after each message
    """

    def __init__(self, node: Node, is_followed: bool, heard: Callable[[], None]) -> None:
        self._node, self._is_followed, self._heard = node, is_followed, heard
        self._wanted, self._heard_at = False, -float('inf')
        self._is_gone = False
        self._topic = node.resolve_topic_name(COLLECTION_ENABLED)
        self._trainers = Crowd(node, COLLECTION_ENABLED, 'more than one trainer asks for rollouts')
        node.create_subscription(Bool, COLLECTION_ENABLED, self._on_collection_enabled, LATCHED)

    def _on_collection_enabled(self, message: Bool) -> None:
        self._wanted, self._heard_at = message.data, time.monotonic()
        self._heard()

    @property
    def _silence_s(self) -> float:
        return time.monotonic() - self._heard_at

    def waits_for(self) -> WaitsFor:
        """Return the condition that a rollout still waits for."""
        if not self._is_followed:
            return WaitsFor.NOTHING
        if self._silence_s > _LIFETIME_S:
            return WaitsFor.TRAINER
        return WaitsFor.NOTHING if self._wanted else WaitsFor.DEMAND

    def trouble(self) -> str:
        """
        Log and return that there are several trainers, or that the trainer is gone; else empty.

        The node waits for a trainer that has not published yet.
        """
        several = self._trainers.trouble() if self._is_followed else ''
        return several or self._end_of_trainer()

    def _end_of_trainer(self) -> str:
        """Log the end and the return of the trainer; return a text if it is gone, else empty."""
        silence_s = self._silence_s
        is_gone = self._is_followed and _LIFETIME_S < silence_s < float('inf')
        text = f'the trainer is gone: nothing on {self._topic} for {silence_s:.0f} s'
        if is_gone and not self._is_gone:
            self._node.get_logger().warning(f'{text}; the next rollout waits for it')
        elif self._is_gone and not is_gone:
            self._node.get_logger().info(f'the trainer is back on {self._topic}')
        self._is_gone = is_gone
        return text if is_gone else ''
