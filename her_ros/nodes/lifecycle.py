"""What rclpy's lifecycle nodes lack."""

from typing import Any

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode


def refuse_impossible_transitions(node: LifecycleNode) -> None:
    """Answer a request for a transition that the present state does not have with a failure.

    rclpy raises an error instead, which would end the node.
    """
    # No public name leads to it; rclpy 7.1 (Jazzy).
    service = node._service_change_state
    change = service.callback

    def change_or_refuse(request: Any, response: Any) -> Any:
        try:
            return change(request, response)
        except rclpy_implementation.RCLError as error:
            node.get_logger().error(f'no such transition now: {error}')
            response.success = False
            return response

    service.callback = change_or_refuse
