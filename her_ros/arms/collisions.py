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

"""Find where an arm touches itself or the table."""

from collections.abc import Sequence
from typing import NamedTuple

from her_ros.arms.description import ArmDescription
from her_ros.arms.model_files import compile_spec, kinematic_model, load_spec
import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: meshes that enclose joints overlap by less, metres
_TOUCH_M = 1e-3
#: the table reaches beyond the workspace by this on each side, metres
_EDGE_M = 0.05
_THICKNESS_M = 0.1
_TABLE = 'table under the workspace'


class Contact(NamedTuple):
    """Two bodies that are inside each other."""

    bodies: str
    #: metres
    depth: float


class CollisionChecker:
    """
    Finds contacts of an arm's shapes with each other and with the table, the gripper open.

    Neighbours along the chain of joints may touch, as may the parts of the gripper.

    :param joints: names of the joints from base to tool, in the order of the states
    :raises ArmError: if the model with its shapes cannot be loaded, as if a mesh is missing
    """

    def __init__(self, arm: ArmDescription, joints: Sequence[str]) -> None:
        spec = load_spec(arm)
        _add_table(arm, spec)
        self._model = model = compile_spec(spec, arm)
        self._data = mujoco.MjData(model)
        ids = [model.joint(name).id for name in joints]
        self._qpos = model.jnt_qposadr[ids]
        moved = {int(model.jnt_bodyid[i]) for i in ids}
        #: per body, how many of the joints move it
        self._links = np.zeros(model.nbody, int)
        for body in range(1, model.nbody):
            self._links[body] = self._links[model.body_parentid[body]] + (body in moved)
        for name in arm.gripper.joints:
            self._data.joint(name).qpos = arm.gripper.open

    def contacts(self, joints: Floats) -> list[Contact]:
        """
        Return the contacts for one state of the arm, the deepest of each two bodies.

        :param joints: rad (m if prismatic), shape (J,)
        """
        self._data.qpos[self._qpos] = joints
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_collision(self._model, self._data)
        found: dict[str, float] = {}
        for contact in self._data.contact[: self._data.ncon]:
            names, depth = self._pair(*contact.geom), -float(contact.dist)
            if names and depth > _TOUCH_M:
                found[names] = max(found.get(names, 0.0), depth)
        return [Contact(*each) for each in found.items()]

    def _pair(self, one: int, other: int) -> str:
        """Return the names of two geoms' bodies; empty: they may touch."""
        model = self._model
        bodies = [int(model.geom_bodyid[geom]) for geom in (one, other)]
        first, second = self._links[bodies]
        tables = [model.geom(geom).name == _TABLE for geom in (one, other)]
        apart = first + second if any(tables) else abs(first - second) - 1
        if apart <= 0:
            return ''
        names = sorted(
            'the table' if is_table else model.body(body).name or f'body {body}'
            for body, is_table in zip(bodies, tables, strict=True)
        )
        return ' touches '.join(names)


def _add_table(arm: ArmDescription, spec: mujoco.MjSpec) -> None:
    model = kinematic_model(arm)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    base = data.body(arm.arm.base_body or 0)
    low, high = np.array(arm.workspace.low), np.array(arm.workspace.high)
    size = np.array([*((high - low)[:2] / 2 + _EDGE_M), _THICKNESS_M])
    middle = np.array([*arm.workspace.centre, arm.workspace.table_height - _THICKNESS_M])
    spec.worldbody.add_geom(
        name=_TABLE,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=size,
        pos=base.xpos + base.xmat.reshape(3, 3) @ middle,
        quat=base.xquat,
    )
