"""Estimate the velocity of an object from its last poses."""

from collections import deque

import mujoco
import numpy as np

from her_ros.robot.frames import Floats, Pose

# Poses kept however long ago, so that there is a velocity at all.
_FEWEST = 2
# Two poses further apart than this say nothing of the present velocity.
_LONGEST_GAP_S = 0.5


class Track:
    """The last poses of an object, and a straight line through them.

    :param window_s: poses so much older than the last are left out of the line; as little as the
        time between two poses takes the difference of the last two, more averages noise
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._poses: deque[tuple[float, Pose]] = deque()

    def add(self, pose: Pose, time_s: float) -> None:
        """Take in a pose; one that is older than the last is left out."""
        poses = self._poses
        if poses and time_s <= poses[-1][0]:
            return
        if poses and time_s - poses[-1][0] > _LONGEST_GAP_S:
            poses.clear()
        poses.append((time_s, pose))
        while len(poses) > _FEWEST and poses[0][0] < time_s - self._window_s - 1e-6:
            poses.popleft()

    def rest(self) -> None:
        """Take the object to be at rest where it is, such as after somebody has put it there."""
        while len(self._poses) > 1:
            self._poses.popleft()

    @property
    def last(self) -> Pose | None:
        """The last pose as it came."""
        return self._poses[-1][1] if self._poses else None

    def fit(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Lay a line through the poses by least squares.

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
        # The line's height where the last pose is, at time 0.
        position = positions.mean(axis=0) - times.mean() * slopes[:3]
        return position, last.quaternion, slopes[:3], slopes[3:]


def _turn(pose: Pose, reference: Pose) -> Floats:
    """Return the rotation vector that turns ``reference`` into ``pose``, rad, outer axes."""
    turn = np.empty(3)
    mujoco.mju_subQuat(turn, pose.quaternion, reference.quaternion)
    return reference.rotation @ turn
