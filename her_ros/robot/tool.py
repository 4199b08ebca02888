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

"""Position and velocity of a tool and its fingers in the world, and what displaces them."""

from typing import NamedTuple

from her_ros.arms.description import ArmDescription
from her_ros.robot.frames import Pose
import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: largest turn of a tilted tool per metre of its way, rad/m
_TURN_PER_M = 4.0


class ToolMeasurement(NamedTuple):
    """A tool as it was measured, in the frame of the base."""

    #: metres, shape (3,)
    position: Floats
    #: orientation of the tool's frame, unit quaternion wxyz, shape (4,)
    quaternion: Floats
    #: m/s, shape (3,)
    velocity: Floats


class ToolMotion:
    """
    The tool and the fingers of an arm that stands in the world, as they were measured last.

    Not thread-safe.

    :param base: pose of the base in the world
    :param is_first_at_plus_y: whether the first joint of the gripper moves the finger at +y
    """

    def __init__(
        self, description: ArmDescription, base: Pose, is_first_at_plus_y: bool = True
    ) -> None:
        self.description = description
        self._base = base
        # Between the order of the gripper's joints and that of observations, at +y first.
        self._finger_order = slice(None, None, 1 if is_first_at_plus_y else -1)
        down = np.array(description.tool.down_quaternion)
        self._state = ToolMeasurement(np.zeros(3), down, np.zeros(3))
        self._fingers, self._finger_velocity = np.zeros(2), np.zeros(2)

    def _measured(self) -> ToolMeasurement:
        """Return the tool as it was measured last."""
        return self._state

    def _set_fingers(self, position: Floats, velocity: Floats) -> None:
        """Set the measured joints of the gripper, m or rad, shape (1,) or (2,)."""
        self._fingers = self.fingers_at(position)
        # One joint may move both fingers.
        share = self.description.gripper.distance_per_position
        self._finger_velocity = np.broadcast_to(velocity * share, 2)[self._finger_order]

    @property
    def grip_position(self) -> Floats:
        """Position of the gripper: metres, world frame, shape (3,)."""
        return self._base.position + self._base.rotation @ self._measured().position

    @property
    def grip_velocity(self) -> Floats:
        """Velocity of the gripper: m/s, world frame, shape (3,)."""
        velocity: Floats = self._base.rotation @ self._measured().velocity
        return velocity

    @property
    def finger_position(self) -> Floats:
        """Distances of the fingers at +y and at -y from the middle: metres, shape (2,)."""
        return self._fingers.copy()

    @property
    def finger_velocity(self) -> Floats:
        """Velocities of the fingers at +y and at -y: m/s, shape (2,)."""
        return self._finger_velocity.copy()

    def gripper_joints(self, fingers: Floats) -> Floats:
        """
        Return positions of the gripper's joints for those of the fingers.

        :param fingers: distances of those at +y and at -y from the middle, metres, shape (2,)
        :return: m or rad, in the order of the description, shape (1,) or (2,)
        """
        gripper = self.description.gripper
        positions = gripper.closed + fingers[self._finger_order] / gripper.distance_per_position
        return positions if len(gripper.joints) == 2 else positions.mean(keepdims=True)

    def fingers_at(self, joints: Floats) -> Floats:
        """
        Return positions of the fingers for those of the gripper's joints.

        :param joints: m or rad, in the order of the description, shape (1,) or (2,)
        :return: distances of those at +y and at -y from the middle, metres, shape (2,)
        """
        gripper = self.description.gripper
        distances = (joints - gripper.closed) * gripper.distance_per_position
        fingers: Floats = np.broadcast_to(distances, 2)[self._finger_order].copy()
        return fingers

    def pose_after(self, displacement: ArrayLike) -> Pose:
        """
        Return the pose of the tool after a displacement.

        A tilted tool turns towards pointing straight down, by at most 4 rad per metre of
        its way. Without a displacement this is the measured pose, so that the arm stands still.

        :param displacement: from the measured position, metres, world frame, shape (3,)
        :return: pose in the frame of the base
        """
        in_base = self._base.rotation.T @ np.asarray(displacement, np.float64)
        largest_turn = _TURN_PER_M * float(np.linalg.norm(in_base))
        down = np.array(self.description.tool.down_quaternion)
        measured = self._measured()
        turned = turned_towards(measured.quaternion, down, largest_turn)
        return Pose(measured.position + in_base, turned)

    def within_workspace(self, displacement: Floats) -> Floats:
        """
        Return a displacement without what leads out of the workspace of the description.

        :param displacement: from the measured position, metres, world frame, shape (3,)
        """
        workspace, tool = self.description.workspace, self._measured().position
        least = np.minimum(workspace.low - tool, 0.0)
        most = np.maximum(workspace.high - tool, 0.0)
        in_base = np.clip(self._base.rotation.T @ displacement, least, most)
        within: Floats = self._base.rotation @ in_base
        return within


def turned_towards(present: Floats, wanted: Floats, largest_turn: float) -> Floats:
    """
    Return an orientation on the shortest way from one to another.

    :param present: unit quaternion wxyz, shape (4,)
    :param wanted: unit quaternion wxyz, shape (4,)
    :param largest_turn: largest angle from ``present``, rad
    :return: unit quaternion wxyz, shape (4,)
    """
    turn = np.empty(3)
    mujoco.mju_subQuat(turn, wanted, present)  # rotation vector, axes of present
    angle = float(np.linalg.norm(turn))
    if angle <= largest_turn:
        return wanted.copy()
    turned = present.copy()
    mujoco.mju_quatIntegrate(turned, turn, largest_turn / angle)
    return turned
