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

"""Deadlines of a robot: actions of the policy, control periods of the bridge, goals."""

from her_ros.config.parameters.robot import RobotBridgeParameters
import numpy as np


class Deadlines:
    """Monotonic times of the last events, in seconds, and checks for overdue ones."""

    def __init__(self, parameters: RobotBridgeParameters) -> None:
        self._policy_timeout_s = parameters.timeout_policy_s
        self._goal_timeout_s = parameters.timeout_goal_s
        self._ticked_s = self._answered_s = -np.inf
        self._expires_s = np.inf

    def tick(self, now_s: float) -> None:
        """Note a control period."""
        self._ticked_s = now_s

    def answer(self, now_s: float) -> None:
        """Note an answer of the policy."""
        self._answered_s = now_s

    def goal(self, now_s: float) -> None:
        """Restart the time within which an episode must start."""
        self._expires_s = now_s + self._goal_timeout_s

    def stood_still(self, now_s: float) -> str:
        """Return a text if no control period ran for too long; otherwise empty."""
        still_s = now_s - self._ticked_s
        if still_s <= self._policy_timeout_s:
            return ''
        return f'the bridge itself stood still for {still_s:.1f} s'

    def silent(self, now_s: float) -> str:
        """Return a text if the policy sent no action for too long; otherwise empty."""
        silent_s = now_s - self._answered_s
        if silent_s <= self._policy_timeout_s:
            return ''
        return f'the policy answered nothing for {silent_s:.1f} s'

    def expired(self, now_s: float, awaited: str) -> str:
        """
        Return a text if the goal expired; otherwise empty.

        :param awaited: the part that was not ready
        """
        if now_s <= self._expires_s:
            return ''
        return f'the goal expired, {awaited} was not ready for {self._goal_timeout_s:g} s'
