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

"""A task's scene as shapes and poses, also from what was recorded of an episode."""

from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model import FINGER_JOINTS, load_model, MJCF_PREFIX
from her_ros.arms.model_files import kinematic_model
from her_ros.arms.placement import placement_of
from her_ros.sim.arm.scene import load_scene
from her_ros.sim.observations import Floats
from her_ros.sim.rendering.arm_shapes import ArmShapes
from her_ros.sim.rendering.display_scene import DisplayScene, LINK
from her_ros.sim.rendering.shapes import Poses, poses_of, shapes_of
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np

# Inverse kinematics are repeated for the first state, which may be far from where the arm stands.
_FIRST_ITERATIONS = 10


class ViewScene:
    """
    A task's scene: its shapes, and where they are.

    :param task: a Fetch task, or one that any arm does
    :raises HerRosError: if the task has no such scene, or what it is made of is missing
    """

    def __init__(self, task: GoalTask) -> None:
        self._scene = DisplayScene(task)
        model = self._scene.model
        self._mimic = _ArmMimic(task, model)
        #: those of the model, then those of the arm's own files
        self.shapes = shapes_of(model)
        self._arm = None
        if task.arm:
            arm = ArmShapes(
                self._mimic.description, self._mimic.kinematics.chain, self._mimic.base_m
            )
            if arm.shapes:
                self._arm = arm
                self.shapes = [
                    each for each in self.shapes if not model.geom(each.geom).name.startswith(LINK)
                ]
        self._geoms = [each.geom for each in self.shapes]
        if self._arm is not None:
            self.shapes += self._arm.shapes

    def poses(self, qpos: Floats) -> Poses:
        """
        Return where the shapes are.

        :param qpos: joint positions, as the simulation of the task has them, shape (nq,)
        """
        scene = self._scene
        scene.data.qpos[:] = qpos
        mujoco.mj_kinematics(scene.model, scene.data)
        found = poses_of(scene.data, self._geoms)
        if self._arm is None:
            return found
        arm = self._arm.poses(*self._mimic.joints_and_opening(qpos))
        return Poses(*(np.concatenate(pair) for pair in zip(found, arm, strict=True)))

    def observed(self, observation: Floats) -> Floats:
        """
        Return joint positions that show what was observed, shape (nq,).

        The arm is posed by inverse kinematics, so it is near to where it was but not equal.
        Successive calls begin at the arm's last position.

        :param observation: of the task, shape (O,)
        """
        return self._mimic.qpos(observation)


class _ArmMimic:
    """Joint positions of a task's model from observations."""

    def __init__(self, task: GoalTask, model: mujoco.MjModel) -> None:
        placement = placement_of(task)
        self.description, self.base_m = placement.description, placement.base_m
        if task.arm:
            scene = load_scene(task)
            self.kinematics = scene.kinematics
            self._start, self._object = scene.start_qpos, scene.object_qpos
            self._joints = [*range(*scene.joints.indices(len(self._start)))]
            self._fingers = [*range(*scene.fingers.indices(len(self._start)))]
        else:
            fetch = load_model(task)
            self.kinematics = InverseKinematics(
                self.description, kinematic_model(self.description)
            )
            self._start, self._object = fetch.start_qpos, fetch.object_qpos
            names = self.kinematics.chain.names
            self._joints = [int(model.joint(name).qposadr[0]) for name in names]
            fingers = [model.joint(MJCF_PREFIX + name) for name in FINGER_JOINTS]
            self._fingers = [int(joint.qposadr[0]) for joint in fingers]
        self._slices = task.observation_slices
        self._last: Floats | None = None

    def joints_and_opening(self, qpos: Floats) -> tuple[Floats, float]:
        """Return joints of the arm, shape (J,), and distance of the fingers, metres."""
        return qpos[self._joints], float(qpos[self._fingers].sum())

    def qpos(self, observation: Floats) -> Floats:
        """Return joint positions of the model, shape (nq,)."""
        qpos = self._start.copy()
        wanted = observation[self._slices['gripper_position']] - self.base_m
        if self._last is None:
            self._last = qpos[self._joints]
            for _ in range(_FIRST_ITERATIONS):
                self._last = self.kinematics.solve(self._last, wanted)
        self._last = self.kinematics.solve(self._last, wanted)
        qpos[self._joints] = self._last
        if self._fingers:
            qpos[self._fingers] = observation[self._slices['finger_positions']]
        if 'object_position' in self._slices:
            place = self._object
            turn_place, end = place + 3, place + 7
            qpos[place:turn_place] = observation[self._slices['object_position']]
            turn = _quaternion_of_angles(observation[self._slices['object_rotation']])
            qpos[turn_place:end] = turn
        return qpos


def _quaternion_of_angles(angles: Floats) -> Floats:
    """
    Return the quaternion, wxyz, of Euler angles.

    Their convention is that of :func:`~her_ros.tasks.observed.euler_angles`.

    :param angles: rad, shape (3,)
    """
    quaternion = np.empty(4)
    mujoco.mju_euler2Quat(quaternion, angles, 'xyz')
    return quaternion
