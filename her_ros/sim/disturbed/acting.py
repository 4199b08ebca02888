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

"""Disturb actions: lost ones, a lag and a scale of the arm, and a base that is turned."""

from typing import Any

from her_ros.sim.disturbed.fields import measured_fields
from her_ros.sim.disturbed.sensing import base_rotation
from her_ros.sim.observations import Floats
from her_ros.tasks.disturbances import Drawn
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray


class Acting:
    """
    Turns the actions of a policy into those that the arm makes.

    Lag, scale and turn act on the displacement of the gripper; on all of an action if the task
    does not tell which part that is, except for the turn.
    """

    def __init__(self, task: GoalTask) -> None:
        self._size = task.action_size
        self._displacement = measured_fields(task).displacement
        self._scaled = self._displacement or slice(None)

    def begin(self, drawn: Drawn) -> None:
        """Start episodes, with an arm at rest."""
        self._lost = drawn['lost_share'][:, 0]
        self._scale = drawn['action_scale']
        lag = drawn['arm_lag_periods'].astype(np.float64)
        with np.errstate(divide='ignore'):
            # Share of the way to the command that the arm makes in one control period.
            self._share = np.where(lag > 0, -np.expm1(-1.0 / lag), 1.0)
        #: from the frame that the policy believes in to the world, shape (N, 3, 3)
        self._turn = base_rotation(drawn).swapaxes(1, 2)
        self._turned = bool((drawn['base_yaw_deg'] != 0).any())
        self._command = np.zeros((len(drawn), self._size))
        self._motion = np.zeros((len(drawn), self._size))[:, self._scaled]

    def act(self, actions: NDArray[Any], uniform: Floats) -> NDArray[Any]:
        """
        Return what the arm makes of actions, in their type; scaled ones may exceed 1.

        :param actions: in [-1, 1], shape (N, A)
        :param uniform: a number in [0, 1) per environment, shape (N,)
        """
        # Without a new command a robot goes on with the one before.
        lost = (uniform < self._lost)[:, None]
        self._command = np.where(lost, self._command, np.clip(actions, -1.0, 1.0))
        wanted = self._command[:, self._scaled]
        lagging = self._motion + self._share * (wanted - self._motion)
        self._motion = np.where(self._share < 1.0, lagging, wanted)
        done = self._command.copy()
        done[:, self._scaled] = self._motion * self._scale
        if self._turned and self._displacement is not None:
            moved = self._turn @ done[:, self._displacement, None]
            done[:, self._displacement] = moved[..., 0]
        return done.astype(actions.dtype)
