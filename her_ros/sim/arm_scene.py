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

"""Describe the scene of a task on any arm as shapes and poses that any viewer can draw."""

from her_ros.arms.fingers import is_first_at_plus_y
from her_ros.arms.model_files import kinematic_model
from her_ros.sim.arm.scene import load_scene
from her_ros.sim.observations import Floats
from her_ros.sim.scene import (
    ARM_COLOR,
    ARM_WIDTH_M,
    Color,
    goal_sphere,
    Kind,
    OBJECT_COLOR,
    quaternion_of,
    ScenePose,
    Shape,
    TABLE_COLOR,
    upright,
    View,
)
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np

#: the table has no edges in simulation; this much of it is drawn: middle, then sizes, metres
TABLE_MIDDLE_M, TABLE_SIZE_M = (1.15, 0.75), (1.5, 1.3, 0.04)
_FINGER_COLOR: Color = (0.15, 0.16, 0.18, 1.0)


class ArmSceneView:
    """
    Computes shapes and poses from joint positions; links are one line from joint to joint.

    :raises HerRosError: if there is no such arm, or its description or model has a fault
    """

    def __init__(self, task: GoalTask) -> None:
        self._task = task
        self._scene = scene = load_scene(task)
        self._model = model = scene.mujoco_model
        self._data = mujoco.MjData(model)
        description = scene.description
        arm, gripper = description.arm, description.gripper
        names = dict(zip(arm.joints, arm.driver_joints, strict=True))
        names |= dict(zip(arm.held_joints, arm.driver_held_joints, strict=True))
        #: names as of the arm's driver
        self.joint_names = (
            *(names[each] for each in scene.kinematics.chain.names),
            *gripper.driver_joints,
        )
        first = is_first_at_plus_y(description, kinematic_model(description))
        self._fingers = np.array([0, 1] if first else [1, 0])[: len(gripper.joints)]
        self._links = [model.body(f'joint{1 + n}').id for n in range(scene.joints.stop)]
        self._tool = model.body('tool').id
        #: frame and pose of the arm's base
        self.base_frame, self.base = description.driver.base_frame, upright(scene.base_m)

    @property
    def has_object(self) -> bool:
        """Whether the task has an object."""
        return self._scene.object is not None

    def look(self, qpos: Floats, goal: Floats | None) -> View:
        """Return the scene for the given joint positions, see :meth:`Scene.look`."""
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        goals = () if goal is None else (goal_sphere(self._task, goal),)
        moved = self._scene.object
        return View(
            joint_positions=self._joints(qpos),
            gripper=self._grip_pose(),
            object=None if moved is None else self._pose(moved),
            shapes=(*self._solids(), self._arm_line(), *goals),
        )

    def _joints(self, qpos: Floats) -> Floats:
        gripper, scene = self._scene.description.gripper, self._scene
        fingers = np.zeros(2) if scene.scene_spec.fingers_closed else qpos[scene.fingers]
        closed_to = fingers[self._fingers] / gripper.distance_per_position
        return np.concatenate([qpos[scene.joints], gripper.closed + closed_to])

    def _pose(self, body: int) -> ScenePose:
        return ScenePose(self._data.xpos[body].copy(), self._data.xquat[body].copy())

    def _grip_pose(self) -> ScenePose:
        """Return the pose of the tool with the axes of its own frame."""
        position, turn = self._pose(self._tool)
        # The body has the axes of the world while the tool points down.
        down = np.array(self._scene.description.tool.down_quaternion)
        quaternion = np.empty(4)
        mujoco.mju_mulQuat(quaternion, turn, down)
        return ScenePose(position, quaternion)

    def _solids(self) -> list[Shape]:
        """Return table, fingertips and object."""
        solids = []
        for geom in range(self._model.ngeom):
            kind, body = self._model.geom_type[geom], int(self._model.geom_bodyid[geom])
            position, size = self._data.geom_xpos[geom].copy(), 2.0 * self._model.geom_size[geom]
            name, color = self._model.body(body).name, _FINGER_COLOR
            if kind == mujoco.mjtGeom.mjGEOM_PLANE:
                name, color, size = 'table0', TABLE_COLOR, np.array(TABLE_SIZE_M)
                position[:] = (*TABLE_MIDDLE_M, position[2] - size[2] / 2)
            elif body == self._scene.object:
                name, color = 'object0', OBJECT_COLOR
            pose = ScenePose(position, quaternion_of(self._data.geom_xmat[geom]))
            shape: Kind = 'box'
            if kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
                # MuJoCo has radius and half height.
                shape, size = 'cylinder', size[[0, 0, 1]]
            solids.append(Shape(name, shape, pose, size, color))
        return solids

    def _arm_line(self) -> Shape:
        joints = self._data.xpos[[*self._links, self._tool]]
        points = np.vstack([self._scene.base_m, joints])
        size = np.array([ARM_WIDTH_M, 0.0, 0.0])
        return Shape('arm', 'line', upright(np.zeros(3)), size, ARM_COLOR, points)
