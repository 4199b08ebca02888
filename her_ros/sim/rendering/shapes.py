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

"""Describe the shapes of a MuJoCo model as triangles, for viewers that draw them."""

from typing import NamedTuple

from her_ros.sim.observations import Floats
import mujoco
import numpy as np
from numpy.typing import NDArray

#: geoms of these groups are drawn; by convention the others are for collisions
_DRAWN_GROUPS = 3
# Corners of a circle, rings of a half sphere, and the side of a plane without an end, metres.
_CORNERS, _RINGS, _PLANE_M = 32, 8, 12.0


class Shape(NamedTuple):
    """One rigid shape, in the frame of its geom."""

    #: number of the geom in its model
    geom: int
    name: str
    #: metres, shape (v, 3)
    vertices: Floats
    #: indices of vertices, shape (f, 3)
    faces: NDArray[np.int32]
    #: red, green, blue and opacity, each from 0 to 1, shape (4,)
    color: Floats
    #: whether its surface has edges
    is_flat: bool


class Poses(NamedTuple):
    """Poses of n shapes, world frame."""

    #: metres, shape (n, 3)
    positions: Floats
    #: wxyz, of length 1, shape (n, 4)
    quaternions: Floats


def shapes_of(model: mujoco.MjModel) -> list[Shape]:
    """Return the geoms of a model that are drawn."""
    found = []
    for geom in range(model.ngeom):
        color = _color(model, geom)
        if model.geom_group[geom] >= _DRAWN_GROUPS or color[3] == 0.0:
            continue
        triangles = _triangles(model, geom)
        if triangles is not None:
            name = f'{geom}_{model.body(int(model.geom_bodyid[geom])).name}'
            kind = int(model.geom_type[geom])
            is_flat = kind in (mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_PLANE)
            found.append(Shape(geom, name, *triangles, color, is_flat))
    return found


def poses_of(data: mujoco.MjData, geoms: list[int]) -> Poses:
    """Return where geoms are."""
    quaternions = np.empty((len(geoms), 4))
    for quaternion, geom in zip(quaternions, geoms, strict=True):
        mujoco.mju_mat2Quat(quaternion, data.geom_xmat[geom])
    return Poses(data.geom_xpos[geoms].copy(), quaternions)


def _color(model: mujoco.MjModel, geom: int) -> Floats:
    # A color of the geom itself wins over that of its material, as MuJoCo draws them.
    own = model.geom_rgba[geom].astype(np.float64)
    material = int(model.geom_matid[geom])
    is_default = np.allclose(own, (0.5, 0.5, 0.5, 1.0))
    if material >= 0 and is_default:
        return model.mat_rgba[material].astype(np.float64)
    return own


def _triangles(model: mujoco.MjModel, geom: int) -> tuple[Floats, NDArray[np.int32]] | None:
    """Return vertices and faces of a geom; None: its kind is not drawn."""
    kind, size = int(model.geom_type[geom]), model.geom_size[geom].astype(np.float64)
    kinds = mujoco.mjtGeom
    if kind == kinds.mjGEOM_MESH:
        return _mesh(model, int(model.geom_dataid[geom]))
    if kind == kinds.mjGEOM_BOX:
        return _box(size)
    if kind == kinds.mjGEOM_PLANE:
        side = np.where(size[:2] > 0.0, size[:2], _PLANE_M / 2)
        vertices, faces = _box(np.array([*side, 5e-4]))
        return vertices - (0.0, 0.0, 5e-4), faces
    angles = np.linspace(0.0, np.pi / 2, _RINGS)
    if kind == kinds.mjGEOM_CYLINDER:
        radius, half = size[0], size[1]
        profile = np.array([(0.0, -half), (radius, -half), (radius, half), (0.0, half)])
        return _turned(profile, sharp=True)
    if kind in (kinds.mjGEOM_SPHERE, kinds.mjGEOM_ELLIPSOID, kinds.mjGEOM_CAPSULE):
        half = size[1] if kind == kinds.mjGEOM_CAPSULE else 0.0
        arc = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        lower = (arc * [1.0, -1.0])[::-1]
        if kind == kinds.mjGEOM_ELLIPSOID:
            vertices, faces = _turned(np.concatenate([lower, arc]))
            return vertices * size, faces
        upper, lower = arc * size[0] + [0.0, half], lower * size[0] - [0.0, half]
        return _turned(np.concatenate([lower, upper]))
    return None


def _mesh(model: mujoco.MjModel, mesh: int) -> tuple[Floats, NDArray[np.int32]]:
    vertex, face = int(model.mesh_vertadr[mesh]), int(model.mesh_faceadr[mesh])
    vertices = model.mesh_vert[vertex:][: int(model.mesh_vertnum[mesh])]
    faces = model.mesh_face[face:][: int(model.mesh_facenum[mesh])]
    return vertices.astype(np.float64), faces.astype(np.int32)


def _box(half: Floats) -> tuple[Floats, NDArray[np.int32]]:
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    faces = [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ]  # fmt: skip
    return signs * half, np.array(faces, np.int32)


def _turned(points: Floats, sharp: bool = False) -> tuple[Floats, NDArray[np.int32]]:
    """
    Turn a profile about the axis z.

    :param points: distance from the axis and height of its points, from below, shape (p, 2)
    :param sharp: whether its corners are edges, so that each has vertices of its own
    """
    parts = [points[i:][:2] for i in range(len(points) - 1)] if sharp else [points]
    angles = np.linspace(0.0, 2 * np.pi, _CORNERS, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vertices, faces, first = [], [], 0
    for part in parts:
        for radius, height in part:
            vertices.append(np.column_stack([radius * circle, np.full(_CORNERS, height)]))
        one = np.arange(_CORNERS)
        other = (one + 1) % _CORNERS
        for ring in range(len(part) - 1):
            low, high = first + ring * _CORNERS, first + (ring + 1) * _CORNERS
            faces.append(np.column_stack([low + one, low + other, high + other]))
            faces.append(np.column_stack([low + one, high + other, high + one]))
        first += len(part) * _CORNERS
    return np.concatenate(vertices), np.concatenate(faces).astype(np.int32)
