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

"""Send every pair of bad messages and requests, in both orders, to every node in process."""

from functools import partial
import itertools
import json
import time
import warnings

from campaign.fuzz import filled
from geometry_msgs.msg import TwistStamped
from her_ros.arms.model import ARM_JOINTS
from her_ros.nodes.evaluator import EvaluatorNode
from her_ros.nodes.policy import PolicyNode
from her_ros.nodes.rclpy_private import wants_message_info
from her_ros.nodes.recorder import RecorderNode
from her_ros.nodes.robot_bridge import RobotBridgeNode
from her_ros.nodes.sim_env import SimEnvNode
from her_ros.nodes.simulated_robot import SimulatedRobotNode
from her_ros.nodes.trainer import TrainerNode
from her_ros.runtime.run_folder import RunFolder
import numpy as np
import pytest
import rclpy
from rclpy.serialization import serialize_message
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

pytestmark = pytest.mark.nodes

RUN = 'a folder'
NODES = {
    'trainer': (TrainerNode, {'run_dir': RUN, 'device': 'cpu', 'replay_capacity': 1000}),
    'evaluator': (EvaluatorNode, {'run_dir': RUN}),
    'sim_env': (SimEnvNode, {'follow_collection_enabled': False}),
    'recorder': (RecorderNode, {'run_dir': RUN}),
    'policy in training': (PolicyNode, {'exploration.enabled': True, 'deployment': False}),
    'policy in deployment': (PolicyNode, {'exploration.enabled': True, 'accept_policies': True}),
    'robot_bridge': (RobotBridgeNode, {}),
    'simulated_robot': (SimulatedRobotNode, {}),
}
FILLINGS = 3


@pytest.fixture
def node(request, graph, tmp_path):
    """Make a node in this process, on a domain where nobody else is."""
    make, parameters = NODES[request.param]
    folder = RunFolder(tmp_path / 'run')
    folder.create()
    arguments = ['--ros-args']
    for name, value in parameters.items():
        value = str(folder.path) if value is RUN else value
        arguments += ['-p', f'{name}:={json.dumps(value)}']
    rclpy.init(args=arguments, domain_id=graph.domain)
    made = make()
    yield made
    if hasattr(made, 'close'):
        made.close()
    made.destroy_node()
    rclpy.try_shutdown()


def bad_messages(node):
    """List functions that hand a bad message to a subscription, or a request to a service."""
    calls = []
    for subscription in node.subscriptions:
        contents = [b'', b'\0\1\0\0']
        for seed in range(FILLINGS):
            message = filled(subscription.msg_type(), np.random.default_rng(seed))
            contents.append(serialize_message(message))
        info = [{}] if wants_message_info(subscription) else []
        calls += [partial(subscription.callback, content, *info) for content in contents]
    for service in node.services:
        for seed in range(FILLINGS):
            request = filled(service.srv_type.Request(), np.random.default_rng(seed))
            calls.append(partial(_ask, service, request))
    return calls


def _ask(service, request):
    return service.callback(request, service.srv_type.Response())


@pytest.mark.parametrize('node', NODES, indirect=True)
def test_bad_messages_in_any_order_are_refused(node):
    """Each pair of messages and requests, in both orders; no exception is unexpected."""
    calls = bad_messages(node)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for first, second in itertools.permutations(calls, 2):
            first()
            second()
    assert node.unexpected_errors == 0, node.problems
    assert sum(node.refused.values()) >= len(calls)
    assert all(each.isprintable() for each in node.problems.values())


@pytest.mark.parametrize('node', ['simulated_robot'], indirect=True)
def test_commands_of_another_time_are_counted_by_kind_and_not_followed(node):
    """The Time of rclpy raises a ValueError for stamps before 1970."""
    now_s = int(time.time())
    kinds = {'stale': (-1, now_s - 3600), 'future': (now_s + 3600,), 'unstamped': (0,)}
    twist = TwistStamped()
    twist.header.frame_id = 'base_link'
    point = JointTrajectoryPoint(positions=[0.0] * 7)
    trajectory = JointTrajectory(joint_names=list(ARM_JOINTS), points=[point])
    before = {kind: node._status()[kind] for kind in kinds}
    for seconds in kinds.values():
        for message, stamp_s in itertools.product((twist, trajectory), seconds):
            if stamp_s or message is twist:  # an unstamped trajectory begins now
                message.header.stamp.sec = stamp_s
                _take(node, message)
    after = {kind: node._status()[kind] - before[kind] for kind in kinds}
    assert after == {'stale': 4, 'future': 2, 'unstamped': 1}
    assert not node._robot.commanded
    trajectory.header.stamp.sec = 0
    _take(node, trajectory)
    assert node._robot.commanded
    assert node.unexpected_errors == 0


def _take(node, message):
    (commands,) = [each for each in node.subscriptions if each.msg_type is type(message)]
    commands.callback(serialize_message(message))
