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

"""Convert velocities to and from the units and axes of MoveIt Servo twists."""

from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.robot.frames import Floats, Frames
import numpy as np


class TwistUnits:
    """Converts velocities of the gripper to and from MoveIt Servo twists."""

    def __init__(self, parameters: RobotBridgeParameters, frames: Frames) -> None:
        self._frames = frames
        unitless = parameters.command_twist_units == 'unitless'
        self._scale_mps = parameters.command_unitless_scale_mps if unitless else None

    def followed(self, velocity: Floats) -> Floats:
        """
        Return the velocity that the robot can be sent: m/s, world frame, shape (3,).

        A velocity above the range of unitless twists is scaled down as a whole, so that it keeps
        its direction.
        """
        if self._scale_mps is None:
            return velocity
        fastest = float(np.abs(self._frames.to_base(velocity)).max())
        slowed: Floats = velocity / max(1.0, fastest / self._scale_mps)
        return slowed

    def meant(self, linear: Floats) -> Floats:
        """
        Return the velocity that a twist stands for: m/s, shape (3,).

        :param linear: its linear part, m/s or unitless, in any axes
        """
        return linear * (self._scale_mps or 1.0)

    def linear(self, velocity: Floats) -> Floats:
        """
        Return a twist's linear part in the axes of the robot's base, m/s or unitless.

        :param velocity: as :meth:`followed` returns it: m/s, world frame, shape (3,)
        """
        return self._frames.to_base(velocity) / (self._scale_mps or 1.0)
