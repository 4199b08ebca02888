"""Disturb the physics: friction, mass, damping, size of the object, height of the table."""

from typing import Any, NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

from her_ros.tasks.disturbances import Drawn

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
)


class Bodies(NamedTuple):
    """The bodies that are disturbed; None: the scene has none."""

    object: int | None
    table: int | None


def bodies_of(model: mujoco.MjModel) -> Bodies:
    """Find the bodies of a Fetch scene."""
    found = [
        mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, name) for name in ('object0', 'table0')
    ]
    return Bodies(*(each if each >= 0 else None for each in found))


def changed_fields(
    model: mujoco.MjModel, bodies: Bodies, drawn: Drawn
) -> dict[str, NDArray[np.float64]]:
    """Return :data:`MODEL_FIELDS` of a model with the disturbances of one episode.

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


def object_lift(model: mujoco.MjModel, bodies: Bodies, drawn: Drawn) -> NDArray[np.float64]:
    """Return how much higher objects stand at the start than without disturbances.

    :return: metres, shape (n,)
    """
    lift = drawn['table_height_m'][:, 0].astype(np.float64)
    if bodies.object is None:
        return lift
    geom = model.body_geomadr[bodies.object]
    half_height = float(model.geom_aabb[geom, 5])
    return lift + half_height * (drawn['object_size_scale'][:, 0].astype(np.float64) - 1.0)
