"""From the bound arrays of a MuJoCo batch to the observations of the Fetch tasks."""

from typing import NamedTuple

import mujoco.batch
import numpy as np
from numpy.typing import NDArray

from her_ros.sim.model import SUBSTEPS, FetchModel

Floats = NDArray[np.float64]
#: simulations of a batch: all of them, or some by index
Rows = slice | NDArray[np.intp]


# The components after and before each of x, y and z.
_NEXT, _LAST = [1, 2, 0], [2, 0, 1]


class Observed(NamedTuple):
    """What the environments see; arrays of its own."""

    #: shape (n, O); the parts are named by the task's ``observation_fields``
    observation: Floats
    #: object, or gripper where there is none; metres, world frame, shape (n, 3)
    achieved_goal: Floats


class Readout:
    """Observations and gripper poses of the simulations of one batch.

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

    def gripper_pose(self, rows: Rows) -> tuple[Floats, Floats]:
        """Return positions (n, 3), metres, and quaternions (n, 4), wxyz, of the gripper link."""
        body = self._model.gripper_body
        return self._xpos[rows, body], self._xquat[rows, body]

    def observe(self, rows: Rows) -> Observed:
        """Put together the observations of some simulations."""
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

    def _site_velocities(self, rows: Rows, qvel: Floats) -> Floats:
        """Return velocities per control period, m or rad in 0.04 s.

        The arithmetic of ``mj_jacSite`` on the positions of the last call: a degree of freedom
        turns its bodies by ``cdof[:3]`` and moves their tree's centre of mass by ``cdof[3:]``.

        :return: of the gripper, of the object, and how the object turns, shape (n, 3, 3); of the
            gripper alone, where there is no object, shape (n, 1, 3)
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
        by_dof[:, 0, grip_dofs] = along[:, : len(grip_dofs)]
        if self._model.object is not None:
            by_dof[:, 1, self._model.object.dofs] = along[:, len(grip_dofs) :]
            by_dof[:, 2, self._model.object.dofs] = angular[:, len(grip_dofs) :]
        # One product per Jacobian and simulation: wider products would round differently.
        products = jacobians @ qvel[:, None, :, None]
        return products[..., 0] * self._control_period_s


def euler_angles(matrices: Floats) -> Floats:
    """Euler angles about the fixed axes x, y, z, applied in the order z, y, x.

    The convention of gymnasium-robotics' observations, which took it from mujoco-worldgen:
    ``R = Rx(a) @ Ry(b) @ Rz(c)`` gives (a, b, c).

    :param matrices: rotation matrices, shape (n, 3, 3)
    :return: angles, rad, shape (n, 3)
    """
    r = matrices
    cosine = np.sqrt(r[:, 2, 2] * r[:, 2, 2] + r[:, 1, 2] * r[:, 1, 2])
    # With b at a right angle only a and c together are defined: a is then 0.
    regular = cosine > 4.0 * np.finfo(np.float64).eps
    about_x = np.where(regular, -np.arctan2(r[:, 1, 2], r[:, 2, 2]), 0.0)
    about_y = -np.arctan2(-r[:, 0, 2], cosine)
    sine_z = np.where(regular, r[:, 0, 1], -r[:, 1, 0])
    cosine_z = np.where(regular, r[:, 0, 0], r[:, 1, 1])
    return np.stack([about_x, about_y, -np.arctan2(sine_z, cosine_z)], axis=-1)
