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

"""Take the model of a robot from the topic that it is published on."""

import time

from her_ros.nodes.guarded_node import GuardedNode
from her_ros.nodes.qos import LATCHED
from her_ros.robot.errors import RobotError
from her_ros.wire.topics import ROBOT_DESCRIPTION
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String

_LONGEST_S = 10.0


def published_urdf(node: GuardedNode, longest_s: float = _LONGEST_S) -> str:
    """
    Wait for the model that a robot publishes; return its text.

    :param node: it must not be spinning
    :raises RobotError: if no text, or only an empty one, comes in time
    """
    texts: list[str] = []
    subscription = node.create_subscription(
        String, ROBOT_DESCRIPTION, lambda message: texts.append(message.data), LATCHED
    )
    topic = subscription.topic_name
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    try:
        until_s = time.monotonic() + longest_s
        while not any(texts) and time.monotonic() < until_s:
            executor.spin_once(timeout_sec=0.1)
    finally:
        executor.remove_node(node)
        node.destroy_subscription(subscription)
    if not any(texts):
        came = 'only empty texts' if texts else 'nothing'
        raise RobotError(
            f'{came} on {topic} within {longest_s:g} s',
            'start robot_state_publisher, or name a file as model.source',
        )
    return [text for text in texts if text][-1]
