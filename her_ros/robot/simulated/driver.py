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

"""Turn commands into targets of joints, as the driver of an arm does."""

from her_ros.arms.inverse_kinematics import InverseKinematics
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# A command of the tool is followed by joint motions of this length, each by inverse kinematics.
_MOTION_S = 0.02
#: largest distance of a target from its joint, rad or m; limits the force on an obstacle. In free
#: motion joints are less than half as far away
_LEASH = 0.05


class ArmDriver:
    """
    Moves the targets of an arm's joints, within the limits of their speeds.

    The last command is followed: a velocity of the tool, which then points down, a pose of it, or
    positions of the joints. When it ends, the targets stand still.

    :param kinematics: of the arm; J is the number of joints of its chain
    :param joints: present positions, rad (m if prismatic), shape (J,)
    """

    def __init__(self, kinematics: InverseKinematics, joints: Floats) -> None:
        self._kinematics = kinematics
        self._chain = kinematics.chain
        self._max_speeds = np.zeros(len(joints))
        self._max_speeds[self._chain.commanded] = kinematics.description.arm.max_speeds
        self._target = joints.copy()
        self._until_s = 0.0
        #: position that the tool moves to; None: it has a velocity, or joints are commanded
        self._tool: Floats | None = None
        #: its orientation there; None: it points down
        self._axes: Floats | None = None
        self._velocity = np.zeros(3)
        #: end of the present motion of the joints, and when it ends
        self._motion_end, self._motion_until_s = joints.copy(), 0.0

    def move(self, velocity: Floats, time_s: float, duration_s: float) -> None:
        """
        Move the tool for ``duration_s``, then stop.

        :param velocity: m/s, axes of the base, shape (3,)
        :param time_s: simulated time
        """
        self._begin(time_s, duration_s)
        self._velocity, self._tool = velocity.copy(), None

    def move_tool(self, position: Floats, axes: Floats, time_s: float, duration_s: float) -> None:
        """
        Move the tool in a straight line, then stop.

        :param position: metres, frame of the base, shape (3,)
        :param axes: of the tool's frame as columns, frame of the base, shape (3, 3)
        """
        self._begin(time_s, duration_s)
        self._tool, self._axes = position.copy(), axes.copy()

    def move_joints(self, positions: ArrayLike, time_s: float, duration_s: float) -> None:
        """
        Move the joints; it takes longer if one would exceed the limit of its speed.

        :param positions: of the commanded joints, rad (m if prismatic), shape (A,)
        """
        end = self._target.copy()
        end[self._chain.commanded] = positions
        end = np.clip(end, self._chain.lower, self._chain.upper)
        moved = self._chain.commanded
        slowest_s = (np.abs(end - self._target)[moved] / self._max_speeds[moved]).max()
        self._begin(time_s, max(duration_s, float(slowest_s)))
        self._motion_end, self._motion_until_s = end, self._until_s

    def commanded(self, time_s: float) -> bool:
        """Return whether the last command is still in effect."""
        return time_s < self._until_s

    def advance(self, joints: Floats, time_s: float, timestep_s: float) -> tuple[Floats, Floats]:
        """
        Move the targets for a timestep.

        :param joints: present positions, rad (m if prismatic), shape (J,)
        :return: targets at its end, rad (m), and their speeds, rad/s (m/s), shape (J,) each
        """
        self._target = np.clip(self._target, joints - _LEASH, joints + _LEASH)
        # Half a timestep of tolerance, as simulated time accumulates rounding errors.
        now_s = time_s + timestep_s / 2
        if not self.commanded(now_s):
            return self._target, np.zeros_like(joints)
        if now_s >= self._motion_until_s:
            self._plan(time_s)
        remaining_s = max(self._motion_until_s - time_s, timestep_s)
        most = self._max_speeds * timestep_s
        change = (self._motion_end - self._target) * (timestep_s / remaining_s)
        change = np.clip(change, -most, most)
        self._target = self._target + change
        return self._target, change / timestep_s

    def _begin(self, time_s: float, duration_s: float) -> None:
        self._until_s = time_s + duration_s
        self._velocity, self._tool, self._axes = np.zeros(3), None, None
        self._motion_until_s = time_s

    def _plan(self, time_s: float) -> None:
        """Begin the next motion of the joints."""
        duration_s = min(_MOTION_S, self._until_s - time_s)
        way = self._velocity * duration_s
        if self._tool is not None:
            left = self._tool - self._chain.tool_pose(self._target)[0]
            way = left * min(1.0, duration_s / (self._until_s - time_s))
        # Where nothing moves, inverse kinematics would still bring joints nearer to home.
        self._motion_end = (
            self._kinematics.joints_after(self._target, way, duration_s, axes=self._axes)
            if way.any()
            else self._target
        )
        self._motion_until_s = time_s + duration_s
