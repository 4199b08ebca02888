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

"""Make a scene cheaper to simulate, with results that stay equal bit for bit."""

import mujoco

#: Pairs of robot bodies that MuJoCo checks for contact at every substep but that can never touch.
#: Their distance is at least 6 mm for all positions of the joints between them, up to 0.4 rad and
#: 5 cm beyond the soft joint limits (extreme actions exceeded them by 0.24 rad and 3.7 cm). A
#: contact starts at 1 mm, the MJCF's margin. test/arms/test_simplify_model.py checks the distance
#: of each pair. Do not add pairs that were only never observed in contact, or pairs that are
#: apart only within the limits.
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
    """
    Remove elements that are only visual, and exclude contacts that cannot occur.

    Lights, cameras, the goal marker, the mocap's coloured bars and the massless frames of cameras
    do not affect the dynamics, but MuJoCo updates them at every substep.
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
    """Find the topmost bodies below ``parent`` that are empty, including their children."""
    found = []
    for body in parent.bodies:
        below = _bare(body)
        holds = body.mocap or body.mass or body.geoms or body.joints or body.sites
        if holds or len(below) < len(body.bodies):
            found += below
        else:
            found.append(body)
    return found
