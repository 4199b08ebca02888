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

"""Predict the current gripper position from the last measurement and the commands sent since."""

from collections import deque

from her_ros.robot.frames import Floats
import numpy as np

# Older commands are dropped, as no prediction goes back further.
_REMEMBERED_S = 1.0
# Longest prediction. Messages that appear older have another clock or a stopped robot.
_LONGEST_S = 0.1


class CommandedMotion:
    """
    Recent velocity commands, integrated to predict the gripper's position.

    The arm follows velocity commands almost without lag, but measurements arrive late. The motion
    since the measurement is predicted from the commands: a Smith predictor (Smith 1957) whose
    model is an arm that follows its commands exactly.
    """

    def __init__(self) -> None:
        self._commands: deque[tuple[float, Floats]] = deque()

    def command(self, velocity: Floats, now_s: float) -> None:
        """
        Note a command, which holds until the next.

        :param velocity: m/s, world frame, shape (3,)
        """
        self._commands.append((now_s, velocity))
        while len(self._commands) > 1 and self._commands[1][0] < now_s - _REMEMBERED_S:
            self._commands.popleft()

    def since(self, age_s: float, now_s: float) -> tuple[Floats, Floats]:
        """
        Return how the commands moved the gripper, and by how much they changed its velocity.

        :param age_s: age of the measurement, seconds
        :return: metres and m/s, world frame, shape (3,)
        """
        begin_s = now_s - min(max(age_s, 0.0), _LONGEST_S)
        moved, then, velocity = np.zeros(3), np.zeros(3), np.zeros(3)
        held_from = -np.inf
        for start_s, commanded in self._commands:
            moved += velocity * max(0.0, start_s - max(held_from, begin_s))
            if start_s <= begin_s:
                then = commanded
            held_from, velocity = start_s, commanded
        moved += velocity * (now_s - max(held_from, begin_s))
        return moved, velocity - then
