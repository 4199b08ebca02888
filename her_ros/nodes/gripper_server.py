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

"""Serve the action GripperCommand for the simulated robot, as the driver of a gripper does."""

from collections.abc import Callable
from typing import Any

from her_ros.arms.mechanics import Gripper
from her_ros.nodes.gripper import gripper_action_type
from her_ros.nodes.guarded_node import GuardedNode
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Floats
from her_ros.wire.topics import GRIPPER_ACTION
import numpy as np
from rclpy.action import ActionServer, GoalResponse

# The goal is reached within this part of the way of the fingers.
_REACHED = 0.02
# A gripper that has moved less than this part of its way in _STALLED_S has stalled.
_STILL = 0.005
_STALLED_S = 0.2


class GripperServer:
    """
    Takes goals; one ends when it is reached, the fingers have stalled, or another one comes.

    :param command: takes checked positions of the gripper's joints, m or rad, shape (1,) or (2,)
    :param check: checks them
    :raises RobotError: if control_msgs is not installed
    """

    def __init__(
        self,
        node: GuardedNode,
        gripper: Gripper,
        check: Callable[[Floats], Floats],
        command: Callable[[Floats], None],
    ) -> None:
        self._action = gripper_action_type()
        self._node, self._gripper = node, gripper
        self._check, self._command = check, command
        self._way = abs(gripper.open - gripper.closed)
        #: the goal that is followed
        self._goal: Any = None
        self._position, self._still_since = np.inf, (np.inf, 0.0)
        self._server = ActionServer(
            node,
            self._action,
            GRIPPER_ACTION,
            execute_callback=self._result,
            goal_callback=self._judge,
            handle_accepted_callback=self._begin,
        )

    def advance(self, position: float, now_s: float) -> None:
        """
        End the present goal if it is reached, or the fingers have stalled.

        :param position: of the first joint of the gripper, m or rad
        :param now_s: monotonic time
        """
        self._position = position
        if self._goal is None:
            return
        if abs(position - self._still_since[0]) > _STILL * self._way:
            self._still_since = position, now_s
        if self._is_reached(self._goal) or now_s - self._still_since[1] > _STALLED_S:
            self._end()

    def _joints(self, goal: Any) -> Floats:
        return np.full(len(self._gripper.joints), goal.command.position)

    def _judge(self, goal: Any) -> GoalResponse:
        try:
            self._check(self._joints(goal))
        except RobotError as error:
            self._node.log.error(GRIPPER_ACTION, f'{error}; goal refused')
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _begin(self, goal: Any) -> None:
        if self._goal is not None:
            self._end()
        self._goal, self._still_since = goal, (np.inf, 0.0)
        self._command(self._joints(goal.request))

    def _end(self) -> None:
        goal, self._goal = self._goal, None
        goal.execute()

    def _is_reached(self, goal: Any) -> bool:
        return abs(goal.request.command.position - self._position) < _REACHED * self._way

    def _result(self, goal: Any) -> Any:
        is_reached = self._is_reached(goal)
        goal.succeed()
        return self._action.Result(
            position=self._position,
            effort=0.0 if is_reached else self._gripper.max_effort,
            stalled=not is_reached,
            reached_goal=is_reached,
        )
