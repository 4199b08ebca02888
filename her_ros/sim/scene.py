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

"""Describe a Fetch scene as shapes and poses that any viewer can draw."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from her_ros.arms.model import load_model
from her_ros.sim.observations import Floats
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np

Kind = Literal['box', 'cylinder', 'sphere', 'line']
#: red, green, blue and opacity, each from 0 to 1
Color = tuple[float, float, float, float]

_ROBOT = 'robot0:'
TABLE_COLOR: Color = (0.72, 0.62, 0.5, 1.0)
OBJECT_COLOR: Color = (0.9, 0.45, 0.1, 1.0)
ARM_COLOR: Color = (0.1, 0.4, 0.7, 1.0)
# Width of the line that represents an arm, metres: about the width of a real one.
ARM_WIDTH_M = 0.08
_COLORS: dict[str, Color] = {
    'table0': TABLE_COLOR,
    'object0': OBJECT_COLOR,
    'gripper_link': (0.35, 0.37, 0.4, 1.0),
    'r_gripper_finger_link': (0.15, 0.16, 0.18, 1.0),
    'l_gripper_finger_link': (0.15, 0.16, 0.18, 1.0),
}
_GOAL_COLOR: Color = (0.1, 0.8, 0.2, 0.35)


class ScenePose(NamedTuple):
    """Pose of a shape in the world frame."""

    #: metres, shape (3,)
    position: Floats
    #: wxyz, of length 1, shape (4,)
    quaternion: Floats


@dataclass(frozen=True)
class Shape:
    """One shape to draw."""

    name: str
    kind: Kind
    pose: ScenePose
    #: extents along the axes of the pose, metres, shape (3,); for a line, the first is its width
    size: Floats
    color: Color
    #: points of a line, metres, relative to the pose, shape (n, 3)
    points: Floats = field(default_factory=lambda: np.zeros((0, 3)))


@dataclass(frozen=True)
class View:
    """Scene at one moment."""

    #: rad, or metres for prismatic joints; in the order of :attr:`Scene.joint_names`
    joint_positions: Floats
    #: the point between the fingers that is the gripper position of the tasks
    gripper: ScenePose
    object: ScenePose | None  # noqa: A003
    shapes: tuple[Shape, ...]


class Scene:
    """
    Computes shapes and poses from joint positions.

    Poses belong to the given joint positions. In FetchPickAndPlace, observations are one physics
    step (2 ms) older, as in gymnasium-robotics; in the other tasks both agree.

    :raises ArmError: if the task or its assets are missing
    """

    #: frame of the robot's base
    base_frame = 'base_link'

    def __init__(self, task: GoalTask) -> None:
        self._task = task
        self._fetch = load_model(task)
        self._model = self._fetch.mujoco_model
        self._data = mujoco.MjData(self._model)
        # Other joints of the MJCF are the slides of the base and the object's free joint.
        joints = [self._model.joint(i) for i in range(self._model.njnt)]
        arm = [j for j in joints if j.name.startswith(_ROBOT) and j.name.endswith('_joint')]
        #: names as on a real Fetch
        self.joint_names = tuple(joint.name.removeprefix(_ROBOT) for joint in arm)
        self._joint_qpos = [int(joint.qposadr[0]) for joint in arm]
        moved = self._fetch.object
        self._object = None if moved is None else int(self._model.site_bodyid[moved.site])
        self._arm = self._bodies_above(self._fetch.gripper_body)
        self._set(self._fetch.start_qpos)
        #: pose of the robot's base
        self.base = self._body_pose(self._arm[0])

    @property
    def has_object(self) -> bool:
        """Whether the task has an object."""
        return self._object is not None

    def look(self, qpos: Floats, goal: Floats | None) -> View:
        """
        Return the scene for the given joint positions.

        :param qpos: joint positions of the task's whole model, shape (nq,)
        :param goal: desired goal, metres, world frame, shape (3,); None: no goal is drawn
        """
        self._set(qpos)
        # Viewers identify shapes by their index, so the optional goal comes last.
        goals = () if goal is None else (goal_sphere(self._task, goal),)
        return View(
            joint_positions=np.array(self._data.qpos[self._joint_qpos]),
            gripper=self._grip_pose(),
            object=None if self._object is None else self._body_pose(self._object),
            shapes=(*self._solids(), self._arm_line(), *goals),
        )

    def _set(self, qpos: Floats) -> None:
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)

    def _bodies_above(self, body: int) -> list[int]:
        """List the ancestors of a body, from the base on."""
        bodies: list[int] = []
        while body := int(self._model.body_parentid[body]):
            bodies.append(body)
        return bodies[::-1]

    def _body_pose(self, body: int) -> ScenePose:
        return ScenePose(self._data.xpos[body].copy(), self._data.xquat[body].copy())

    def _grip_pose(self) -> ScenePose:
        site = self._fetch.grip.site
        return ScenePose(
            self._data.site_xpos[site].copy(), quaternion_of(self._data.site_xmat[site])
        )

    def _solids(self) -> list[Shape]:
        """Return the boxes and cylinders of the scene, and the bounding box of the hand."""
        model, data = self._model, self._data
        solids = []
        for geom in range(model.ngeom):
            kind, body = int(model.geom_type[geom]), int(model.geom_bodyid[geom])
            plain = kind in (mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER)
            if not plain and body != self._fetch.gripper_body:
                continue
            name = model.body(body).name.removeprefix(_ROBOT)
            # Bounding box of a geom: centre, in the geom's frame, and half extents.
            centre, half = np.split(model.geom_aabb[geom], 2)
            turn = data.geom_xmat[geom]
            position = data.geom_xpos[geom] + turn.reshape(3, 3) @ centre
            pose = ScenePose(position, quaternion_of(turn))
            drawn: Kind = 'cylinder' if kind == mujoco.mjtGeom.mjGEOM_CYLINDER else 'box'
            solids.append(Shape(name, drawn, pose, 2.0 * half, _COLORS[name]))
        return solids

    def _arm_line(self) -> Shape:
        """Return the arm as a line from the base through its links to the hand."""
        hand = self._model.body_geomadr[self._fetch.gripper_body]
        points = np.vstack([self._data.xpos[self._arm], self._data.geom_xpos[hand]])
        size = np.array([ARM_WIDTH_M, 0.0, 0.0])
        return Shape('arm', 'line', upright(np.zeros(3)), size, ARM_COLOR, points)


def upright(position: Floats) -> ScenePose:
    """Return a pose with the axes of the world; position in metres, shape (3,)."""
    return ScenePose(np.array(position, np.float64), np.array([1.0, 0.0, 0.0, 0.0]))


def quaternion_of(matrix: Floats) -> Floats:
    """Return the quaternion, wxyz, of a rotation matrix, shape (9,)."""
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, matrix)
    return quaternion


def goal_sphere(task: GoalTask, goal: Floats) -> Shape:
    """Return a sphere with the radius of the tolerance; goal in metres, world frame, (3,)."""
    size = np.full(3, 2.0 * task.goal_tolerance_m)
    return Shape('goal', 'sphere', upright(goal), size, _GOAL_COLOR)
