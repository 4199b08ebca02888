"""Commands to a robot: what was sent, checked, as arrays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from her_ros.robot.errors import RobotError
from her_ros.robot.kinematics import ARM_JOINTS, FINGER_JOINTS

Floats = NDArray[np.float64]

#: frames that the simulated robot's commands may stand in; their axes are the same
FRAMES = ('world', 'base_link')
# rad, m, m/s; no arm follows more, and the simulation would break
_LARGEST = 100.0


def checked_twist(frame: str, linear: ArrayLike, angular: ArrayLike) -> Floats:
    """Check a velocity of the gripper.

    :param linear: m/s, shape (3,)
    :param angular: rad/s, shape (3,)
    :return: ``linear``
    :raises RobotError: if the frame is not one of ``FRAMES``, a value is not finite, or the
        gripper is to turn
    """
    if frame not in FRAMES:
        raise RobotError(f'twist: frame {frame!r} is unknown; use {" or ".join(FRAMES)}')
    velocity = _finite('twist', linear, 3)
    if (turn := _finite('twist', angular, 3)).any():
        raise RobotError(f'twist: angular is {turn.tolist()}; the gripper cannot turn, send 0')
    return velocity


def checked_joints(names: Sequence[str], positions: ArrayLike, duration_s: float) -> Floats:
    """Put the arm's joints into the order of ``ARM_JOINTS``.

    :param positions: in the order of ``names``, rad
    :param duration_s: time to get there
    :return: positions, rad, shape (7,)
    :raises RobotError: if joints are unknown, missing or named twice, a value is not finite, or
        the time is negative
    """
    if unknown := [name for name in names if name not in ARM_JOINTS]:
        raise RobotError(f'trajectory: unknown joints {unknown}; the arm has {list(ARM_JOINTS)}')
    if missing := [name for name in ARM_JOINTS if name not in names]:
        raise RobotError(f'trajectory: joints {missing} are missing; all seven must be named')
    if len(names) > len(ARM_JOINTS):
        raise RobotError(f'trajectory: joints are named twice: {list(names)}')
    if duration_s < 0.0:
        raise RobotError(f'trajectory: time_from_start is {duration_s} s; it must not be negative')
    by_name = dict(zip(names, _finite('trajectory', positions, len(names)), strict=True))
    return np.array([by_name[name] for name in ARM_JOINTS])


def checked_fingers(positions: ArrayLike) -> Floats:
    """Check finger positions, right and left: metres, shape (2,).

    :raises RobotError: if there are not two, or one is not finite
    """
    return _finite('gripper command', positions, len(FINGER_JOINTS))


def _finite(what: str, values: ArrayLike, size: int) -> Floats:
    array = np.asarray(values, np.float64)
    if array.shape != (size,) or not np.isfinite(array).all():
        raise RobotError(f'{what}: {array.tolist()} is not {size} finite numbers')
    if (largest := np.abs(array).max(initial=0.0)) > _LARGEST:
        raise RobotError(f'{what}: {largest:g} is too large; at most {_LARGEST:g} is followed')
    return array
