"""Make a scene cheaper to simulate, with results that stay equal bit for bit."""

import mujoco

#: Bodies of the robot near enough to each other for MuJoCo to look closer, at every substep,
#: though they can never touch: at least 6 mm stay between them wherever the joints between them
#: stand, up to 0.4 rad and 5 cm beyond their limits, which are soft (extreme actions were seen to
#: go 0.24 rad and 3.7 cm beyond). A contact starts at 1 mm, the MJCF's margin, so there is none
#: to lose. test/arms/test_simplify_model.py proves the distance for each pair. Pairs that were
#: merely never seen in contact don't belong here, nor do pairs that keep apart only within the
#: limits.
NEVER_TOUCHING = (
    ('robot0:base_link', 'robot0:shoulder_pan_link'),
    ('robot0:torso_fixed_link', 'robot0:head_pan_link'),
    ('robot0:torso_fixed_link', 'robot0:shoulder_pan_link'),
    ('robot0:head_pan_link', 'robot0:shoulder_pan_link'),
    ('robot0:head_tilt_link', 'robot0:shoulder_pan_link'),
    ('robot0:shoulder_lift_link', 'robot0:elbow_flex_link'),
    ('robot0:elbow_flex_link', 'robot0:wrist_flex_link'),
)


def simplify_model(spec: mujoco.MjSpec) -> None:
    """Drop what only pictures need, and the search for contacts that cannot be.

    Lights, cameras, the goal's marker, the mocap's coloured bars, and the massless frames that
    only held cameras: they have no part in the dynamics, but MuJoCo moves them every substep.
    """
    for visual in (*spec.lights, *spec.cameras, spec.site('target0')):
        spec.delete(visual)
    for geom in spec.body('robot0:mocap').geoms:
        spec.delete(geom)
    for body in _bare(spec.worldbody):
        spec.delete(body)
    for one, other in NEVER_TOUCHING:
        spec.add_exclude(bodyname1=one, bodyname2=other)


def _bare(parent: mujoco.MjsBody) -> list[mujoco.MjsBody]:
    """Find the topmost bodies below ``parent`` with nothing in them, nor in their children."""
    found = []
    for body in parent.bodies:
        below = _bare(body)
        holds = body.mocap or body.mass or body.geoms or body.joints or body.sites
        if holds or len(below) < len(body.bodies):
            found += below
        else:
            found.append(body)
    return found
