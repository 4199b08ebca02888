"""Check commands to a robot and convert them to arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from her_ros.arms.model import ARM_JOINTS, FINGER_JOINTS
from her_ros.robot.errors import RobotError

Floats = NDArray[np.float64]

#: frames that the simulated robot's commands may stand in; their axes are the same
FRAMES = ('world', 'base_link')
# Limit in rad, m and m/s; no arm follows larger values, and the simulation would diverge.
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
        raise RobotError(f'twist: frame {frame!r} is unknown', f'use {" or ".join(FRAMES)}')
    velocity = _finite('twist', linear, 3)
    if (turn := _finite('twist', angular, 3)).any():
        raise RobotError(f'twist: angular is {turn.tolist()}', 'the gripper cannot turn, send 0')
    return velocity


class StampFault(NamedTuple):
    """A fault in the stamp of a command."""

    #: ``unstamped``, ``stale`` or ``future``
    kind: str
    text: str


def stamp_fault(what: str, stamp_ns: int, now_ns: int, limit_s: float) -> StampFault | None:
    """Check the stamp of a command; return None if it is current.

    A stamp in the future is refused like an old one, as the age of the command is unknown.

    :param what: name of the command, for messages
    :param stamp_ns: wall time of the sender, nanoseconds; 0: none
    :param now_ns: wall time here, nanoseconds
    :param limit_s: largest age of a stamp, and largest offset into the future
    """
    if not stamp_ns:
        return StampFault(
            'unstamped', f'{what}: it has no stamp (0), so its age is unknown; stamp it with now'
        )
    age_s = (now_ns - stamp_ns) / 1e9
    if abs(age_s) <= limit_s:
        return None
    kind, side = ('stale', 'past') if age_s > 0 else ('future', 'future')
    return StampFault(
        kind,
        f'{what}: stamped {abs(age_s):.3f} s in the {side}, more than command_timeout_s'
        f' {limit_s:g}; send it sooner, or synchronise the clocks',
    )


def checked_joints(names: Sequence[str], positions: ArrayLike, duration_s: float) -> Floats:
    """Check joint positions and return them in the order of ``ARM_JOINTS``.

    :param positions: in the order of ``names``, rad
    :param duration_s: time to get there
    :return: positions, rad, shape (7,)
    :raises RobotError: if joints are unknown, missing or named twice, a value is not finite, or
        the time is negative
    """
    if unknown := [name for name in names if name not in ARM_JOINTS]:
        raise RobotError(
            f'trajectory: unknown joints {unknown}', f'the arm has {list(ARM_JOINTS)}'
        )
    if missing := [name for name in ARM_JOINTS if name not in names]:
        raise RobotError(f'trajectory: joints {missing} are missing', 'all seven must be named')
    if len(names) > len(ARM_JOINTS):
        raise RobotError(f'trajectory: joints are named twice: {list(names)}')
    if duration_s < 0.0:
        raise RobotError(
            f'trajectory: time_from_start is {duration_s} s', 'it must not be negative'
        )
    by_name = dict(zip(names, _finite('trajectory', positions, len(names)), strict=True))
    return np.array([by_name[name] for name in ARM_JOINTS])


def checked_fingers(positions: ArrayLike, count: int = len(FINGER_JOINTS)) -> Floats:
    """Check positions of the gripper's joints, those of the Fetch by default: m or rad.

    :param positions: in the order of the arm's description, shape (count,)
    :raises RobotError: if there is another number of them, or one is not finite
    """
    return _finite('gripper command', positions, count)


def _finite(what: str, values: ArrayLike, size: int) -> Floats:
    array = np.asarray(values, np.float64)
    if array.shape != (size,) or not np.isfinite(array).all():
        raise RobotError(f'{array.tolist()} is not {size} finite numbers', source=what)
    if (largest := np.abs(array).max(initial=0.0)) > _LARGEST:
        raise RobotError(
            f'{largest:g} is too large', f'at most {_LARGEST:g} is followed', source=what
        )
    return array
