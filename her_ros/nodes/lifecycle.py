"""What rclpy's lifecycle nodes lack."""

from typing import Any

from rclpy.impl.implementation_singleton import rclpy_implementation

from her_ros.core.errors import HerRosError


def guard_lifecycle_services(node: Any) -> None:
    """Guard the services that rclpy makes without the node's own ``create_service``.

    A request for a transition that the present state does not have is refused. rclpy raises an
    error instead, which would end the node.

    :param node: a lifecycle node that is a :class:`~her_ros.nodes.guarded_node.GuardedNode`
    """
    # No public name leads to it; rclpy 7.1 (Jazzy).
    change = node._service_change_state.callback

    def change_or_refuse(request: Any, response: Any) -> Any:
        try:
            return change(request, response)
        except rclpy_implementation.RCLError as error:
            raise HerRosError(f'no such transition now: {error}') from None

    node._service_change_state.callback = change_or_refuse
    for service in (
        node._service_change_state,
        node._service_get_state,
        node._service_get_available_states,
        node._service_get_available_transitions,
        node._service_get_transition_graph,
    ):
        service.callback = node.guarded_service(service.srv_name, service.callback)
