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

from itertools import groupby
import sys
from types import SimpleNamespace

from her_ros.arms.registry import arm_named
from her_ros.config.shipped import shipped_folders
from her_ros.nodes.gripper import gripper_action_type, GripperGoals
from her_ros.nodes.qos import SENSOR
from her_ros.robot.bridge import control
from her_ros.robot.errors import RobotError
import numpy as np
import pytest
from rclpy.task import Future
from sensor_msgs.msg import JointState

FOLDER = shipped_folders()[0] / 'config' / 'arms'


def test_an_action_that_is_not_installed_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, 'control_msgs', None)
    monkeypatch.setitem(sys.modules, 'control_msgs.action', None)
    with pytest.raises(RobotError) as error:
        gripper_action_type()
    line = 'driver.gripper_command is gripper_action, and control_msgs is not installed; sudo apt'
    assert str(error.value).startswith(line)
    assert '\n' not in str(error.value)


class Driver:
    """A driver's service for goals, and a client of it, without ROS."""

    service_name = 'gripper_cmd/_action/send_goal'

    def __init__(self):
        self.is_up, self.positions, self.asked = True, [], []

    def service_is_ready(self):
        return self.is_up

    def call_async(self, request):
        self.positions.append(request.goal.command.position)
        self.asked.append(Future())
        return self.asked[-1]

    def remove_pending_request(self, future):
        self.asked.remove(future)

    def answer(self, accepted=True):
        self.asked.pop(0).set_result(SimpleNamespace(accepted=accepted))


@pytest.fixture
def gripper(monkeypatch):
    """Return goals for the gripper of the small arm, their driver, the warnings and a clock."""
    driver, said, now_s = Driver(), [], [100.0]

    def request():
        goal = SimpleNamespace(command=SimpleNamespace())
        return SimpleNamespace(goal_id=SimpleNamespace(), goal=goal)

    action = SimpleNamespace(
        Impl=SimpleNamespace(SendGoalService=SimpleNamespace(Request=request))
    )
    monkeypatch.setattr('her_ros.nodes.gripper.gripper_action_type', lambda: action)
    monkeypatch.setattr('her_ros.nodes.gripper.time.monotonic', lambda: now_s[0])
    log = SimpleNamespace(warning=lambda key, text: said.append(text))
    node = SimpleNamespace(create_client=lambda *_: driver, log=log)
    return GripperGoals(node, arm_named('six_joint')), driver, said, now_s


def test_a_driver_that_comes_back_gets_the_position_again(gripper):
    goals, driver, said, now_s = gripper
    goals.send(np.full(2, 0.04))
    driver.answer()
    for is_up in (True, False, True):
        driver.is_up = is_up
        now_s[0] += 0.04
        goals.send(np.full(2, 0.04))
    assert driver.positions == [0.04, 0.04]
    assert len(said) == 1
    assert 'nobody serves it' in said[0]


def test_a_repeated_position_is_sent_once_per_second_and_after_forgetting(gripper):
    goals, driver, _, now_s = gripper
    for _ in range(50):  # 2 s
        goals.send(np.full(2, 0.04))
        if driver.asked:
            driver.answer()
        now_s[0] += 0.04
    assert driver.positions == [0.04] * 2
    goals.forget()
    goals.send(np.full(2, 0.04))
    assert driver.positions == [0.04] * 3


def test_a_position_that_comes_while_an_answer_is_awaited_is_sent_after_it(gripper):
    goals, driver, said, _ = gripper
    for position in (0.04, 0.02, 0.0):
        goals.send(np.full(2, position))
    assert driver.positions == [0.04]
    driver.answer()
    assert driver.positions == [0.04, 0.0]
    driver.answer()
    assert driver.positions == [0.04, 0.0]
    assert said == []


def test_an_answer_is_awaited_for_less_time_than_the_bridge_commands_after_a_stop(gripper):
    goals, driver, said, now_s = gripper
    goals.send(np.full(2, 0.04))
    now_s[0] += control._STOP_S - 0.05
    goals.send(np.full(2, 0.04))
    assert driver.positions == [0.04, 0.04]
    assert said == ['action gripper_cmd: no answer to a goal within 0.4 s']


def test_a_refused_position_is_sent_again_with_the_next_command(gripper):
    goals, driver, said, _ = gripper
    goals.send(np.full(2, 0.04))
    driver.answer(accepted=False)
    assert 'refuses' in said[0]
    goals.send(np.full(2, 0.04))
    assert driver.positions == [0.04, 0.04]


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
    # A slow machine sends one again.
    sent = [request.goal.command.position for request in requests]
    assert [position for position, _ in groupby(sent)] == [0.04, 0.0]
    assert {request.goal.command.max_effort for request in requests} == {40.0}
    goals.send(np.full(2, 1e6))  # more than any gripper opens
    graph.until(lambda: len(said) == 2, 'a refusal')
    assert 'the driver refuses a goal' in said[1]
