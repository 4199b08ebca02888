import sys

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped

from her_ros.nodes.messages import time_message
from her_ros.nodes.qos import LATCHED, ROBOT
from her_ros.nodes.transforms import Transforms, tf2_transforms
from her_ros.robot.errors import RobotError


def test_tf2_that_is_needed_and_not_installed_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    assert tf2_transforms(None, 'base_link', is_needed=False) is None
    with pytest.raises(RobotError) as error:
        tf2_transforms(None, 'base_link', is_needed=True)
    assert str(error.value).startswith('tool_source is tf, and tf2_ros is not installed; sudo apt')


def transform(parent, child, stamp_ns, x, turn=(0.0, 0.0, 0.0, 1.0)):
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id, message.header.stamp = parent, time_message(stamp_ns)
    message.transform.translation.x = x
    rotation = message.transform.rotation
    rotation.x, rotation.y, rotation.z, rotation.w = turn
    return message


@pytest.mark.nodes
def test_a_frame_is_followed_through_moving_and_static_transforms(graph):
    pytest.importorskip('tf2_ros')
    messages = pytest.importorskip('tf2_msgs.msg')
    transforms, taken = Transforms(graph.node, 'base_link'), []
    transforms.follow('tool0', lambda pose, stamp_ns: taken.append((pose, stamp_ns)))
    robot = graph.new_node('robot')
    moving = robot.create_publisher(messages.TFMessage, '/tf', ROBOT)
    static = robot.create_publisher(messages.TFMessage, '/tf_static', LATCHED)
    static.publish(messages.TFMessage(transforms=[transform('wrist', 'tool0', 0, 0.1)]))
    graph.until(moving.get_subscription_count, 'the listener')
    graph.until(lambda: 'tool0' in transforms._buffer.all_frames_as_string(), 'tool0')
    second = 1_000_000_000
    quarter = (0.0, 0.0, 2**-0.5, 2**-0.5)
    for step in (5, 6, 6, 4):  # the third repeats a stamp, the last is older
        arm = transform('base_link', 'arm', step * second, 0.0, quarter)
        wrist = transform('arm', 'wrist', step * second, 0.1 * step)
        moving.publish(messages.TFMessage(transforms=[arm, wrist]))
        graph.acked(moving)
    graph.until(lambda: len(taken) >= 2, 'poses of the tool')
    graph.until(lambda: transforms.lookup('wrist') is not None, 'the wrist')
    for _ in range(5):
        graph.spin()
    assert [stamp_ns for _, stamp_ns in taken] == [5 * second, 6 * second]
    np.testing.assert_allclose(taken[0][0].position, [0.0, 0.6, 0.0], atol=1e-9)
    np.testing.assert_allclose(taken[1][0].position, [0.0, 0.7, 0.0], atol=1e-9)
    assert transforms.lookup('camera') is None
