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

"""An arm in MuJoCo that takes commands of its driver at any time, like a real one."""

import copy

from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model_files import arm_model
from her_ros.robot.kinematics import task_kinematics
from her_ros.robot.simulated.driver import ArmDriver
from her_ros.robot.simulated.robot import TIMESTEP_S
from her_ros.sim.arm.parts import FREQUENCY
from her_ros.sim.arm.scene import load_scene
from her_ros.sim.disturbed.physics import disturb_model, object_lift
from her_ros.sim.initial_states import draw_start, start_generator
from her_ros.tasks.disturbances import Drawn
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: error of the driver's inverse kinematics, metres
_TOLERANCE_M = 1e-5
#: lead of what actuators pull to over a moving target, so that a joint follows a steady motion
#: without lag: the damping of a critically damped joint by its stiffness
_LEAD_S = 2.0 / FREQUENCY


class SimulatedArm:
    """
    A described arm in the scene of its task, commanded in continuous time.

    Position actuators pull its joints to targets that its driver moves. The arm has inertia: after
    a command begins, 20 ms pass until most of its speed is there.

    :param command_timeout_s: simulated time after which a velocity command expires
    :raises HerRosError: if there is no such arm, or its description or model has a fault
    """

    def __init__(self, task: GoalTask, command_timeout_s: float = 0.1) -> None:
        self._scene = scene = load_scene(task)
        self._timeout_s, self._period_s = command_timeout_s, task.control_period_s
        self._model = copy.copy(scene.mujoco_model)
        self._model.opt.timestep = TIMESTEP_S
        self._data = mujoco.MjData(self._model)
        self._object_lift_m = 0.0
        description = scene.description
        own_model = arm_model(description)
        self._kinematics = InverseKinematics(description, own_model, _TOLERANCE_M)
        # Where base and joints are in the world, and how the gripper's joints move the fingers.
        self._gripper = task_kinematics(task)
        #: the joints of arm and gripper, as its driver names them
        self.joint_names = self._gripper.joint_names
        kinds = [own_model.joint(name).type[0] for name in description.gripper.joints]
        of_gripper = [kind == mujoco.mjtJoint.mjJNT_HINGE for kind in kinds]
        #: per joint, whether it is revolute; the others are prismatic
        self.turning = np.array([*self._kinematics.chain.turning, *of_gripper])
        self.reset(0)

    def reset(self, seed: int | np.random.Generator) -> Floats:
        """
        Set arm and object to a start state, drawn as in training.

        :param seed: as :class:`~her_ros.sim.arm.batch.ArmBatch` takes it, or a generator
        :return: the goal drawn with it, not used by the robot: metres, world frame, shape (3,)
        :raises SimError: if the seed is negative
        """
        generator = seed if isinstance(seed, np.random.Generator) else start_generator(seed)
        mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[:] = self._scene.start_qpos
        goal = draw_start(self._scene, generator, self._data.qpos)
        if self._scene.object is not None:
            self._data.qpos[self._scene.object_qpos + 2] += self._object_lift_m
        self._data.ctrl[:] = self._data.qpos[: self._model.nu]
        self._driver = ArmDriver(self._kinematics, self._data.qpos[self._scene.joints])
        return goal

    def disturb(self, drawn: Drawn) -> None:
        """
        Set the physics of the episode that the next reset starts.

        :param drawn: shape (1,)
        """
        undisturbed = self._scene.mujoco_model
        disturb_model(self._model, undisturbed, drawn)
        self._object_lift_m = float(object_lift(undisturbed, drawn)[0])

    def push(self, velocities: Floats) -> None:
        """Add a velocity to the object, m/s, world frame, shape (1, 3)."""
        if self._scene.object is not None:
            first = self._scene.object_dof
            end = first + 3
            self._data.qvel[first:end] += velocities[0]

    def command_velocity(self, linear: ArrayLike) -> None:
        """
        Move the tool until the command expires.

        :param linear: m/s, world frame, shape (3,)
        """
        self._driver.move(np.array(linear, np.float64), self.time_s, self._timeout_s)

    def command_joints(self, positions: ArrayLike, duration_s: float) -> None:
        """
        Move the joints, and stop there.

        :param positions: of the commanded joints, from base to tool, rad or m, shape (A,)
        :param duration_s: duration of the motion; extended if a joint would be too fast
        """
        self._driver.move_joints(positions, self.time_s, duration_s)

    def command_tool(self, position: ArrayLike, quaternion: Floats) -> None:
        """
        Move the tool in a straight line within a control period, and stop there.

        :param position: metres, world frame, shape (3,)
        :param quaternion: orientation of the tool's frame in the world, wxyz, shape (4,)
        """
        in_base, axes = np.asarray(position, np.float64) - self._scene.base_m, np.empty(9)
        mujoco.mju_quat2Mat(axes, quaternion)
        self._driver.move_tool(in_base, axes.reshape(3, 3), self.time_s, self._period_s)

    def command_gripper(self, positions: ArrayLike) -> None:
        """
        Set target positions of the gripper; no effect if the task holds it closed.

        :param positions: m or rad, in the order of the description, shape (1,) or (2,)
        """
        if not self._scene.scene_spec.fingers_closed:
            fingers = self._gripper.fingers_at(np.asarray(positions, np.float64))
            self._data.ctrl[self._scene.fingers] = fingers

    def advance(self, substeps: int) -> None:
        """Advance the simulation, 2 ms per substep."""
        joints = self._scene.joints
        for _ in range(substeps):
            target, speed = self._driver.advance(self._data.qpos[joints], self.time_s, TIMESTEP_S)
            self._data.ctrl[joints] = target + _LEAD_S * speed
            mujoco.mj_step(self._model, self._data)

    @property
    def commanded(self) -> bool:
        """Whether a command for the arm is still in effect."""
        return self._driver.commanded(self.time_s)

    @property
    def time_s(self) -> float:
        """Return the simulated time since the reset, seconds."""
        return float(self._data.time)

    @property
    def qpos(self) -> Floats:
        """Joint positions of the task's whole model, shape (nq,)."""
        positions: Floats = self._data.qpos.copy()
        return positions

    @property
    def joint_positions(self) -> Floats:
        """Positions of ``joint_names``: rad, or m if prismatic, shape (J,)."""
        fingers = self._of_fingers(self._data.qpos)
        gripper = self._gripper.gripper_joints(fingers)
        return np.concatenate([self._data.qpos[self._scene.joints], gripper])

    @property
    def joint_velocities(self) -> Floats:
        """Velocities of ``joint_names``: rad/s, or m/s if prismatic, shape (J,)."""
        still = self._gripper.gripper_joints(np.zeros(2))
        gripper = self._gripper.gripper_joints(self._of_fingers(self._data.qvel)) - still
        return np.concatenate([self._data.qvel[self._scene.joints], gripper])

    @property
    def grip_position(self) -> Floats:
        """Position of the tool: metres, world frame, shape (3,)."""
        return self.tool_pose[0]

    @property
    def tool_pose(self) -> tuple[Floats, Floats]:
        """Position of the tool, metres, world frame, (3,), and quaternion wxyz, (4,)."""
        joints, quaternion = self._data.qpos[self._scene.joints], np.zeros(4)
        position, axes = self._kinematics.chain.tool_pose(joints)
        mujoco.mju_mat2Quat(quaternion, axes.ravel())
        return position + self._scene.base_m, quaternion

    @property
    def object_pose(self) -> tuple[Floats, Floats] | None:
        """Position of the object, metres, world frame, (3,), and quaternion wxyz, (4,)."""
        if self._scene.object is None:
            return None
        start = self._scene.object_qpos
        position, quaternion = np.split(self._data.qpos[start:][:7].copy(), [3])
        return position, quaternion

    def _of_fingers(self, values: Floats) -> Floats:
        """Return values of the fingers at +y and at -y, shape (2,); 0 if they are held closed."""
        if self._scene.scene_spec.fingers_closed:
            return np.zeros(2)
        fingers: Floats = values[self._scene.fingers]
        return fingers
