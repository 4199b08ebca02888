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

"""Make the simulated robot follow commands: a moving target, and a mocap body ahead of it."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: lead of the mocap body over the target. The weld is a critically damped spring, so the gripper
#: lags a steadily moving mocap by about 38 ms; the shipped FetchPush policy failed in fewer
#: episodes with a slightly shorter lead.
_LEAD_S = 0.036
#: largest distance of the target from the gripper; limits the force on an obstacle
_LEASH_M = 0.01
#: a full action in all three directions at once, with a margin; with lead and leash the mocap is
#: never farther from the gripper than such an action puts it in training, 8.7 cm
_MAX_SPEED_MPS = 1.5


class Follower:
    """
    Converts commands to positions of the mocap body to which the gripper is softly welded.

    In training each action displaces the mocap by up to 5 cm from the gripper for 40 ms. Here a
    target moves with the commanded velocity, and the mocap leads it slightly. A steady command
    then moves the gripper as fast as the corresponding action.

    :param position: position of the gripper, metres, world frame, shape (3,)
    """

    def __init__(self, position: Floats) -> None:
        self._target = position.copy()
        self._velocity, self._until_s = np.zeros(3), 0.0

    def move(self, velocity: Floats, time_s: float, duration_s: float) -> None:
        """
        Move for ``duration_s``, then stop.

        :param velocity: m/s, world frame, shape (3,); limited to 1.5 m/s
        :param time_s: simulated time
        """
        speed = float(np.linalg.norm(velocity))
        self._velocity = velocity * min(1.0, _MAX_SPEED_MPS / max(speed, 1e-9))
        self._until_s = time_s + duration_s

    def move_to(self, position: Floats, time_s: float, duration_s: float) -> None:
        """Move in a straight line, then stop; takes longer if 1.5 m/s would be exceeded."""
        way = position - self._target
        duration_s = max(duration_s, float(np.linalg.norm(way)) / _MAX_SPEED_MPS, 1e-3)
        self.move(way / duration_s, time_s, duration_s)

    def commanded(self, time_s: float) -> bool:
        """Return whether the last command is still in effect."""
        return time_s < self._until_s

    def advance(self, gripper: Floats, time_s: float, timestep_s: float) -> Floats:
        """
        Return the position of the mocap for the next timestep.

        :param gripper: position of the gripper, metres, world frame, shape (3,)
        """
        # Half a timestep of tolerance, as simulated time accumulates rounding errors.
        if not self.commanded(time_s + timestep_s / 2):
            self._velocity = np.zeros(3)
        ahead = self._target + self._velocity * timestep_s - gripper
        ahead *= min(1.0, _LEASH_M / max(float(np.linalg.norm(ahead)), 1e-9))
        self._target = gripper + ahead
        return self._target + self._velocity * _LEAD_S
