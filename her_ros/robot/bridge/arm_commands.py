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

"""Convert actions to commands for a robot's arm and fingers."""

from typing import NamedTuple

from her_ros.arms.scene_specs import scene_spec_of
from her_ros.robot.bridge.units import TwistUnits
from her_ros.robot.frames import Floats
from her_ros.robot.tool import ToolMotion
from her_ros.tasks.fetch import fingers_after
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray


class Command(NamedTuple):
    """Command to the robot for one control period."""

    #: of the gripper, m/s, world frame, shape (3,)
    velocity: Floats
    #: positions of the fingers at +y and at -y, metres, shape (2,)
    fingers: Floats


class ArmCommands:
    """
    Converts actions to commands and keeps the last commanded finger positions.

    :param full_action_speed_mps: speed of the gripper for an action of 1
    """

    def __init__(
        self,
        task: GoalTask,
        kinematics: ToolMotion,
        units: TwistUnits,
        full_action_speed_mps: float,
    ) -> None:
        self._kinematics = kinematics
        self._units = units
        self._speed_mps = full_action_speed_mps
        self._period_s = task.control_period_s
        # The workspace of the Fetch is larger in training, where its base gives way.
        self._is_bounded = bool(task.arm)
        self._fingers_closed = scene_spec_of(task).fingers_closed
        self._widest_m = kinematics.description.gripper.max_opening / 2
        self._max_speed_mps = kinematics.description.driver.max_tool_speed
        self._fingers = np.zeros(2)  # as last commanded

    def acting(self, action: NDArray[np.float32]) -> Command:
        """
        Turn an action into a command.

        :param action: in [-1, 1], shape (A,)
        """
        velocity = self._followed(action[:3].astype(np.float64) * self._speed_mps)
        if self._is_bounded:
            way = self._kinematics.within_workspace(velocity * self._period_s)
            velocity = way / self._period_s
        if not self._fingers_closed:
            measured = self._kinematics.finger_position
            self._fingers = fingers_after(measured, action[3], self._widest_m)
        return Command(velocity, self._fingers)

    def homing(self, velocity: Floats) -> Command:
        """
        Move the gripper, with the fingers closed as at the start of episodes in training.

        :param velocity: m/s, world frame, shape (3,)
        """
        self._fingers = np.zeros(2)
        return Command(self._followed(velocity), self._fingers)

    def standing(self) -> Command:
        """Hold the arm and keep the gripper's current opening."""
        return Command(np.zeros(3), self._fingers)

    def _followed(self, velocity: Floats) -> Floats:
        """Return a velocity within the limits of driver and units, in the same direction."""
        speed_mps = float(np.linalg.norm(velocity))
        return self._units.followed(velocity / max(1.0, speed_mps / self._max_speed_mps))
