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

"""A Fetch in MuJoCo that takes velocities or joint positions at any time, like a real one."""

import copy

from her_ros.arms.model import ARM_JOINTS, load_model, MJCF_PREFIX, MOCAP_TURN, SUBSTEPS
from her_ros.robot.simulated.follower import Follower
from her_ros.runtime.seeds import integer_seed
from her_ros.sim.disturbed.physics import disturb_model, object_lift
from her_ros.sim.initial_states import draw_start, start_generator
from her_ros.tasks.disturbances import Drawn
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: simulated time of a substep
TIMESTEP_S = 0.002

_HINGE = int(mujoco.mjtJoint.mjJNT_HINGE)


def start_seed(seed: int, reset: int) -> int:
    """
    Return the seed of a start state of the ``simulated_robot`` node.

    :param seed: seed of the node
    :param reset: number of resets so far: 0 at the start of the node, then 1, 2, …
    """
    return integer_seed(seed, 'simulated_robot', 0, reset)


class SimulatedRobot:
    """
    The Fetch of the training simulation, commanded in continuous time.

    :param command_timeout_s: simulated time after which a velocity command expires
    :raises ArmError: if the task has no simulation, or its assets are missing
    """

    def __init__(self, task: GoalTask, command_timeout_s: float = 0.1) -> None:
        self._fetch = load_model(task)
        # Its own, since it may be disturbed.
        self._model = model = copy.copy(self._fetch.mujoco_model)
        self._object_lift_m = 0.0
        self._timeout_s, self._period_s = command_timeout_s, task.control_period_s
        names = [model.joint(i).name for i in range(model.njnt)]
        #: the robot's joints in alphabetical order, without the base
        self.joint_names = tuple(
            sorted(
                name.removeprefix(MJCF_PREFIX)
                for name in names
                if name.startswith(MJCF_PREFIX) and not name.startswith(f'{MJCF_PREFIX}slide')
            )
        )
        joints = [model.joint(MJCF_PREFIX + name) for name in self.joint_names]
        #: per joint, whether it is revolute; the others are prismatic
        self.turning = np.array([joint.type[0] == _HINGE for joint in joints])
        self._qpos = np.array([joint.qposadr[0] for joint in joints])
        self._dofs = np.array([joint.dofadr[0] for joint in joints])
        self._arm_qpos = np.array(
            [model.joint(MJCF_PREFIX + name).qposadr[0] for name in ARM_JOINTS]
        )
        self._data, self._trial = mujoco.MjData(model), mujoco.MjData(model)
        self.reset(0)

    def reset(self, seed: int | np.random.Generator) -> Floats:
        """
        Set robot and object to a start state, drawn as in training.

        :param seed: as :class:`~her_ros.sim.fetch.FetchBatch` takes it, or a generator
        :return: the goal drawn with it, not used by the robot: metres, world frame, shape (3,)
        :raises SimError: if the seed is negative
        """
        generator = seed if isinstance(seed, np.random.Generator) else start_generator(seed)
        mujoco.mj_resetData(self._model, self._data)
        self._data.time = self._fetch.start_time_s
        self._data.qpos[:] = self._fetch.start_qpos
        self._data.qvel[:] = self._fetch.start_qvel
        goal = draw_start(self._fetch, generator, self._data.qpos)
        if self._fetch.object is not None:
            self._data.qpos[self._fetch.object_qpos + 2] += self._object_lift_m
        mujoco.mj_kinematics(self._model, self._data)
        self._orientation = np.array(MOCAP_TURN) / np.linalg.norm(MOCAP_TURN)
        self._follower = Follower(self._data.xpos[self._fetch.gripper_body])
        self._substeps = 0
        return goal

    def disturb(self, drawn: Drawn) -> None:
        """
        Set the physics of the episode that the next reset starts.

        :param drawn: shape (1,)
        """
        undisturbed = self._fetch.mujoco_model
        disturb_model(self._model, undisturbed, drawn)
        self._object_lift_m = float(object_lift(undisturbed, drawn)[0])

    def push(self, velocities: Floats) -> None:
        """Add a velocity to the object, m/s, world frame, shape (1, 3)."""
        if self._fetch.object is not None:
            self._data.qvel[self._fetch.object.dofs[:3]] += velocities[0]

    def command_velocity(self, linear: ArrayLike) -> None:
        """
        Move the gripper until the command expires.

        :param linear: m/s, world frame, shape (3,); limited to 1.5 m/s
        """
        self._follower.move(np.asarray(linear, np.float64), self.time_s, self._timeout_s)

    def command_joints(self, positions: ArrayLike, duration_s: float) -> None:
        """
        Move the gripper in a straight line to the position of the given joints, and stop there.

        :param positions: of ``ARM_JOINTS``, rad, shape (7,)
        :param duration_s: duration of the motion; extended if 1.5 m/s would be exceeded
        """
        self._trial.qpos[:] = self._data.qpos
        self._trial.qpos[self._arm_qpos] = positions
        mujoco.mj_kinematics(self._model, self._trial)
        self._orientation = self._trial.xquat[self._fetch.gripper_body].copy()
        place = self._trial.xpos[self._fetch.gripper_body]
        self._follower.move_to(place, self.time_s, duration_s)

    def command_tool(self, position: ArrayLike, quaternion: Floats) -> None:
        """
        Move the gripper in a straight line within a control period, and stop there.

        :param position: metres, world frame, shape (3,); it takes longer if 1.5 m/s would be
            exceeded
        :param quaternion: orientation of the gripper in the world, wxyz, shape (4,)
        """
        self._orientation = quaternion.copy()
        link = self._data.xpos[self._fetch.gripper_body]
        place = link + np.asarray(position, np.float64) - self.grip_position
        self._follower.move_to(place, self.time_s, self._period_s)

    def command_gripper(self, positions: ArrayLike) -> None:
        """
        Set target positions of the fingers; no effect if the task holds them closed.

        :param positions: right and left, metres from the middle, shape (2,)
        """
        if not self._fetch.scene_spec.fingers_closed:
            right_left = dict(zip(self._fetch.finger_qpos, np.asarray(positions), strict=True))
            self._data.ctrl[:] = [right_left[index] for index in self._fetch.actuated_qpos]

    def advance(self, substeps: int) -> None:
        """Advance the simulation, 2 ms per substep."""
        for _ in range(substeps):
            self._follow()
            mujoco.mj_step(self._model, self._data)
            self._substeps += 1
            # As often as in training: each time takes energy out of objects that fingers touch.
            if self._fetch.scene_spec.fingers_closed and self._substeps % SUBSTEPS == 0:
                self._data.qpos[self._fetch.finger_qpos] = 0.0
            mujoco.mj_kinematics(self._model, self._data)

    @property
    def commanded(self) -> bool:
        """Whether a command for the arm is still in effect."""
        return self._follower.commanded(self.time_s)

    @property
    def time_s(self) -> float:
        """Return the simulated time since the scene was made, seconds."""
        return float(self._data.time)

    @property
    def qpos(self) -> Floats:
        """Joint positions of the task's whole model, shape (nq,)."""
        positions: Floats = self._data.qpos.copy()
        return positions

    @property
    def joint_positions(self) -> Floats:
        """Positions of ``joint_names``: rad, or m for torso and fingers, shape (J,)."""
        positions: Floats = self._data.qpos[self._qpos]
        return positions

    @property
    def joint_velocities(self) -> Floats:
        """Velocities of ``joint_names``: rad/s, or m/s for torso and fingers, shape (J,)."""
        velocities: Floats = self._data.qvel[self._dofs]
        return velocities

    @property
    def grip_position(self) -> Floats:
        """Position of the gripper: metres, world frame, shape (3,)."""
        position: Floats = self._data.site_xpos[self._fetch.grip.site]
        return position.copy()

    @property
    def tool_pose(self) -> tuple[Floats, Floats]:
        """Position of the gripper, metres, world frame, (3,), and quaternion wxyz, (4,)."""
        quaternion = np.zeros(4)
        mujoco.mju_mat2Quat(quaternion, self._data.site_xmat[self._fetch.grip.site])
        return self.grip_position, quaternion

    @property
    def object_pose(self) -> tuple[Floats, Floats] | None:
        """Position of the object, metres, world frame, (3,), and quaternion wxyz, (4,)."""
        if self._fetch.object is None:
            return None
        site, quaternion = self._fetch.object.site, np.zeros(4)
        mujoco.mju_mat2Quat(quaternion, self._data.site_xmat[site])
        return self._data.site_xpos[site].copy(), quaternion

    def _follow(self) -> None:
        """Move the mocap for the next substep."""
        body, timestep_s = self._fetch.gripper_body, self._model.opt.timestep
        self._data.mocap_pos[0] = self._follower.advance(
            self._data.xpos[body], self.time_s, timestep_s
        )
        # Half the way to the target orientation, as in training; a quaternion and its negative
        # are the same orientation, so the one nearer to the present is added.
        present = self._data.xquat[body]
        sign = 1.0 if present @ self._orientation >= 0.0 else -1.0
        self._data.mocap_quat[0] = present + sign * self._orientation
