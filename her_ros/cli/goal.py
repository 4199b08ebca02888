"""``her-ros goal``: what clicking on the table in RViz does, from the command line."""

import os
import time

import rclpy
from geometry_msgs.msg import PointStamped
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor

from her_ros.cli.graph import graph_environment
from her_ros.core.errors import HerRosError
from her_ros.nodes.qos import COMMAND, GOAL


def send_goal(position: tuple[float, float, float], frame: str, namespace: str) -> None:
    """Publish a goal and see that it arrives.

    :param position: metres, shape (3,)
    :raises HerRosError: if nobody listens
    """
    topic, timeout_s = f'/{namespace.strip("/")}/{GOAL}', 10.0
    os.environ.update(graph_environment())
    rclpy.init()
    node = rclpy.create_node('her_ros_goal')
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        publisher = node.create_publisher(PointStamped, topic, COMMAND)
        deadline = time.monotonic() + timeout_s
        while not publisher.get_subscription_count():
            if time.monotonic() > deadline:
                raise HerRosError(
                    f'{topic}: nobody listens after {timeout_s:g} s; is robot_bridge or fetch_env'
                    ' running in this namespace and ROS domain?'
                )
            executor.spin_once(timeout_sec=0.1)
        message = PointStamped()
        message.header.stamp = node.get_clock().now().to_msg()
        message.header.frame_id = frame
        message.point.x, message.point.y, message.point.z = position
        publisher.publish(message)
        publisher.wait_for_all_acked(Duration(seconds=timeout_s))
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    print(f'{topic}: goal {list(position)} sent')
