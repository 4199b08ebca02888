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

"""
Parts of a scene with an arm: links, fingers, table and object.

The arm is simulated as its driver makes it appear. The driver compensates gravity and the inertia
of the links, and each joint follows its target as a critically damped system. Links therefore
have next to no mass, and joints have an inertia of their own. Only fingertips, table and object
collide.
"""

from her_ros.arms.chain import JointChain
from her_ros.arms.mechanics import Gripper
from her_ros.arms.scene_specs import BLOCK_M
import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: natural frequency of joints and fingers, rad/s; that of the weld which moves the Fetch
FREQUENCY = 50.0
#: inertia of a joint: kg m² of a revolute one, kg of a prismatic one
_REVOLUTE_INERTIA, _PRISMATIC_INERTIA = 1.0, 5.0
_FINGER_INERTIA = 0.5
# MuJoCo wants a mass for each body that moves.
_SMALL = {'mass': 1e-3, 'inertia': [1e-6] * 3, 'explicitinertial': True}
#: half sizes of a fingertip along x, y (the direction in which fingers open) and z
_FINGERTIP_M = (0.01, 0.005, 0.02)
#: height of the middle of a fingertip above the tool, so that 1 cm of it is below
_FINGERTIP_UP_M = 0.01
_OBJECT_MASS_KG = 0.1
#: sliding friction of block and table, and of puck and table
_FRICTION, _PUCK_FRICTION = 1.0, 0.1
# Geoms touch if the contype of one has a bit of the conaffinity of the other. The robot does not
# touch itself, nor does the table.
_TABLE, _ROBOT, _OBJECT = 1, 2, 4


def add_links(spec: mujoco.MjSpec, chain: JointChain, joints: Floats, base_m: Floats) -> None:
    """
    Add a body and an actuator per joint, and the body ``tool``.

    The bodies have the axes of the world in the given position, which is that of ``qpos0``.

    :param joints: position in which the tool points down, rad (m if prismatic), shape (J,)
    :param base_m: position of the arm's base, metres, world frame, shape (3,)
    """
    state = chain.tool_state(joints)
    swept, axes = state.jacobian[:3].T, state.jacobian[3:].T
    # A revolute joint moves the tool by axis × arm, so this is a point of its axis.
    places = base_m + state.position - np.cross(swept, axes)
    body, place = spec.worldbody, np.zeros(3)
    for joint, value in enumerate(joints):
        name = f'joint{joint + 1}'
        body = body.add_body(name=name, pos=places[joint] - place, **_SMALL)
        place = places[joint]
        if chain.turning[joint]:
            kind, axis, inertia = mujoco.mjtJoint.mjJNT_HINGE, axes[joint], _REVOLUTE_INERTIA
        else:
            kind, axis, inertia = mujoco.mjtJoint.mjJNT_SLIDE, swept[joint], _PRISMATIC_INERTIA
        body.add_joint(name=name, type=kind, axis=axis, ref=value, armature=inertia)
        _add_actuator(spec, name, inertia)
    body.add_body(name='tool', pos=base_m + state.position - place, **_SMALL)


def add_closed_fingers(spec: mujoco.MjSpec) -> None:
    """Add fingers that are held closed to the tool."""
    _add_fingertip(spec.body('tool'), 0.0, 2 * _FINGERTIP_M[1])


def add_fingers(spec: mujoco.MjSpec, gripper: Gripper) -> None:
    """
    Add two fingers that slide along y to the tool, that at +y before that at -y.

    The fingertips of all arms have one size. How far they open and how strongly they grasp is as
    the description says.
    """
    for name, side in (('finger_at_plus_y', 1.0), ('finger_at_minus_y', -1.0)):
        finger = spec.body('tool').add_body(name=name, **_SMALL)
        finger.add_joint(
            name=name,
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=[0.0, side, 0.0],
            limited=True,
            range=[0.0, gripper.max_opening / 2],
            armature=_FINGER_INERTIA,
        )
        _add_fingertip(finger, side * _FINGERTIP_M[1], _FINGERTIP_M[1])
        actuator = _add_actuator(spec, name, _FINGER_INERTIA)
        actuator.forcelimited = True
        actuator.forcerange = [-gripper.max_force, gripper.max_force]


def add_table(spec: mujoco.MjSpec, height_m: float, is_slippery: bool) -> None:
    """Add a table without edges."""
    spec.worldbody.add_geom(
        name='table',
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[2.0, 2.0, 0.1],
        pos=[0.0, 0.0, height_m],
        friction=[_PUCK_FRICTION if is_slippery else _FRICTION, 0.005, 0.0001],
        contype=_TABLE,
        conaffinity=0,
    )


def add_object(spec: mujoco.MjSpec, table_height_m: float, is_puck: bool) -> None:
    """Add the body ``object``: a block with edges of 5 cm, or a puck 5 cm wide and 4 cm high."""
    half_m = 0.02 if is_puck else BLOCK_M / 2
    body = spec.worldbody.add_body(name='object', pos=[0.0, 0.0, table_height_m + half_m])
    body.add_joint(name='object', type=mujoco.mjtJoint.mjJNT_FREE, damping=[0.01, 0.0, 0.0])
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER if is_puck else mujoco.mjtGeom.mjGEOM_BOX,
        size=[BLOCK_M / 2, half_m, half_m],
        mass=_OBJECT_MASS_KG,
        friction=[_PUCK_FRICTION if is_puck else _FRICTION, 0.005, 0.0001],
        condim=3,
        contype=_OBJECT,
        conaffinity=_TABLE | _ROBOT,
    )


def _add_actuator(spec: mujoco.MjSpec, joint: str, inertia: float) -> mujoco.MjsActuator:
    """Let a joint follow its target as a critically damped system."""
    stiffness, damping = inertia * FREQUENCY**2, 2 * inertia * FREQUENCY
    return spec.add_actuator(
        name=joint,
        target=joint,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        biastype=mujoco.mjtBias.mjBIAS_AFFINE,
        gainprm=[stiffness] + [0.0] * 9,
        biasprm=[0.0, -stiffness, -damping] + [0.0] * 7,
    )


def _add_fingertip(body: mujoco.MjsBody, y_m: float, half_y_m: float) -> None:
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[0.0, y_m, _FINGERTIP_UP_M],
        size=[_FINGERTIP_M[0], half_y_m, _FINGERTIP_M[2]],
        friction=[_FRICTION, 0.005, 0.0001],
        condim=3,
        # What they touch takes over these values, with which a grasped block slips least.
        priority=1,
        solref=[0.01, 1.0],
        solimp=[0.99, 0.99, 0.01, 0.5, 2.0],
        contype=_ROBOT,
        conaffinity=_TABLE,
    )
