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

"""Additions to rclpy's lifecycle nodes."""

from typing import Any

from her_ros.nodes.rclpy_private import lifecycle_services, RCLError
from her_ros.runtime.errors import HerRosError


def guard_lifecycle_services(node: Any) -> None:
    """
    Guard the services that rclpy makes without the node's own ``create_service``.

    A request for a transition that the present state does not have is refused. rclpy raises an
    error instead, which would end the node.

    :param node: a lifecycle node that is a :class:`~her_ros.nodes.guarded_node.GuardedNode`
    """
    services = lifecycle_services(node)
    change = services[0].callback

    def change_or_refuse(request: Any, response: Any) -> Any:
        try:
            return change(request, response)
        except RCLError as error:
            raise HerRosError(
                f'no such transition now: {error}', 'ask ~/get_available_transitions'
            ) from None

    services[0].callback = change_or_refuse
    for service in services:
        service.callback = node.guarded_service(service.srv_name, service.callback)
