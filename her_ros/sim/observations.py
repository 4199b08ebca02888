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

"""Compute the observations of the Fetch tasks from the bound arrays of a MuJoCo batch."""

from her_ros.arms.model import FetchModel, SUBSTEPS
from her_ros.tasks.observed import euler_angles, Observed
import mujoco.batch
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: indices of environments in a batch; a slice means all
EnvIndex = slice | NDArray[np.intp]


# The components after and before each of x, y and z.
_NEXT, _LAST = [1, 2, 0], [2, 0, 1]


class ObservationReader:
    """
    Reads observations and gripper poses of the simulations of one batch.

    :param kinematics: batch whose positions and orientations are read
    :param physics: batch whose qpos and qvel are read; may be the same
    """

    def __init__(
        self, model: FetchModel, kinematics: mujoco.batch.Batch, physics: mujoco.batch.Batch
    ) -> None:
        self._model = model
        self._control_period_s = SUBSTEPS * model.mujoco_model.opt.timestep
        self._qpos, self._qvel = physics.bind('qpos'), physics.bind('qvel')
        self._xpos, self._xquat = kinematics.bind('xpos'), kinematics.bind('xquat')
        self._site_xpos = kinematics.bind('site_xpos')
        self._site_xmat = kinematics.bind('site_xmat')
        self._cdof = kinematics.bind('cdof')
        self._subtree_com = kinematics.bind('subtree_com')
        # Both sites' degrees of freedom in a row, and for each the site it moves.
        chains = [chain for chain in (model.grip, model.object) if chain is not None]
        lengths = [len(chain.dofs) for chain in chains]
        self._dofs = np.concatenate([chain.dofs for chain in chains])
        self._sites = np.repeat([chain.site for chain in chains], lengths)
        self._roots = np.repeat([chain.root for chain in chains], lengths)

    def gripper_pose(self, rows: EnvIndex) -> tuple[Floats, Floats]:
        """Return positions (n, 3), metres, and quaternions (n, 4), wxyz, of the gripper link."""
        body = self._model.gripper_body
        return self._xpos[rows, body], self._xquat[rows, body]

    def observe(self, rows: EnvIndex) -> Observed:
        """Return the observations of some environments."""
        model = self._model
        qvel = self._qvel[rows]
        velocities = self._site_velocities(rows, qvel)
        grip = self._site_xpos[rows, model.grip.site]
        fingers = self._qpos[rows][:, model.finger_qpos]
        finger_velocity = qvel[:, model.finger_dofs] * self._control_period_s
        if model.object is None:
            parts = [grip, fingers, velocities[:, 0], finger_velocity]
            return Observed(np.concatenate(parts, axis=1), grip.copy())
        grip_velocity, velocity, spin = velocities[:, 0], velocities[:, 1], velocities[:, 2]
        moved = self._site_xpos[rows, model.object.site]
        rotation = euler_angles(self._site_xmat[rows, model.object.site].reshape(-1, 3, 3))
        parts = [grip, moved, moved - grip, fingers, rotation]
        parts += [velocity - grip_velocity, spin, grip_velocity, finger_velocity]
        return Observed(np.concatenate(parts, axis=1), moved.copy())

    def _site_velocities(self, rows: EnvIndex, qvel: Floats) -> Floats:
        """
        Return velocities per control period, m or rad in 0.04 s.

        The arithmetic of ``mj_jacSite`` on the positions of the last call: a degree of freedom
        rotates its bodies by ``cdof[:3]`` and moves their tree's centre of mass by ``cdof[3:]``.

        :return: velocity of the gripper, velocity and angular velocity of the object, shape
            (n, 3, 3); without an object that of the gripper alone, shape (n, 1, 3)
        """
        cdof = self._cdof[rows][:, self._dofs]
        angular, linear = cdof[..., :3], cdof[..., 3:]
        arm = self._site_xpos[rows][:, self._sites] - self._subtree_com[rows][:, self._roots]
        # Cross product of angular and arm; numpy's own takes several times as long on few rows.
        along = angular[..., _NEXT] * arm[..., _LAST] - angular[..., _LAST] * arm[..., _NEXT]
        along += linear
        jacobians = np.zeros((len(qvel), 1 if self._model.object is None else 3, 3, qvel.shape[1]))
        by_dof = jacobians.swapaxes(2, 3)
        grip_dofs = self._model.grip.dofs
        count = len(grip_dofs)
        by_dof[:, 0, grip_dofs] = along[:, :count]
        if self._model.object is not None:
            by_dof[:, 1, self._model.object.dofs] = along[:, count:]
            by_dof[:, 2, self._model.object.dofs] = angular[:, count:]
        # One product per Jacobian and simulation: wider products would round differently.
        products = jacobians @ qvel[:, None, :, None]
        return products[..., 0] * self._control_period_s
