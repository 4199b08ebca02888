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

"""Tool pose and Jacobian of a chain of joints, for many states at once."""

from typing import NamedTuple

from her_ros.arms.description import ArmDescription
import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_ONE = np.eye(4)
_HINGE = int(mujoco.mjtJoint.mjJNT_HINGE)


class ToolState(NamedTuple):
    """Where the tool is and how it moves with the joints; frame of the base."""

    #: metres, shape (..., 3)
    position: Floats
    #: axes of the tool, as columns, shape (..., 3, 3)
    rotation: Floats
    #: velocity above angular velocity of the tool by joint speed, shape (..., 6, J)
    jacobian: Floats


class JointChain:
    """
    The joints from base to tool, in this order, also those that are only measured.

    The joints are read from a MuJoCo model, which is not needed afterwards. Poses are products of
    exponentials (Lynch and Park 2017, "Modern Robotics", eq. 4.14 and 5.11). MuJoCo computes one
    state at a time; here a batch costs little more than one state.

    :param model: has the names of the description, see :mod:`her_ros.arms.check`
    """

    def __init__(self, description: ArmDescription, model: mujoco.MjModel) -> None:
        data = mujoco.MjData(model)
        data.qpos[:] = model.qpos0
        mujoco.mj_kinematics(model, data)
        base, turn = _base(description, data)
        arm = description.arm
        # Along a chain, MuJoCo's numbers increase.
        ids = sorted(model.joint(name).id for name in (*arm.held_joints, *arm.joints))
        #: names in the model
        self.names = tuple(model.joint(each).name for each in ids)
        #: which joints are commanded; the others are only measured, shape (J,)
        self.commanded = np.array([name in arm.joints for name in self.names])
        self._axes = data.xaxis[ids] @ turn
        self._anchors = (data.xanchor[ids] - base) @ turn
        #: which joints are revolute, shape (J,)
        self.turning = model.jnt_type[ids] == _HINGE
        limited = model.jnt_limited[ids].astype(bool) & self.commanded
        #: limits of commanded joints, -inf and inf for others; rad (m if prismatic), shape (J,)
        self.lower = np.where(limited, model.jnt_range[ids, 0], -np.inf)
        self.upper = np.where(limited, model.jnt_range[ids, 1], np.inf)
        #: positions in the model's reference state, rad (m if prismatic), shape (J,)
        self.reference = model.qpos0[model.jnt_qposadr[ids]]
        frame = tool_frame(description, data)
        rotation = frame.xmat.reshape(3, 3)
        self._tool = np.eye(4)
        self._tool[:3, :3] = turn.T @ rotation
        offset = frame.xpos + rotation @ description.tool.offset - base
        self._tool[:3, 3] = turn.T @ offset
        self._all_turning = bool(self.turning.all())
        #: axis and anchor of each joint as columns, in homogeneous coordinates, shape (J, 4, 2)
        self._lines = np.zeros((len(ids), 4, 2))
        self._lines[:, :3, 0], self._lines[:, :3, 1] = self._axes, self._anchors
        self._lines[:, 3, 1] = 1.0
        self._set_exponentials()

    def _set_exponentials(self) -> None:
        """Set matrices with which each joint's exponential is 1 + f(q) first + g(q) second."""
        x, y, z = self._axes.T
        o = np.zeros_like(x)
        cross = np.array([[o, -z, y], [z, o, -x], [-y, x, o]]).transpose(2, 0, 1)
        turns = self.turning
        self._first, self._second = np.zeros((2, len(x), 4, 4))
        for matrix, part in ((self._first, cross), (self._second, cross @ cross)):
            matrix[turns, :3, :3] = part[turns]
            matrix[turns, :3, 3] = -np.einsum('jab,jb->ja', part, self._anchors)[turns]
        self._first[~turns, :3, 3] = self._axes[~turns]

    def tool_pose(self, joints: ArrayLike) -> tuple[Floats, Floats]:
        """
        Return position, metres, (..., 3), and axes of the tool as columns, (..., 3, 3).

        :param joints: rad (m if prismatic), shape (..., J)
        """
        pose = self._products(np.asarray(joints, np.float64))[..., -1, :, :] @ self._tool
        return pose[..., :3, 3], pose[..., :3, :3]

    def tool_state(self, joints: ArrayLike) -> ToolState:
        """
        Return pose and Jacobian of the tool.

        :param joints: rad (m if prismatic), shape (..., J)
        """
        products = self._products(np.asarray(joints, np.float64))
        pose = products[..., -1, :, :] @ self._tool
        # A joint's own exponential moves neither its axis nor its anchor.
        lines = products @ self._lines
        axes = lines[..., :3, 0]
        arms = pose[..., None, :3, 3] - lines[..., :3, 1]
        jacobian = np.empty((*pose.shape[:-2], 6, len(self._axes)))
        for row, (one, two) in enumerate(((1, 2), (2, 0), (0, 1))):
            swept = axes[..., one] * arms[..., two]
            swept -= axes[..., two] * arms[..., one]
            jacobian[..., row, :] = swept
        jacobian[..., 3:, :] = np.swapaxes(axes, -1, -2)
        if not self._all_turning:
            slides = ~self.turning
            jacobian[..., :3, slides] = np.swapaxes(axes[..., slides, :], -1, -2)
            jacobian[..., 3:, slides] = 0.0
        return ToolState(pose[..., :3, 3], pose[..., :3, :3], jacobian)

    def _products(self, joints: Floats) -> Floats:
        """Return how the joints up to each one move what is behind it, shape (..., J, 4, 4)."""
        moved = joints - self.reference
        first = (
            np.sin(moved) if self._all_turning else np.where(self.turning, np.sin(moved), moved)
        )
        second = 1.0 - np.cos(moved)
        products: Floats = first[..., None, None] * self._first
        products += second[..., None, None] * self._second
        products += _ONE
        for joint in range(1, products.shape[-3]):
            products[..., joint, :, :] = (
                products[..., joint - 1, :, :] @ products[..., joint, :, :]
            )
        return products


def tool_frame(description: ArmDescription, data: mujoco.MjData) -> mujoco.MjsSite:
    """
    Return MuJoCo's view of the site or body that the tool is fixed to.

    :raises KeyError: if there is neither
    """
    try:
        return data.site(description.tool.frame)
    except KeyError:
        return data.body(description.tool.frame)


def _base(description: ArmDescription, data: mujoco.MjData) -> tuple[Floats, Floats]:
    """Return position and axes of the base in the world of the model."""
    body = data.body(description.arm.base_body or 0)
    return body.xpos.copy(), body.xmat.reshape(3, 3).copy()
