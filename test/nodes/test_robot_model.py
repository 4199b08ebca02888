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

from her_ros.arms.registry import arm_named
from her_ros.config.shipped import shipped_folders
from her_ros.nodes.guarded_node import GuardedNode
from her_ros.nodes.qos import LATCHED, ROBOT
from her_ros.nodes.robot_model import published_urdf
from her_ros.robot.errors import RobotError
from her_ros.robot.kinematics import task_kinematics
from her_ros.tasks.registry import task_named
import pytest
import rclpy
from rclpy.context import Context
from sensor_msgs.msg import JointState
from std_msgs.msg import String

FOLDER = shipped_folders()[0] / 'config' / 'arms'


@pytest.fixture
def node():
    context = Context()
    rclpy.init(args=[], context=context, domain_id=0)
    node = GuardedNode('listener', context=context)
    yield node
    node.destroy_node()
    context.try_shutdown()


def test_a_model_that_nobody_publishes_is_one_line(node):
    with pytest.raises(RobotError) as error:
        published_urdf(node, longest_s=0.05)
    line = 'nothing on /robot_description within 0.05 s; start robot_state_publisher, or name a'
    assert str(error.value).startswith(line)


def test_an_empty_model_is_no_answer(node):
    publisher = node.create_publisher(String, 'robot_description', LATCHED)
    publisher.publish(String(data=''))
    with pytest.raises(RobotError) as error:
        published_urdf(node, longest_s=0.3)
    assert str(error.value).startswith(
        'only empty texts on /robot_description within 0.3 s; start'
    )
    publisher.publish(String(data='<robot/>'))
    assert published_urdf(node) == '<robot/>'


@pytest.mark.nodes
def test_the_bridge_takes_the_model_that_a_robot_publishes(graph, tmp_path):
    """Play the robot: its model comes before the bridge starts, its joints all the time."""
    path = tmp_path / 'mine.yaml'
    text = (FOLDER / 'six_joint.yaml').read_text()
    path.write_text(text.replace('source: six_joint.xml', 'source: robot_description'))
    model = graph.node.create_publisher(String, '/run/robot_description', LATCHED)
    parameters = {'task': 'Reach', 'arm': str(path), 'timeout.input_s': 5.0}
    arm = task_kinematics(task_named('Reach', 'six_joint'))
    joints = JointState(name=list(arm.joint_names), position=arm.positions.tolist())
    states = graph.node.create_publisher(JointState, '/run/joint_states', ROBOT)
    model.publish(String(data=(FOLDER / 'six_joint.xml').read_text()))
    graph.start('robot_bridge', '/run', parameters)

    def is_ready():
        states.publish(joints)
        return graph.status('/run/robot_bridge').get('state') == 'waits for a goal'

    graph.until(is_ready, 'a bridge with kinematics')
    model.publish(String(data='<robot name="x"><link name="base_link"/></robot>'))
    bad = graph.start(
        'robot_bridge',
        '/bad',
        parameters,
        ('-r', '/bad/robot_description:=/run/robot_description'),
    )
    assert bad.ended() == 2
    assert bad.lines[-1].startswith("her_ros: mine: arm.base_body: the model has no body 'base'")
    assert arm_named('six_joint').arm.joints == arm.arm_joints
