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

"""Disturb the physics: friction, mass, damping, size of the object, height of the table."""

from typing import Any, NamedTuple

from her_ros.tasks.disturbances import Drawn
import mujoco
import mujoco.batch
import numpy as np
from numpy.typing import NDArray

#: disturbances that change a simulation itself, not what is seen of it or done to it
PHYSICAL = (
    'friction_scale',
    'mass_scale',
    'damping_scale',
    'object_size_scale',
    'table_height_m',
    'push_mps',
)
#: fields of a MuJoCo model that :func:`changed_fields` changes
MODEL_FIELDS = (
    'geom_friction',
    'body_mass',
    'body_inertia',
    'dof_damping',
    'geom_size',
    'geom_rbound',
    'geom_aabb',
    'bvh_aabb',
    'body_pos',
    'geom_pos',
)


class Bodies(NamedTuple):
    """What is disturbed, by its number in the model; None: the scene has none."""

    object: int | None  # noqa: A003
    #: a table that is a body, as the Fetch has it
    table: int | None
    #: a table that is a shape of the world, as other arms have it
    table_geom: int | None


def bodies_of(model: mujoco.MjModel) -> Bodies:
    """Find what is disturbed in a scene of the Fetch or of another arm."""

    def found(kind: mujoco.mjtObj, *names: str) -> int | None:
        numbers = [mujoco.mj_name2id(model, kind, name) for name in names]
        return next((number for number in numbers if number >= 0), None)

    body = mujoco.mjtObj.mjOBJ_BODY
    return Bodies(
        object=found(body, 'object0', 'object'),
        table=found(body, 'table0'),
        table_geom=found(mujoco.mjtObj.mjOBJ_GEOM, 'table'),
    )


def disturb_batch(physics: mujoco.batch.Batch, model: mujoco.MjModel, drawn: Drawn) -> None:
    """
    Set the physics of every simulation of a batch.

    :param model: without disturbances; it is not changed
    :param drawn: shape (N,)
    """
    bodies = bodies_of(model)
    for row in range(len(drawn)):
        for name, values in changed_fields(model, bodies, drawn[row:][:1]).items():
            physics.expand(name)[row] = values
    physics.set_const()
    if model.neq:
        # It also moves the weld between gripper and mocap, which depends on no disturbance.
        physics.expand('eq_data')[:] = model.eq_data


def disturb_model(model: mujoco.MjModel, undisturbed: mujoco.MjModel, drawn: Drawn) -> None:
    """
    Set the physics of a model.

    :param undisturbed: the same model without disturbances; it is not changed
    :param drawn: shape (1,)
    """
    for name, values in changed_fields(undisturbed, bodies_of(undisturbed), drawn).items():
        # The bounding volumes of meshes, which stay, come after those of bodies.
        getattr(model, name)[: len(values)] = values
    mujoco.mj_setConst(model, mujoco.MjData(model))
    # It also moves the weld between gripper and mocap, which depends on no disturbance.
    model.eq_data[:] = undisturbed.eq_data


def changed_fields(
    model: mujoco.MjModel, bodies: Bodies, drawn: Drawn
) -> dict[str, NDArray[np.float64]]:
    """
    Return :data:`MODEL_FIELDS` of a model with the disturbances of one episode.

    :param model: without disturbances; it is not changed
    :param drawn: shape (1,)
    """
    fields: dict[str, Any] = {name: np.array(getattr(model, name)) for name in MODEL_FIELDS}
    # The bounding volumes of meshes come after those of bodies.
    fields['bvh_aabb'] = fields['bvh_aabb'][: int(model.body_bvhnum.sum())]
    value = {name: float(drawn[name][0, 0]) for name in PHYSICAL}
    # A contact has the greater friction of its two geoms.
    fields['geom_friction'] *= value['friction_scale']
    if bodies.table is not None:
        fields['body_pos'][bodies.table, 2] += value['table_height_m']
    if bodies.table_geom is not None:
        fields['geom_pos'][bodies.table_geom, 2] += value['table_height_m']
    if (body := bodies.object) is not None:
        scale = value['object_size_scale']
        geoms = np.flatnonzero(model.geom_bodyid == body)
        nodes = slice(model.body_bvhadr[body], model.body_bvhadr[body] + model.body_bvhnum[body])
        fields['geom_size'][geoms] *= scale
        fields['geom_rbound'][geoms] *= scale
        fields['geom_aabb'][geoms] *= scale
        fields['bvh_aabb'][nodes] *= scale
        fields['body_mass'][body] *= value['mass_scale']
        # Of a body of one shape it grows with the mass and with the square of the size.
        fields['body_inertia'][body] *= value['mass_scale'] * scale**2
        begin = model.body_dofadr[body]
        dofs = slice(begin, begin + model.body_dofnum[body])
        fields['dof_damping'][dofs] *= value['damping_scale']
    return fields


def object_lift(model: mujoco.MjModel, drawn: Drawn) -> NDArray[np.float64]:
    """
    Return how much higher objects stand at the start than without disturbances.

    :return: metres, shape (n,)
    """
    lift = drawn['table_height_m'][:, 0].astype(np.float64)
    body = bodies_of(model).object
    if body is None:
        return lift
    geom = model.body_geomadr[body]
    half_height = float(model.geom_aabb[geom, 5])
    return lift + half_height * (drawn['object_size_scale'][:, 0].astype(np.float64) - 1.0)
