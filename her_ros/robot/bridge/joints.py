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

"""Merge the newest state of every joint from messages of several drivers."""

from collections.abc import Sequence

from her_ros.robot.errors import RobotError
from her_ros.wire.topics import JOINT_STATES
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_Places = tuple[NDArray[np.intp], NDArray[np.intp]]

# Shortest interval that gives a velocity: arrival times of unstamped messages jitter.
_SHORTEST_S = 5e-4
# Number of name lists to cache; a robot has one per driver.
_MOST_LISTS = 16
# Limit in rad, m, rad/s and m/s; larger values are damaged, and their squares could overflow.
_LARGEST = 1e4


def angle_differences(to: Floats, start: Floats, continuous: NDArray[np.bool_]) -> Floats:
    """
    Return how far joints moved.

    Drivers may report a continuous joint within [-π, π) or without bounds. The shortest turn is
    the same for both.

    :param to: positions, rad or m, shape (J,)
    :param start: positions before, shape (J,)
    :param continuous: which joints turn without limits, shape (J,)
    :return: rad or m, shape (J,)
    """
    difference = to - start
    turns = np.where(continuous, np.round(difference / (2 * np.pi)), 0.0)
    shortest: Floats = difference - 2 * np.pi * turns
    return shortest


class JointStates:
    """
    Position, velocity and time of each joint, whichever driver published it.

    :param names: the joints to keep
    :param continuous: which of them turn without limits, shape (J,)
    """

    def __init__(self, names: Sequence[str], continuous: NDArray[np.bool_]) -> None:
        self.names = tuple(names)
        self._continuous = continuous
        #: rad or m, shape (J,)
        self.position: Floats = np.zeros(len(self.names))
        #: rad/s or m/s, shape (J,)
        self.velocity: Floats = np.zeros(len(self.names))
        #: when each joint was measured, seconds, shape (J,); -inf: never
        self.measured_s: Floats = np.full(len(self.names), -np.inf)
        self._places: dict[tuple[str, ...], _Places] = {}

    @property
    def complete(self) -> bool:
        """Whether every joint was measured once."""
        return bool(np.isfinite(self.measured_s).all())

    def take(
        self, names: Sequence[str], position: ArrayLike, velocity: ArrayLike, measured_s: float
    ) -> NDArray[np.bool_]:
        """
        Accept one message. A joint keeps its state if the message is not newer.

        :param names: joints of the message, in any order; unknown joints are ignored
        :param position: rad or m, shape (len(names),)
        :param velocity: rad/s or m/s, shape (len(names),); where it is empty or NaN, it is
            derived from the positions
        :param measured_s: time of the measurement, seconds
        :return: which joints were updated, shape (J,)
        :raises RobotError: if numbers are missing or not finite; nothing changes then
        """
        ours, theirs = self._find(names)
        positions = _chosen('position', position, names, theirs)
        speeds = np.asarray(velocity, np.float64)
        if speeds.size == 0:
            speeds = np.full(len(names), np.nan)
        velocities = _chosen('velocity', speeds, names, theirs, nan_allowed=True)

        is_new = measured_s > self.measured_s[ours]
        ours, positions, velocities = ours[is_new], positions[is_new], velocities[is_new]
        elapsed_s = measured_s - self.measured_s[ours]
        moved = angle_differences(positions, self.position[ours], self._continuous[ours])
        # Before its first position a joint was measured at -inf: its velocity is 0.
        known = elapsed_s >= _SHORTEST_S
        derived = np.where(known, moved / elapsed_s, self.velocity[ours])
        self.velocity[ours] = np.where(np.isnan(velocities), derived, velocities)
        self.position[ours], self.measured_s[ours] = positions, measured_s
        renewed = np.zeros(len(self.names), bool)
        renewed[ours] = True
        return renewed

    def late(self, now_s: float, timeout_s: float) -> list[str]:
        """Name the joints that were not measured within ``timeout_s`` before ``now_s``."""
        is_late = now_s - self.measured_s > timeout_s
        return [name for name, late in zip(self.names, is_late, strict=True) if late]

    def _find(self, names: Sequence[str]) -> _Places:
        """Return the indices of our joints, here and in a message with these names."""
        key = tuple(names)
        if key not in self._places:
            if len(self._places) >= _MOST_LISTS:
                self._places.clear()
            place = {name: index for index, name in enumerate(key)}
            ours = [index for index, name in enumerate(self.names) if name in place]
            theirs = [place[self.names[index]] for index in ours]
            self._places[key] = np.array(ours, np.intp), np.array(theirs, np.intp)
        return self._places[key]


# Cure of what no driver should send.
_PUBLISHER = 'see what publishes it: ros2 topic info --verbose'


def _chosen(
    kind: str,
    values: ArrayLike,
    names: Sequence[str],
    places: NDArray[np.intp],
    nan_allowed: bool = False,
) -> Floats:
    found = np.asarray(values, np.float64)
    if found.shape != (len(names),):
        raise RobotError(
            f'{len(names)} names but {found.size} values of {kind}', _PUBLISHER, JOINT_STATES
        )
    chosen: Floats = found[places]
    is_bad = (np.abs(chosen) > _LARGEST) | (np.isnan(chosen) & (not nan_allowed))
    if is_bad.any():
        bad = int(np.flatnonzero(is_bad)[0])
        raise RobotError(
            f'{kind} of {names[places[bad]]} is {chosen[bad]}', _PUBLISHER, JOINT_STATES
        )
    return chosen
