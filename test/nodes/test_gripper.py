import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sensor_msgs.msg import JointState

from her_ros.arms.registry import arm_named
from her_ros.config.shipped import shipped_folders
from her_ros.nodes.gripper import GripperGoals, gripper_action_type
from her_ros.nodes.qos import SENSOR
from her_ros.robot.errors import RobotError

FOLDER = shipped_folders()[0] / 'config' / 'arms'


def test_an_action_that_is_not_installed_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, 'control_msgs', None)
    monkeypatch.setitem(sys.modules, 'control_msgs.action', None)
    with pytest.raises(RobotError) as error:
        gripper_action_type()
    line = 'driver.gripper_command is gripper_action, and control_msgs is not installed; sudo apt'
    assert str(error.value).startswith(line)
    assert '\n' not in str(error.value)


@pytest.fixture
def arm(tmp_path):
    """Write the description of the small arm, whose gripper serves the action."""
    pytest.importorskip('control_msgs.action')
    path = tmp_path / 'mine.yaml'
    text = (FOLDER / 'six_joint.yaml').read_text()
    text = text.replace('six_joint.xml', str(FOLDER / 'six_joint.xml'))
    path.write_text(text.replace('driver:', 'driver:\n  gripper_command: gripper_action'))
    return path


@pytest.mark.nodes
def test_goals_open_and_close_the_gripper_of_a_robot(graph, arm):
    graph.start('simulated_robot', '/run', {'task': 'PickAndPlace', 'arm': str(arm)})
    node = graph.new_node('bridge', '/run')
    said, opened, requests = [], [], []
    node.log = SimpleNamespace(warning=lambda key, text: said.append(text))
    goals = GripperGoals(node, arm_named(str(arm)))
    call_async = goals._client.call_async
    goals._client.call_async = lambda request: requests.append(request) or call_async(request)

    def take(message):
        of_joint = dict(zip(message.name, message.position, strict=True))
        opened.append(of_joint['left_finger'])

    goals.send(np.full(2, 0.04))
    assert said == [
        'action /run/gripper_controller/gripper_cmd: nobody serves it, so the gripper does not'
        ' move; start its driver'
    ]
    node.create_subscription(JointState, '/run/joint_states', take, SENSOR)
    graph.until(goals._client.service_is_ready, 'the driver')
    for position in (0.04, 0.0):

        def is_there(position=position):
            goals.send(np.full(2, position))
            return opened and abs(opened[-1] - position) < 0.002

        graph.until(is_there, f'fingers at {position} m')
    assert [request.goal.command.position for request in requests] == [0.04, 0.0]
    assert {request.goal.command.max_effort for request in requests} == {40.0}
    goals.send(np.full(2, 1e6))  # more than any gripper opens
    graph.until(lambda: len(said) == 2, 'a refusal')
    assert 'the driver refuses a goal' in said[1]
