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

"""Estimate the velocity of an object from its last poses."""

from collections import deque

from her_ros.robot.frames import Floats, Pose
import mujoco
import numpy as np

# Minimum number of poses kept, whatever their age, so that there is a velocity.
_FEWEST = 2
# Longest interval between two poses from which a velocity is estimated.
_LONGEST_GAP_S = 0.5


class Track:
    """
    The last poses of an object, and a straight line through them.

    :param window_s: length of the fit. Poses older than the last by more are left out. A window
        of one interval takes the difference of the last two poses; longer ones average noise
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._poses: deque[tuple[float, Pose]] = deque()

    def add(self, pose: Pose, time_s: float) -> None:
        """Add a pose; one that is not newer than the last is ignored."""
        poses = self._poses
        if poses and time_s <= poses[-1][0]:
            return
        if poses and time_s - poses[-1][0] > _LONGEST_GAP_S:
            poses.clear()
        poses.append((time_s, pose))
        while len(poses) > _FEWEST and poses[0][0] < time_s - self._window_s - 1e-6:
            poses.popleft()

    def rest(self) -> None:
        """Take the object to be at rest, for example after somebody has placed it there."""
        while len(self._poses) > 1:
            self._poses.popleft()

    @property
    def last(self) -> Pose | None:
        """Return the last pose as received."""
        return self._poses[-1][1] if self._poses else None

    def fit(self) -> tuple[Floats, Floats, Floats, Floats]:
        """
        Fit a line to the poses by least squares.

        The orientation is that of the last pose: turns are small within a window.

        :return: position at the time of the last pose, metres; its quaternion, wxyz; velocity,
            m/s; angular velocity, rad/s, all in the axes of the poses
        """
        _, last = self._poses[-1]
        count = len(self._poses)
        if count == 1:
            return last.position, last.quaternion, np.zeros(3), np.zeros(3)
        times = np.array([time for time, _ in self._poses]) - self._poses[-1][0]
        positions = np.array([pose.position for _, pose in self._poses])
        turns = np.array([_turn(pose, last) for _, pose in self._poses])
        centred = times - times.mean()
        slopes = centred @ np.concatenate((positions, turns), axis=1) / (centred @ centred)
        # The value of the line at the last pose, time 0.
        position = positions.mean(axis=0) - times.mean() * slopes[:3]
        return position, last.quaternion, slopes[:3], slopes[3:]


def _turn(pose: Pose, reference: Pose) -> Floats:
    """Return the rotation vector that turns ``reference`` into ``pose``, rad, outer axes."""
    turn = np.empty(3)
    mujoco.mju_subQuat(turn, pose.quaternion, reference.quaternion)
    return reference.rotation @ turn
