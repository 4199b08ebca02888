"""Make the simulated robot follow commands: a moving target, and a mocap body ahead of it."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: the mocap runs ahead of the target by what the gripper moves in this time. The weld is a
#: critically damped spring, so the gripper trails a mocap that moves steadily by about 38 ms; the
#: shipped FetchPush policy lost fewer episodes with a little less.
_LEAD_S = 0.036
#: how far the target may be from the gripper, so that an obstacle is not pressed ever harder
_LEASH_M = 0.01
#: a full action in all three directions at once, with a margin; with lead and leash the mocap is
#: never farther from the gripper than such an action puts it in training, 8.7 cm
_MAX_SPEED_MPS = 1.5


class Follower:
    """Turns commands for the gripper into positions of the mocap that it is welded to, softly.

    In training an action puts the mocap up to 5 cm beside the gripper, for 40 ms each. Here a
    target moves with the commanded velocity, and the mocap a little ahead of it; a steady command
    then moves the gripper as fast as the action that it stands for.

    :param position: where the gripper stands, metres, world frame, shape (3,)
    """

    def __init__(self, position: Floats) -> None:
        self._target = position.copy()
        self._velocity, self._until_s = np.zeros(3), 0.0

    def move(self, velocity: Floats, time_s: float, duration_s: float) -> None:
        """Move for a time, then stay.

        :param velocity: m/s, world frame, shape (3,); shortened to 1.5 m/s
        :param time_s: simulated time
        """
        speed = float(np.linalg.norm(velocity))
        self._velocity = velocity * min(1.0, _MAX_SPEED_MPS / max(speed, 1e-9))
        self._until_s = time_s + duration_s

    def move_to(self, position: Floats, time_s: float, duration_s: float) -> None:
        """Move in a straight line, then stay; longer where it would take more than 1.5 m/s."""
        way = position - self._target
        duration_s = max(duration_s, float(np.linalg.norm(way)) / _MAX_SPEED_MPS, 1e-3)
        self.move(way / duration_s, time_s, duration_s)

    def commanded(self, time_s: float) -> bool:
        """Tell whether the last command still counts."""
        return time_s < self._until_s

    def advance(self, gripper: Floats, time_s: float, timestep_s: float) -> Floats:
        """Return where the mocap belongs for the next timestep.

        :param gripper: its position, metres, world frame, shape (3,)
        """
        # Half a timestep early, as simulated time is a sum of many roundings.
        if not self.commanded(time_s + timestep_s / 2):
            self._velocity = np.zeros(3)
        ahead = self._target + self._velocity * timestep_s - gripper
        ahead *= min(1.0, _LEASH_M / max(float(np.linalg.norm(ahead)), 1e-9))
        self._target = gripper + ahead
        return self._target + self._velocity * _LEAD_S
