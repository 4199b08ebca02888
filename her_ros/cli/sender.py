"""One message from the command line, and whether it arrived."""

import os
import time
from typing import Any

import rclpy
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile

from her_ros.cli.graph import graph_environment
from her_ros.core.errors import HerRosError


def send(message: Any, topic: str, qos: QoSProfile, timeout_s: float, question: str) -> None:
    """Publish a message once somebody listens; return when all who listen have it.

    :param question: what to ask the user where nobody does
    :raises HerRosError: if nobody takes it in time
    """
    os.environ.update(graph_environment())
    rclpy.init()
    node = rclpy.create_node('her_ros_sender')
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        publisher = node.create_publisher(type(message), topic, qos)
        deadline = time.monotonic() + timeout_s
        while not publisher.get_subscription_count():
            if time.monotonic() > deadline:
                raise HerRosError(f'{topic}: nobody listens after {timeout_s:g} s; {question}')
            executor.spin_once(timeout_sec=0.1)
        publisher.publish(message)
        if not publisher.wait_for_all_acked(Duration(seconds=timeout_s)):
            raise HerRosError(f'{topic}: not acknowledged after {timeout_s:g} s')
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
