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

"""Publish commands for a gripper as messages or goals of its driver."""

import time
from typing import Any
from uuid import uuid4

from her_ros.arms.description import ArmDescription
from her_ros.nodes.guarded_node import GuardedNode
from her_ros.nodes.qos import COMMAND
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Floats
from her_ros.wire.topics import GRIPPER, GRIPPER_ACTION, SEND_GOAL
from rclpy.task import Future
from std_msgs.msg import Float64MultiArray

# A goal is sent when the fingers are to move by more than this part of their way.
_TOLERANCE = 0.01
# An answer that takes longer is not awaited. The bridge commands for longer after a stop, so that
# the last position is sent again.
_LONGEST_S = 0.4
# A repeated position is sent again after this time, as the gripper may have been moved.
_AGAIN_S = 1.0


def gripper_action_type() -> Any:
    """
    Return the action GripperCommand.

    :raises RobotError: if control_msgs is not installed
    """
    try:
        from control_msgs.action import GripperCommand
    except ImportError:
        raise RobotError(
            'driver.gripper_command is gripper_action, and control_msgs is not installed',
            'sudo apt install ros-jazzy-control-msgs, or set it to joint_positions',
        ) from None
    return GripperCommand


class GripperPositions:
    """Publishes positions of the gripper's joints, for a forward_command_controller."""

    def __init__(self, node: GuardedNode) -> None:
        self._publisher = node.create_publisher(Float64MultiArray, GRIPPER, COMMAND)

    def send(self, joints: Floats) -> None:
        """Publish positions, m or rad, shape (1,) or (2,)."""
        self._publisher.publish(Float64MultiArray(data=joints.tolist()))

    def forget(self) -> None:
        """Do nothing, as every position is sent."""


class GripperGoals:
    """
    Sends goals of the action GripperCommand: the position of a joint, and the largest effort.

    Only the service that takes goals is used: a later goal replaces an earlier one, whatever
    became of that. A position that is repeated is sent once per second. One that comes while an
    answer is awaited is sent after it.

    :raises RobotError: if control_msgs is not installed
    """

    def __init__(self, node: GuardedNode, description: ArmDescription) -> None:
        self._type = gripper_action_type().Impl.SendGoalService
        self._node = node
        gripper = description.gripper
        self._max_effort = gripper.max_effort
        self._tolerance = _TOLERANCE * abs(gripper.open - gripper.closed)
        self._client = node.create_client(self._type, GRIPPER_ACTION + SEND_GOAL)
        #: the position that the driver has accepted, or is asked for
        self._position: float | None = None
        self._wanted = 0.0
        self._asked: Future | None = None
        self._asked_at_s = 0.0

    def send(self, joints: Floats) -> None:
        """Ask for positions, m or rad, shape (1,) or (2,); the first one is sent."""
        if not self._client.service_is_ready():
            self._drop_asked()
            self._warn('nobody serves it, so the gripper does not move; start its driver')
            return
        self._wanted = float(joints[0])
        if not self._is_busy() and (self._is_new() or self._age_s() > _AGAIN_S):
            self._ask()

    def forget(self) -> None:
        """Send the next position even if it is the last one."""
        self._position = None

    def _ask(self) -> None:
        request = self._type.Request()
        # It identifies the goal at the driver.
        request.goal_id.uuid = list(uuid4().bytes)
        request.goal.command.position = self._wanted
        request.goal.command.max_effort = self._max_effort
        self._position, self._asked_at_s = self._wanted, time.monotonic()
        self._asked = self._client.call_async(request)
        self._asked.add_done_callback(self._on_answer)

    def _is_new(self) -> bool:
        """Return whether the wanted position differs from that of the last goal."""
        return self._position is None or abs(self._wanted - self._position) > self._tolerance

    def _age_s(self) -> float:
        return time.monotonic() - self._asked_at_s

    def _is_busy(self) -> bool:
        """Return whether the answer to the last goal is still awaited."""
        if self._asked is None:
            return False
        if self._age_s() < _LONGEST_S:
            return True
        self._drop_asked()
        self._warn(f'no answer to a goal within {_LONGEST_S:g} s')
        return False

    def _drop_asked(self) -> None:
        """Await no answer any more; the driver may not have the last position."""
        if self._asked is not None:
            self._client.remove_pending_request(self._asked)
        self._asked = self._position = None

    def _on_answer(self, future: Future) -> None:
        response = future.result()
        if future is not self._asked:
            return
        self._asked = None
        if response is None or not response.accepted:
            self._position = None
            self._warn('the driver refuses a goal; see its log')
        elif self._is_new():
            self._ask()

    def _warn(self, text: str) -> None:
        self._node.log.warning(GRIPPER_ACTION, f'action {self._name}: {text}')

    @property
    def _name(self) -> str:
        return str(self._client.service_name).removesuffix(SEND_GOAL)


def gripper_commands(
    node: GuardedNode, description: ArmDescription
) -> GripperPositions | GripperGoals:
    """
    Return what commands the gripper of an arm.

    :raises RobotError: if what its driver takes is not installed
    """
    if description.driver.gripper_command == 'gripper_action':
        return GripperGoals(node, description)
    return GripperPositions(node)
