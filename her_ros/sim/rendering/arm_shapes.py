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

"""The shapes of an arm as the model of its description has them."""

from her_ros.arms.chain import JointChain, tool_frame
from her_ros.arms.description import ArmDescription
from her_ros.arms.model_files import compile_spec, load_spec
from her_ros.sim.observations import Floats
from her_ros.sim.rendering.shapes import Poses, poses_of, shapes_of
import mujoco
import numpy as np


class ArmShapes:
    """
    Shapes of an arm and its gripper, posed by its joints.

    Linkages of grippers stay as they are; only the joints that the description names move.

    :param base_m: position of the base, metres, world frame; its axes are those of the world
    :raises ArmError: if the model cannot be loaded
    """

    def __init__(self, description: ArmDescription, chain: JointChain, base_m: Floats) -> None:
        self._model = model = compile_spec(load_spec(description), description)
        self._data = data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, data)
        root = model.body_rootid[_body_of(model, tool_frame(description, data))]
        self.shapes = [
            each
            for each in shapes_of(model)
            if model.body_rootid[model.geom_bodyid[each.geom]] == root
        ]
        self._geoms = [each.geom for each in self.shapes]
        base = data.body(description.arm.base_body or 0)
        self._base_m, self._turn = base.xpos.copy(), base.xmat.reshape(3, 3).T.copy()
        self._place_m = np.array(base_m)
        self._joints = [int(model.joint(name).qposadr[0]) for name in chain.names]
        gripper = description.gripper
        self._fingers = [int(model.joint(name).qposadr[0]) for name in gripper.joints]
        self._gripper = gripper

    def poses(self, joints: Floats, opening_m: float) -> Poses:
        """
        Return where the shapes are, world frame.

        :param joints: of the chain, rad (m if prismatic), shape (J,)
        :param opening_m: distance between the fingers, metres
        """
        gripper = self._gripper
        share = np.clip(opening_m / gripper.max_opening, 0.0, 1.0)
        self._data.qpos[self._joints] = joints
        self._data.qpos[self._fingers] = gripper.closed + share * (gripper.open - gripper.closed)
        mujoco.mj_kinematics(self._model, self._data)
        found = poses_of(self._data, self._geoms)
        positions = (found.positions - self._base_m) @ self._turn.T + self._place_m
        turn = np.empty(4)
        mujoco.mju_mat2Quat(turn, self._turn.ravel())
        for quaternion in found.quaternions:
            mujoco.mju_mulQuat(quaternion, turn, quaternion.copy())
        return Poses(positions, found.quaternions)


def _body_of(model: mujoco.MjModel, frame: mujoco.MjsSite) -> int:
    is_site = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, frame.name) == frame.id
    is_site = is_site and mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, frame.name) < 0
    return int(model.site_bodyid[frame.id]) if is_site else int(frame.id)
