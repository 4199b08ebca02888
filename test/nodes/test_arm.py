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

"""Publish commands in the process of the test, and look at the messages."""

from time import monotonic

from geometry_msgs.msg import PoseStamped, TwistStamped
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.nodes.arm import ArmPublisher
from her_ros.nodes.qos import COMMAND
from her_ros.robot.bridge.control import RobotControl
from her_ros.robot.frames import task_frames
from her_ros.robot.kinematics import task_kinematics
from her_ros.tasks.registry import task_named
from her_ros.wire.topics import TOOL_POSE, TRAJECTORY, TWIST
import numpy as np
import pytest
from trajectory_msgs.msg import JointTrajectory

pytestmark = pytest.mark.nodes

KINDS = {
    'twist': (TwistStamped, TWIST),
    'joint_trajectory': (JointTrajectory, TRAJECTORY),
    'tool_pose': (PoseStamped, TOOL_POSE),
}


def values(message):
    """Return the numbers of a command."""
    if isinstance(message, TwistStamped):
        linear = message.twist.linear
        return [linear.x, linear.y, linear.z]
    if isinstance(message, JointTrajectory):
        return list(message.points[0].positions)
    place, turn = message.pose.position, message.pose.orientation
    return [place.x, place.y, place.z, turn.w, turn.x, turn.y, turn.z]


def test_a_tilted_arm_gets_no_motion_as_a_standing_command(graph):
    task = task_named('Reach', 'six_joint')
    arm = task_kinematics(task)
    joints = arm.positions + np.array([0.2, 0.0, 0.0, 0.0, 0.15, 0.0, 0.0, 0.0])
    arm.update(joints, np.zeros(8))
    pose = arm.pose_after(np.zeros(3))
    expected = {
        'twist': np.zeros(3),
        'joint_trajectory': joints[:6],
        'tool_pose': [*pose.position, *pose.quaternion],
    }
    for output, (kind, topic) in KINDS.items():
        p = RobotBridgeParameters(command_output=output, timeout_input_s=1.0)
        frames = task_frames(task, p)
        control = RobotControl(task, p, frames, session=1)
        node = graph.new_node(output, f'/{output}')
        publisher = ArmPublisher(node, p, control, 0.04, frames.base_frame)
        messages = []
        graph.node.create_subscription(kind, f'/{output}/{topic}', messages.append, COMMAND)
        graph.until(lambda at=f'/{output}/{topic}': graph.node.count_publishers(at), topic)
        graph.until(lambda node=node, topic=topic: node.count_subscribers(topic), topic)
        # The joints are too old: a position could be far from the arm.
        command, count = control._commands.standing(), int(output == 'twist')
        publisher.send(command)
        graph.until(lambda got=messages, n=count: len(got) == n, f'{count} commands')
        control.observer.take_joints(arm.joint_names, joints, np.zeros(8), monotonic())
        publisher.send(command)
        graph.until(lambda got=messages, n=count: len(got) == n + 1, f'{count + 1} commands')
        assert values(messages[-1]) == pytest.approx(expected[output], abs=1e-12)
