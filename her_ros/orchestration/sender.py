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

"""Send messages and requests from the command line, and confirm their delivery."""

from collections.abc import Callable
import time
from typing import Any

from her_ros.orchestration.command_node import ros_errors, ros_node
from her_ros.runtime.errors import HerRosError
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile


class Sender:
    """
    Temporary node of a command; a context manager.

    Python handles signals, so that a final message can be sent after Ctrl-C.
    """

    def __enter__(self) -> 'Sender':
        self._ros = ros_node('her_ros_sender')
        self.node = self._ros.__enter__()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        return self

    def __exit__(self, *_: object) -> None:
        self._ros.__exit__(None, None, None)

    def until(self, condition: Callable[[], Any], timeout_s: float) -> bool:
        """Process messages until a condition holds; return whether it does in time."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._executor.spin_once(timeout_sec=0.1)
        return True

    def publisher(self, kind: Any, topic: str, qos: QoSProfile, wait_s: float, ask: str) -> Any:
        """
        Return a publisher that has a subscriber.

        :param ask: question to the user if there is none
        :raises HerRosError: if there is none in time
        """
        with ros_errors():
            publisher = self.node.create_publisher(kind, topic, qos)
        if not self.until(publisher.get_subscription_count, wait_s):
            raise HerRosError(f'nobody listens after {wait_s:g} s', ask, source=topic)
        return publisher

    def request(self, kind: Any, name: str, timeout_s: float) -> Any:
        """
        Call a service without arguments; return its response.

        :raises HerRosError: if there is no response in time
        """
        client = self.node.create_client(kind, name)
        if not self.until(client.service_is_ready, timeout_s):
            raise HerRosError(f'no such service after {timeout_s:g} s', _IS_IT_RUNNING, name)
        future = client.call_async(kind.Request())
        if not self.until(future.done, timeout_s):
            raise HerRosError(f'no response within {timeout_s:g} s', _IS_IT_RUNNING, name)
        return future.result()


_IS_IT_RUNNING = 'is the node running there? `ros2 node list` shows all'


def deliver(publisher: Any, message: Any, timeout_s: float) -> None:
    """
    Publish a message; return when all subscribers have received it.

    :raises HerRosError: if one of them does not receive it in time
    """
    publisher.publish(message)
    if not publisher.wait_for_all_acked(Duration(seconds=timeout_s)):
        raise HerRosError(
            f'not acknowledged after {timeout_s:g} s',
            'send it again; see whether the node still answers',
            publisher.topic_name,
        )


def send(message: Any, topic: str, qos: QoSProfile, timeout_s: float, question: str) -> None:
    """
    Publish a message once there is a subscriber; return when all have received it.

    :param question: question to the user if there is none
    :raises HerRosError: if no subscriber receives it in time
    """
    with Sender() as sender:
        publisher = sender.publisher(type(message), topic, qos, timeout_s, question)
        deliver(publisher, message, timeout_s)
