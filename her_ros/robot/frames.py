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

"""Poses, and their transformation from the frames of messages to the world frame."""

from collections.abc import Callable
from dataclasses import dataclass

from her_ros.arms.placement import placement_of
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.robot.errors import RobotError
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: frame of all positions in observations and goals
WORLD = 'world'
# Limit in metres; larger values are damaged, and their squares could overflow.
_LARGEST = 1e6


@dataclass(frozen=True)
class Pose:
    """Pose of a frame or an object in another frame."""

    #: metres, shape (3,)
    position: Floats
    #: unit quaternion w, x, y, z, shape (4,)
    quaternion: Floats

    @classmethod
    def of(cls, name: str, position: ArrayLike, xyzw: ArrayLike = (0.0, 0.0, 0.0, 1.0)) -> 'Pose':
        """
        Make a checked pose.

        :param name: name for errors
        :param position: metres, shape (3,)
        :param xyzw: quaternion as ROS orders it, of any length but 0, shape (4,)
        :raises RobotError: if a number is not finite, or the quaternion is 0
        """
        place, turn = np.asarray(position, np.float64), np.asarray(xyzw, np.float64)
        if not (np.isfinite(place).all() and np.isfinite(turn).all()):
            raise RobotError(
                f'{place.tolist()}, {turn.tolist()} is not finite', 'send finite numbers', name
            )
        if (largest := np.abs([*place, *turn]).max()) > _LARGEST:
            raise RobotError(
                f'{largest:g} is too large', f'at most {_LARGEST:g} is read', source=name
            )
        length = float(np.linalg.norm(turn))
        if length < 1e-6:
            raise RobotError(
                f'its orientation is the quaternion {turn.tolist()}', 'send one of length 1', name
            )
        return cls(place, np.roll(turn, 1) / length)

    @property
    def rotation(self) -> Floats:
        """Return the rotation matrix, shape (3, 3)."""
        matrix = np.empty(9)
        mujoco.mju_quat2Mat(matrix, self.quaternion)
        return matrix.reshape(3, 3)

    def inverse(self) -> 'Pose':
        """Return the pose of the outer frame in this one."""
        position, quaternion = np.empty(3), np.empty(4)
        mujoco.mju_negPose(position, quaternion, self.position, self.quaternion)
        return Pose(position, quaternion)

    def __matmul__(self, inner: 'Pose') -> 'Pose':
        """Compose two poses: return ``inner``, given in this pose's frame, in the outer frame."""
        position, quaternion = np.empty(3), np.empty(4)
        mujoco.mju_mulPose(
            position, quaternion, self.position, self.quaternion, inner.position, inner.quaternion
        )
        return Pose(position, quaternion)


#: returns the pose of a frame in the robot's base frame, or None if it is unknown
Lookup = Callable[[str], Pose | None]


def task_frames(
    task: GoalTask,
    parameters: RobotBridgeParameters,
    lookup_from: Callable[[str], Lookup | None] | None = None,
) -> 'Frames':
    """
    Return the frames of a task's robot, as its parameters or the description of its arm say.

    :param lookup_from: returns what finds other frames in the frame of the base
    :raises ArmError: if the task has no arm, or its description has a fault
    :raises RobotError: if ``base_pose`` is no pose
    """
    placement, pose = placement_of(task), parameters.base_pose
    base_frame = parameters.base_frame or placement.description.driver.base_frame
    if any(pose):
        base = Pose.of('base_pose', pose[:3], pose[3:])
    else:
        base = Pose.of('base_pose', placement.base_m)
    return Frames(base_frame, base, lookup_from(base_frame) if lookup_from else None)


class Frames:
    """
    Transforms poses from any known frame to the world frame.

    :param base_frame: name of the robot's own frame
    :param base: pose of that frame in the world
    :param lookup: finds other frames, for example through tf2; None: there are no others
    """

    def __init__(self, base_frame: str, base: Pose, lookup: Lookup | None = None) -> None:
        self.base_frame = base_frame
        self.base = base
        self._lookup = lookup

    def to_world(self, frame: str, pose: Pose, name: str) -> Pose:
        """
        Return a pose in the world.

        :param frame: frame of ``pose``; empty: the world
        :param name: name of the pose, for errors
        :raises RobotError: if the frame is unknown
        """
        if frame in ('', WORLD):
            return pose
        if frame == self.base_frame:
            return self.base @ pose
        known = self._lookup(frame) if self._lookup else None
        if known is None:
            reason = 'tf2 has no transform to it' if self._lookup else 'tf2 is not installed'
            raise RobotError(
                f'frame {frame!r} is neither {WORLD!r} nor {self.base_frame!r}, and {reason}',
                f'publish its transform to {self.base_frame!r}, or send poses in one of these',
                name,
            )
        return self.base @ known @ pose

    def to_base(self, vector: Floats) -> Floats:
        """Rotate a direction or velocity, shape (3,), from the world's axes to the base's."""
        turned: Floats = self.base.rotation.T @ vector
        return turned
