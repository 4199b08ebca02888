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
