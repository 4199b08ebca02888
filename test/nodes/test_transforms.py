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

import sys
from types import SimpleNamespace

from geometry_msgs.msg import TransformStamped
from her_ros.nodes.messages import time_message
from her_ros.nodes.qos import LATCHED, ROBOT
from her_ros.nodes.transforms import tf2_transforms, Transforms
from her_ros.robot.errors import RobotError
import numpy as np
import pytest


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


SECOND = 1_000_000_000


@pytest.fixture
def listening():
    """Return transforms without a graph, and their callbacks by topic."""
    pytest.importorskip('tf2_ros')
    callbacks = {}

    def create_subscription(kind, topic, callback, *_, **__):
        callbacks[topic] = callback

    node = SimpleNamespace(create_subscription=create_subscription, destroy_subscription=id)
    return Transforms(node, 'base_link'), callbacks


def message_of(*transforms):
    return SimpleNamespace(transforms=transforms)


def test_a_clock_set_back_begins_anew_with_the_static_transforms_kept(listening):
    transforms, callbacks = listening
    stamps = []
    transforms.follow('tool0', lambda pose, stamp_ns: stamps.append(stamp_ns / SECOND))
    callbacks['/tf_static'](message_of(transform('wrist', 'tool0', 0, 0.1)))
    for stamp_s in (100, 101, 100.5, 50, 51):
        moved = transform('base_link', 'wrist', int(stamp_s * SECOND), 0.0)
        callbacks['/tf'](message_of(moved))
    assert stamps == [100, 101, 50, 51]


@pytest.mark.parametrize('moving', [['wrist'], ['arm'], ['arm', 'wrist']])
def test_a_stamp_in_the_future_hides_no_later_transforms(listening, moving):
    transforms, callbacks = listening
    stamps, refused = [], []

    def take(pose, stamp_ns):
        if stamp_ns > 1000 * SECOND:
            raise RobotError('stamped in the future', source='/tf')
        stamps.append(stamp_ns / SECOND)

    transforms.follow('tool0', take)
    callbacks['/tf_static'](message_of(transform('wrist', 'tool0', 0, 0.1)))
    parents = {'arm': 'base_link', 'wrist': 'arm'}
    for step in range(30):
        for child, parent in parents.items():
            late_s = 9000 if step == 10 and child in moving else 0
            moved = transform(parent, child, (100 + step + late_s) * SECOND, 0.0)
            try:
                callbacks['/tf'](message_of(moved))
            except RobotError as error:
                refused.append(str(error))
    assert len(refused) == (len(moving) == 2)
    assert stamps[-1] == 129
    assert len(stamps) >= 28


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
    for step in (5, 6, 6, 5.5):  # the third repeats a stamp, the last is older
        arm = transform('base_link', 'arm', int(step * second), 0.0, quarter)
        wrist = transform('arm', 'wrist', int(step * second), 0.1 * step)
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
