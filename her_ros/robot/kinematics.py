"""Forward, differential and inverse kinematics of the Fetch arm."""

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from her_ros.arms.model import MOCAP_TURN, load_model
from her_ros.robot.frames import Pose
from her_ros.tasks.goal_task import GoalTask

Floats = NDArray[np.float64]

#: the arm's joints from shoulder to wrist, named as on a Fetch
ARM_JOINTS = (
    'shoulder_pan_joint',
    'shoulder_lift_joint',
    'upperarm_roll_joint',
    'elbow_flex_joint',
    'forearm_roll_joint',
    'wrist_flex_joint',
    'wrist_roll_joint',
)
#: right and left, as an observation has them
FINGER_JOINTS = ('r_gripper_finger_joint', 'l_gripper_finger_joint')
#: prefix of the names of a Fetch's joints in the MJCF
MJCF_PREFIX = 'robot0:'

_HINGE = int(mujoco.mjtJoint.mjJNT_HINGE)
#: λ of the damped least squares, m; far below the arm's length, so that it only matters where the
#: arm is nearly straight
_DAMPING = 0.02
#: the first Newton step for the largest displacement, 5 cm, has an error of about 2 mm; each
#: further step squares the error
_ITERATIONS = 4


class FetchKinematics:
    """Gripper pose, gripper velocity and inverse kinematics of the Fetch, computed by MuJoCo.

    Not thread-safe.

    :param base: pose of the base in the world; None: as in the task's scene
    :raises ArmError: if the task has no simulation, or its assets are missing
    """

    #: the joints that the gripper depends on, and the fingers'
    joint_names = ('torso_lift_joint', *ARM_JOINTS, *FINGER_JOINTS)

    def __init__(self, task: GoalTask, base: Pose | None = None) -> None:
        self._fetch = load_model(task)
        self._model = model = self._fetch.mujoco_model
        joints = [model.joint(MJCF_PREFIX + name) for name in self.joint_names]
        #: which of ``joint_names`` turn without limits, shape (J,)
        self.continuous = np.array(
            [model.jnt_type[j.id] == _HINGE and not model.jnt_limited[j.id] for j in joints]
        )
        self._qpos = np.array([joint.qposadr[0] for joint in joints])
        self._dofs = np.array([joint.dofadr[0] for joint in joints])
        arm = slice(1, 1 + len(ARM_JOINTS))
        self._arm_qpos, self._arm_dofs = self._qpos[arm], self._dofs[arm]
        ids = [joint.id for joint in joints[arm]]
        limited = model.jnt_limited[ids].astype(bool)
        self._lowest = np.where(limited, model.jnt_range[ids, 0], -np.inf)
        self._highest = np.where(limited, model.jnt_range[ids, 1], np.inf)
        self._jacobian = np.zeros((6, model.nv))
        self._data, self._trial = mujoco.MjData(model), mujoco.MjData(model)
        self._data.qpos[:] = self._fetch.start_qpos
        self._locate(self._data)
        there = self._data.body(MJCF_PREFIX + 'base_link')
        scene_base = Pose(there.xpos.copy(), there.xquat.copy())
        # Of the scene, in which MuJoCo computes, in the world.
        self._scene = (scene_base if base is None else base) @ scene_base.inverse()
        straight = Pose(np.zeros(3), np.array(MOCAP_TURN) / np.linalg.norm(MOCAP_TURN))
        self._straight = (self._scene.inverse() @ straight).quaternion

    @property
    def start_grip_position(self) -> Floats:
        """Start position of the gripper in training: metres, world frame, shape (3,)."""
        return self._fetch.grip_position_m.copy()

    def update(self, position: ArrayLike, velocity: ArrayLike) -> None:
        """Set the measured joints, in the order of ``joint_names``.

        :param position: rad, or m for torso and fingers, shape (J,)
        :param velocity: rad/s, or m/s for torso and fingers, shape (J,)
        """
        self._data.qpos[self._qpos] = position
        self._data.qvel[self._dofs] = velocity
        self._locate(self._data)

    @property
    def grip_position(self) -> Floats:
        """Position of the gripper: metres, world frame, shape (3,)."""
        position: Floats = self._data.site_xpos[self._fetch.grip.site]
        return self._scene.position + self._scene.rotation @ position

    @property
    def grip_velocity(self) -> Floats:
        """Velocity of the gripper: m/s, world frame, shape (3,)."""
        velocity: Floats = self._jacobian_of(self._data)[:3] @ self._data.qvel
        return self._scene.rotation @ velocity

    @property
    def finger_position(self) -> Floats:
        """Distances of right and left finger from the middle: metres, shape (2,)."""
        return self._data.qpos[self._fetch.finger_qpos]

    @property
    def finger_velocity(self) -> Floats:
        """Velocities of right and left finger: m/s, shape (2,)."""
        return self._data.qvel[self._fetch.finger_dofs]

    def joints_after(
        self, displacement: ArrayLike, period_s: float, max_joint_speed: float
    ) -> Floats:
        """Compute arm joints that displace the gripper and point it straight down, as in training.

        The orientation is corrected if it has drifted. If a joint would exceed its speed limit,
        the change of all joints is scaled down by the same factor.

        :param displacement: from the measured position, metres, world frame, shape (3,)
        :param period_s: time for the change
        :param max_joint_speed: limit of every joint, rad/s
        :return: positions of ``ARM_JOINTS`` within their limits, rad, shape (7,)
        """
        measured: Floats = self._data.qpos[self._arm_qpos]
        here = self._data.site_xpos[self._fetch.grip.site]
        target = here + self._scene.rotation.T @ np.asarray(displacement, np.float64)
        self._trial.qpos[:] = self._data.qpos
        for _ in range(_ITERATIONS):
            self._locate(self._trial)
            self._trial.qpos[self._arm_qpos] += self._step_toward(target)
        change = self._trial.qpos[self._arm_qpos] - measured
        share = period_s * max_joint_speed / max(np.abs(change).max(), 1e-12)
        return np.clip(measured + min(share, 1.0) * change, self._lowest, self._highest)

    def _step_toward(self, target: Floats) -> Floats:
        """Compute one step of inverse kinematics from the joints of ``self._trial``.

        Damped least squares, Δq = Jᵀ(JJᵀ + λ²I)⁻¹e (Wampler 1986; Buss 2004, "Introduction to
        Inverse Kinematics with Jacobian Transpose, Pseudoinverse and Damped Least Squares
        methods", eq. 11). A joint that would pass its limit stops there, and the
        remaining error is solved with the other joints.

        :return: change of the arm's joints, rad, shape (7,)
        """
        present = self._trial.qpos[self._arm_qpos]
        jacobian = self._jacobian_of(self._trial)[:, self._arm_dofs]
        error = np.concatenate(
            [target - self._trial.site_xpos[self._fetch.grip.site], self._tilt(self._trial)]
        )
        change, free = np.zeros(len(present)), np.ones(len(present), bool)
        while free.any():
            part = jacobian[:, free]
            squares = part @ part.T + _DAMPING**2 * np.eye(6)
            change[free] = part.T @ np.linalg.solve(squares, error)
            stopped = np.clip(present + change, self._lowest, self._highest) - present
            passing = free & (stopped != change)
            if not passing.any():
                break
            change[passing] = stopped[passing]
            error -= jacobian[:, passing] @ change[passing]
            free &= ~passing
        return change

    def _tilt(self, data: mujoco.MjData) -> Floats:
        """Return the rotation vector to pointing straight down: rad, scene's axes, shape (3,)."""
        inverse, difference, turn = np.zeros(4), np.zeros(4), np.zeros(3)
        mujoco.mju_negQuat(inverse, data.xquat[self._fetch.gripper_body])
        mujoco.mju_mulQuat(difference, self._straight, inverse)
        mujoco.mju_quat2Vel(turn, difference, 1.0)
        return turn

    def _locate(self, data: mujoco.MjData) -> None:
        mujoco.mj_kinematics(self._model, data)
        mujoco.mj_comPos(self._model, data)

    def _jacobian_of(self, data: mujoco.MjData) -> Floats:
        """Return the gripper's Jacobian, translation above rotation, shape (6, nv)."""
        site, jacobian = self._fetch.grip.site, self._jacobian
        mujoco.mj_jacSite(self._model, data, jacobian[:3], jacobian[3:], site)
        return jacobian
