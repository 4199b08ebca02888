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

"""Move the gripper to the start position of training between episodes."""

from her_ros.arms.scene_specs import SceneSpec
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Floats
import numpy as np

_SPEED_MPS = 0.25
#: height of the path above the start position, clear of objects on the table
_CLEARANCE_M = 0.12
#: training never starts with the object closer to the gripper than 0.1 m
_OBJECT_DISTANCE_M = 0.12
_THERE_M = 0.01
_TIMEOUT_S = 15.0


class Homing:
    """
    Moves the gripper up, across and down; in a straight line for tasks without an object.

    :param start: start position of training, metres, world frame, shape (3,)
    :param speed_mps: speed limit; never more than 0.25 m/s
    """

    def __init__(
        self, scene_spec: SceneSpec, start: Floats, speed_mps: float = _SPEED_MPS
    ) -> None:
        self._has_object = scene_spec.object_start_m is not None
        self._start = start
        self._speed_mps = min(speed_mps, _SPEED_MPS)
        self._target = start
        self._over = False
        self._began_at: float | None = None

    def begin(self, object_position: Floats | None, now_s: float) -> None:
        """Start the motion; end beside the object if it blocks the start position."""
        self._target = self._start.copy()
        if object_position is not None:
            away = self._start[:2] - object_position[:2]
            distance = float(np.linalg.norm(away))
            if distance < _OBJECT_DISTANCE_M:
                # Directly above the object, move towards the robot.
                way = away / distance if distance > 1e-3 else np.array([-1.0, 0.0])
                self._target[:2] = object_position[:2] + way * _OBJECT_DISTANCE_M
        self._over = False
        self._began_at = now_s

    def velocity(self, grip: Floats, now_s: float) -> Floats | None:
        """
        Return the velocity, m/s, world frame, shape (3,); None if the gripper has arrived.

        :param grip: position of the gripper, metres, world frame, shape (3,)
        :raises RobotError: if it does not arrive in time
        """
        assert self._began_at is not None
        way = self._target - grip
        if np.linalg.norm(way) < _THERE_M:
            return None
        if now_s - self._began_at > _TIMEOUT_S:
            raise RobotError(
                f'the gripper did not reach {self._target.round(3).tolist()} within'
                f' {_TIMEOUT_S:.0f} s and stands at {grip.round(3).tolist()}',
                'clear its way, and see whether the driver follows commands',
            )
        return self._towards(self._next(grip, way) - grip)

    def _next(self, grip: Floats, way: Floats) -> Floats:
        """Return the end point of the present segment."""
        beside = np.linalg.norm(way[:2]) >= _THERE_M
        if not self._has_object or not beside:
            return self._target
        height = self._target[2] + _CLEARANCE_M
        self._over = self._over or grip[2] >= height - _THERE_M
        if self._over:
            return np.array([*self._target[:2], height])
        return np.array([*grip[:2], height])

    def _towards(self, way: Floats) -> Floats:
        distance = float(np.linalg.norm(way))
        # Slow down within the last centimetres to avoid overshoot.
        speed = min(self._speed_mps, distance / 0.1)
        return way / max(distance, 1e-9) * speed
