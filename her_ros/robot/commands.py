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

"""Check commands to a robot and convert them to arrays."""

from collections.abc import Sequence
from typing import NamedTuple

from her_ros.arms.model import FINGER_JOINTS
from her_ros.arms.placement import placement_of
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Frames, Pose, WORLD
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Limit in rad, m and m/s; no arm follows larger values, and the simulation would diverge.
_LARGEST = 100.0
# Largest angle of a commanded tool of the Fetch from pointing down, rad. A mocap moves it, so it
# would turn at once.
_LARGEST_TILT = 0.1


class CommandChecker:
    """
    Checks commands to the arm of a task that stands where it does in training.

    Commands stand in the world or in the frame of its base, whose axes are the same.

    :raises ArmError: if the task has no arm, or its description has a fault
    """

    def __init__(self, task: GoalTask) -> None:
        placement = placement_of(task)
        description = placement.description
        base = Pose.of('base', placement.base_m)
        self._frames = Frames(description.driver.base_frame, base)
        self._arm_joints = description.arm.driver_joints
        self._gripper_joints = len(description.gripper.joints)
        #: wxyz; None: the tool may turn
        self._down = None if task.arm else np.array(description.tool.down_quaternion)

    def twist(self, frame: str, linear: ArrayLike, angular: ArrayLike) -> Floats:
        """
        Check a velocity of the tool.

        :param linear: m/s, shape (3,)
        :param angular: rad/s, shape (3,)
        :return: ``linear``
        :raises RobotError: if the frame is unknown, a value is not finite, or the tool is to turn
        """
        self._check_frame('twist', frame)
        velocity = _finite('twist', linear, 3)
        if (turn := _finite('twist', angular, 3)).any():
            raise RobotError(
                f'twist: angular is {turn.tolist()}', 'the gripper cannot turn, send 0'
            )
        return velocity

    def tool_pose(self, frame: str, position: ArrayLike, xyzw: ArrayLike) -> Pose:
        """
        Check a pose of the tool.

        :param position: metres, shape (3,)
        :param xyzw: quaternion as ROS orders it, shape (4,)
        :return: world frame
        :raises RobotError: if the frame is unknown, a value is not finite, or the tool of a Fetch
            does not point down
        """
        self._check_frame('tool pose', frame)
        pose = Pose.of('tool pose', _finite('tool pose', position, 3), xyzw)
        if self._down is not None:
            _check_tilt(pose, self._down)
        return self._frames.to_world(frame, pose, 'tool pose')

    def joints(self, names: Sequence[str], positions: ArrayLike, duration_s: float) -> Floats:
        """
        Check joint positions and return them in the order of the arm's joints.

        :param positions: in the order of ``names``, rad (m if prismatic)
        :param duration_s: time to get there
        :return: positions, rad (m), shape (A,)
        :raises RobotError: if joints are unknown, missing or named twice, a value is not finite,
            or the time is negative
        """
        ours = self._arm_joints
        if unknown := [name for name in names if name not in ours]:
            raise RobotError(f'trajectory: unknown joints {unknown}', f'the arm has {list(ours)}')
        if missing := [name for name in ours if name not in names]:
            raise RobotError(
                f'trajectory: joints {missing} are missing', f'all {len(ours)} must be named'
            )
        if len(names) > len(ours):
            raise RobotError(
                f'trajectory: joints are named twice: {list(names)}', 'name each once'
            )
        if duration_s < 0.0:
            raise RobotError(
                f'trajectory: time_from_start is {duration_s} s', 'it must not be negative'
            )
        by_name = dict(zip(names, _finite('trajectory', positions, len(names)), strict=True))
        return np.array([by_name[name] for name in ours])

    def gripper(self, positions: ArrayLike) -> Floats:
        """Check positions of the gripper's joints, see :func:`checked_fingers`."""
        return checked_fingers(positions, self._gripper_joints)

    def _check_frame(self, what: str, frame: str) -> None:
        if frame not in (known := (WORLD, self._frames.base_frame)):
            raise RobotError(f'{what}: frame {frame!r} is unknown', f'use {" or ".join(known)}')


class StampFault(NamedTuple):
    """A fault in the stamp of a command."""

    #: ``unstamped``, ``stale`` or ``future``
    kind: str
    text: str


def stamp_fault(what: str, stamp_ns: int, now_ns: int, limit_s: float) -> StampFault | None:
    """
    Check the stamp of a command; return None if it is current.

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


def checked_fingers(positions: ArrayLike, count: int = len(FINGER_JOINTS)) -> Floats:
    """
    Check positions of the gripper's joints, those of the Fetch by default: m or rad.

    :param positions: in the order of the arm's description, shape (count,)
    :raises RobotError: if there is another number of them, or one is not finite
    """
    return _finite('gripper command', positions, count)


def _check_tilt(pose: Pose, down: Floats) -> None:
    tilt = 2.0 * np.arccos(min(1.0, abs(float(pose.quaternion @ down))))
    if tilt > _LARGEST_TILT:
        raise RobotError(
            f'tool pose: the tool is turned by {tilt:.2f} rad from pointing down',
            'the gripper of the Fetch cannot turn, send the orientation'
            f' {np.roll(down, -1).round(4).tolist()} (x, y, z, w)',
        )


def _finite(what: str, values: ArrayLike, size: int) -> Floats:
    array = np.asarray(values, np.float64)
    if array.shape != (size,) or not np.isfinite(array).all():
        raise RobotError(f'is {array.tolist()}', f'send {size} finite numbers', what)
    if (largest := np.abs(array).max(initial=0.0)) > _LARGEST:
        raise RobotError(
            f'{largest:g} is too large', f'at most {_LARGEST:g} is followed', source=what
        )
    return array
