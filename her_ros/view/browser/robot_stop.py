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

"""Stop robots from any thread, at once."""

from threading import Lock
import time
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_srvs.srv import Trigger

# How long answers are waited for, as `her-ros stop` does.
_TIMEOUT_S = 3.0


class RobotStop:
    """
    Calls the services that stop robots.

    It has a node of its own, so that no other work of a view can delay a stop. Its clients are
    made before they are needed, since a request reaches only a service that was found.

    :param node: gives the name and the context
    """

    def __init__(self, node: Node) -> None:
        self._node = rclpy.create_node(
            f'{node.get_name()}_stop', context=node.context, start_parameter_services=False
        )
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(self._node)
        self._receiving = Lock()
        self._clients: dict[str, Any] = {}

    def add(self, service: str) -> None:
        """Get ready to call a service, such as ``/her_ros/robot_bridge/stop``."""
        if service not in self._clients:
            self._clients[service] = self._node.create_client(Trigger, service)

    def stop(self) -> list[str]:
        """
        Call all services at once, then wait for their answers.

        :return: a line for each robot: what it answered, or that it did not
        """
        futures = {
            service: client.call_async(Trigger.Request()) if client.service_is_ready() else None
            for service, client in [*self._clients.items()]
        }
        sent = [each for each in futures.values() if each is not None]
        until = time.monotonic() + _TIMEOUT_S
        while not all(each.done() for each in sent) and time.monotonic() < until:
            # A second person who presses the button meanwhile has sent already, and waits here.
            with self._receiving:
                self._executor.spin_once(timeout_sec=0.05)
        return [_line(service, future) for service, future in futures.items()]


def _line(service: str, future: Any) -> str:
    node = service.removesuffix('/stop')
    if future is None:
        return f'{node}: not there, nothing sent. Use the stop of the robot itself.'
    if not future.done():
        return f'{node}: no answer in {_TIMEOUT_S:g} s. Use the stop of the robot itself.'
    answer = future.result()
    return f'{node}: {"" if answer.success else "refused: "}{answer.message}'
