"""``her-ros publish``: hand a policy to a node that takes them from a topic."""

import os
import time
from pathlib import Path

import rclpy
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rich.console import Console
from std_msgs.msg import UInt8MultiArray

from her_ros.cli.graph import graph_environment
from her_ros.core.errors import HerRosError
from her_ros.deploy.policy import OnnxPolicy
from her_ros.deploy.signature import read_signature
from her_ros.nodes.messages import policy_message
from her_ros.nodes.qos import LATCHED


def publish(model: Path, topic: str, timeout_s: float) -> None:
    """Publish a policy and its signature, if it has one; end once all subscribers have them.

    :raises HerRosError: if the file is no policy, or nobody takes it in time
    """
    policy = OnnxPolicy.load(model)
    message = policy_message(model.read_bytes(), read_signature(model))
    os.environ.update(graph_environment())
    rclpy.init()
    node = rclpy.create_node('her_ros_publish')
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        publisher = node.create_publisher(UInt8MultiArray, topic, LATCHED)
        publisher.publish(message)
        deadline = time.monotonic() + timeout_s
        while not publisher.get_subscription_count():
            if time.monotonic() > deadline:
                raise HerRosError(
                    f'{topic}: nobody listens after {timeout_s:g} s; is a policy node configured'
                    ' there, with accept_policies: true? --topic takes another topic'
                )
            executor.spin_once(timeout_sec=0.1)
        if not publisher.wait_for_all_acked(Duration(seconds=timeout_s)):
            raise HerRosError(f'{topic}: not acknowledged after {timeout_s:g} s')
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    Console().print(f'{topic}: {policy.describe()}', soft_wrap=True)
