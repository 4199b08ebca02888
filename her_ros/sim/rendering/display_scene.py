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

"""Scenes made to be looked at: colours, light and viewpoint, of the Fetch and of any arm."""

import functools
from typing import NamedTuple

from her_ros.arms.model import load_model
from her_ros.arms.model import scene_mjcf as fetch_mjcf
from her_ros.sim.arm.scene import load_scene, scene_mjcf
from her_ros.sim.arm_scene import TABLE_MIDDLE_M, TABLE_SIZE_M
from her_ros.sim.observations import Floats
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np

#: largest width and height of a picture, pixels
LARGEST_PICTURE = 4096
#: pictures per second of simulated time: one per control period
FPS = 25

_GOAL = 'goal'
#: prefix of the names of the bars that stand for the links of an arm
LINK = 'link_'
_TABLE_COLOR, _OBJECT_COLOR = (0.76, 0.66, 0.54, 1.0), (0.93, 0.45, 0.10, 1.0)
_LINK_COLOR, _FINGER_COLOR = (0.23, 0.44, 0.68, 1.0), (0.25, 0.27, 0.30, 1.0)
_COLORS = {
    'floor_mat': (0.80, 0.82, 0.85, 1.0),
    'table_mat': _TABLE_COLOR,
    'block_mat': _OBJECT_COLOR,
    'puck_mat': _OBJECT_COLOR,
    _GOAL: (0.10, 0.90, 0.30, 0.30),
}
_SKY = (0.93, 0.95, 0.98)
# Simulated scenes have one smaller floor each, which the wide ones would end on.
_FLOOR_M = 6.0


class Viewpoint(NamedTuple):
    """Camera that turns around a point, degrees and metres."""

    lookat_m: tuple[float, float, float]
    distance_m: float
    azimuth: float = 140.0
    elevation: float = -24.0


_VIEWPOINTS = {'FetchSlide': Viewpoint((1.15, 0.75, 0.48), 2.1, azimuth=125.0)}
_ARM_VIEWPOINT = Viewpoint((1.1, 0.75, 0.62), 1.9)
# Radius of the first link of an arm, and of the last, which must not hide the fingers; shortest
# link that is drawn; metres.
_LINKS_M, _SHORTEST_LINK_M = (0.04, 0.008), 0.002
_VIEWPOINT = Viewpoint((1.2, 0.75, 0.57), 1.5)


class DisplayScene:
    """
    A scene made to be looked at, in the pose of a simulation's state.

    It has a model of its own: the simulation's has no lights, and is not touched.

    :param task: a Fetch task, or one that any arm does
    :raises HerRosError: if the task has no such scene, or what it is made of is missing
    """

    def __init__(self, task: GoalTask) -> None:
        self.model = _arm_model(task) if task.arm else _display_model(task)
        self.data = mujoco.MjData(self.model)
        self._goal = int(self.model.body_mocapid[self.model.body(_GOAL).id])
        self._goal_size = task.goal_size

    def pose(self, qpos: Floats, goal: Floats) -> None:
        """Take joint positions, see :meth:`FetchBatch.qpos`, and a goal, metres, world frame."""
        self.data.qpos[:] = qpos
        self.data.mocap_pos[self._goal] = goal
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)


@functools.cache
def _display_model(task: GoalTask) -> mujoco.MjModel:
    scene_spec = load_model(task).scene_spec
    spec = fetch_mjcf(scene_spec)
    for geom in spec.body('robot0:mocap').geoms:
        spec.delete(geom)
    for light in spec.lights:
        spec.delete(light)
    for material in spec.materials:
        if material.name in _COLORS:
            material.rgba = _COLORS[material.name]
            material.textures = [''] * len(material.textures)
    for site in spec.sites:
        site.rgba = (0.0, 0.0, 0.0, 0.0)
    spec.geom('floor0').size = (_FLOOR_M, _FLOOR_M, 1.0)
    for texture in spec.textures:
        if texture.type == mujoco.mjtTexture.mjTEXTURE_SKYBOX:
            texture.rgb1 = texture.rgb2 = _SKY
    _add_goal(spec, task)
    _add_light(spec)
    return spec.compile()


@functools.cache
def _arm_model(task: GoalTask) -> mujoco.MjModel:
    """Make the scene of a task on an arm, whose links are capsules from joint to joint."""
    scene = load_scene(task)
    spec = scene_mjcf(
        task,
        scene.description,
        scene.kinematics.chain,
        scene.mujoco_model.qpos0[scene.joints],
        scene.base_m,
    )
    for geom in spec.geoms:
        geom.rgba = _FINGER_COLOR
    table = spec.geom('table')
    table.rgba = _TABLE_COLOR
    table.pos[:2], table.size[:2] = TABLE_MIDDLE_M, np.array(TABLE_SIZE_M[:2]) / 2
    if scene.object is not None:
        spec.body('object').geoms[0].rgba = _OBJECT_COLOR
    names = [f'joint{number + 1}' for number in range(len(scene.kinematics.chain.turning))]
    _add_link(spec.worldbody, scene.base_m, spec.body('joint1').pos, _LINKS_M[0])
    for name, end, radius_m in zip(
        names, [*names[1:], 'tool'], np.linspace(*_LINKS_M, len(names)), strict=True
    ):
        _add_link(spec.body(name), np.zeros(3), spec.body(end).pos, float(radius_m))
    spec.add_texture(
        name='sky',
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=_SKY,
        rgb2=_SKY,
        width=16,
        height=16,
    )
    _add_goal(spec, task)
    _add_light(spec)
    return spec.compile()


def _add_link(body: mujoco.MjsBody, start_m: Floats, end_m: Floats, radius_m: float) -> None:
    """Add a capsule between two points of a body, which touches nothing."""
    if np.linalg.norm(np.array(end_m) - start_m) < _SHORTEST_LINK_M:
        return
    body.add_geom(
        name=f'{LINK}{body.name}',
        type=mujoco.mjtGeom.mjGEOM_CAPSULE,
        fromto=[*start_m, *end_m],
        size=[radius_m, 0.0, 0.0],
        rgba=_LINK_COLOR,
        contype=0,
        conaffinity=0,
        mass=0.0,
    )


def _add_goal(spec: mujoco.MjSpec, task: GoalTask) -> None:
    """Add a sphere with the radius of the tolerance; as a site it casts no shadow."""
    body = spec.worldbody.add_body(name=_GOAL, mocap=True)
    body.add_site(
        type=mujoco.mjtGeom.mjGEOM_SPHERE,
        size=(task.goal_tolerance_m, 0.0, 0.0),
        rgba=_COLORS[_GOAL],
    )


def _add_light(spec: mujoco.MjSpec) -> None:
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=(1.3, 0.75, 3.0),
        dir=(0.25, 0.35, -1.0),
        diffuse=(0.55, 0.55, 0.55),
        specular=(0.1, 0.1, 0.1),
        castshadow=True,
    )
    spec.visual.headlight.ambient = (0.38, 0.38, 0.38)
    spec.visual.headlight.diffuse = (0.3, 0.3, 0.3)
    spec.visual.headlight.specular = (0.0, 0.0, 0.0)
    spec.visual.map.shadowclip = 3.0
    spec.visual.quality.offsamples = 2
    spec.visual.quality.shadowsize = 1024


def viewpoint_of(task: GoalTask) -> Viewpoint:
    """Return where a task's scene is looked at from."""
    return _ARM_VIEWPOINT if task.arm else _VIEWPOINTS.get(task.name, _VIEWPOINT)


def look(camera: mujoco.MjvCamera, viewpoint: Viewpoint) -> None:
    """Put a camera where a scene is looked at from."""
    camera.type = mujoco.mjtCamera.mjCAMERA_FREE
    camera.lookat[:] = viewpoint.lookat_m
    camera.distance = viewpoint.distance_m
    camera.azimuth, camera.elevation = viewpoint.azimuth, viewpoint.elevation
