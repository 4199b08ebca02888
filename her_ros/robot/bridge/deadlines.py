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
