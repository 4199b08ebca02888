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

from her_ros.arms.model import assets_folder, load_model
from her_ros.arms.simplify_model import NEVER_TOUCHING
from her_ros.tasks.registry import TASKS
import mujoco
import numpy as np
import pytest

HINGE_EXCESS_RAD, SLIDE_EXCESS_M, CLEARANCE_M = 0.4, 0.05, 0.006


@pytest.fixture
def untrimmed(task):
    model = mujoco.MjModel.from_xml_path(str(assets_folder() / load_model(task).scene_spec.scene))
    model.eq_data[:, :7] = [0, 0, 0, 0, 0, 0, 1]
    return model


def test_a_trimmed_scene_moves_bit_for_bit_as_before(task, untrimmed):
    model = load_model(task)
    scenes = (model.mujoco_model, untrimmed)
    assert scenes[0].nbody < scenes[1].nbody
    robots = [scene.body('robot0:base_link').id for scene in scenes]
    masses = [scene.body_subtreemass[robot] for scene, robot in zip(scenes, robots, strict=True)]
    assert masses[0] == masses[1]
    data = [mujoco.MjData(scene) for scene in scenes]
    for each in data:
        each.qpos[:], each.qvel[:] = model.start_qpos, model.start_qvel
    generator = np.random.default_rng(0)
    for period in range(150):
        if period % 10 == 0:  # as far as the arm goes, beyond joint limits
            pull = generator.choice([-0.05, 0.0, 0.05], 3)
            ctrl = generator.uniform(0.0, 0.2, scenes[0].nu)
        for scene, each in zip(scenes, data, strict=True):
            each.mocap_pos[0] = each.body('robot0:gripper_link').xpos + pull
            each.mocap_quat[0] = each.body('robot0:gripper_link').xquat + np.array([1, 0, 1, 0])
            each.ctrl[:] = ctrl
            mujoco.mj_step(scene, each, nstep=20)
        assert data[0].qpos.tobytes() == data[1].qpos.tobytes()
        assert data[0].qvel.tobytes() == data[1].qvel.tobytes()


def test_the_margins_of_contacts_are_below_the_clearance(untrimmed):
    # Whether MuJoCo takes the larger or the sum of two margins.
    assert 2 * untrimmed.geom_margin.max() < CLEARANCE_M


@pytest.mark.parametrize('pair', NEVER_TOUCHING, ids='-'.join)
def test_excluded_bodies_never_touch(pair):
    """
    Prove it by branch and bound over the joints between the two bodies.

    In a box of joint positions the distance is at least that in its middle, less how far each
    joint can move the geom beyond it: half the box's width, for hinges times the farthest the
    geom gets from the axis. Boxes for which that does not suffice are halved.
    """
    scene = load_model(TASKS['FetchPush']).mujoco_model  # the robot is the same in all tasks
    data = mujoco.MjData(scene)
    geoms = [int(scene.body(name).geomadr[0]) for name in pair]
    assert all(scene.body(name).geomnum[0] == 1 for name in pair)
    joints = joints_between(scene, geoms)
    addresses = [scene.jnt_qposadr[joint] for joint, _ in joints]
    boxes, proved = [np.array([allowed(scene, joint) for joint, _ in joints])], 0
    while boxes:
        box = boxes.pop()
        data.qpos[addresses] = box.mean(axis=1)
        mujoco.mj_kinematics(scene, data)
        distance = mujoco.mj_geomDistance(scene, data, *geoms, 2.0, None)
        assert distance > CLEARANCE_M, f'{distance} m at {box.mean(axis=1)}'
        moves = moves_within(scene, data, joints, np.ptp(box, axis=1) / 2)
        if distance - moves.sum() <= CLEARANCE_M:
            widest, low, high = moves.argmax(), box.copy(), box.copy()
            low[widest, 1] = high[widest, 0] = box[widest].mean()
            boxes += [low, high]
        proved += 1
        assert proved < 20_000, 'too close for a proof in reasonable time'


def joints_between(scene, geoms):
    """List (joint, geom it moves) from the bodies' common ancestor outwards."""
    chains = []
    for geom in geoms:
        chain, body = set(), scene.geom_bodyid[geom]
        while body:
            chain.add(body)
            body = scene.body_parentid[body]
        chains.append(chain)
    return [
        (joint, geoms[0] if scene.jnt_bodyid[joint] in chains[0] else geoms[1])
        for joint in range(scene.njnt)
        if scene.jnt_bodyid[joint] in chains[0] ^ chains[1]
    ]


def allowed(scene, joint):
    if not scene.jnt_limited[joint]:
        return -np.pi, np.pi
    slides = scene.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE
    excess = SLIDE_EXCESS_M if slides else HINGE_EXCESS_RAD
    return scene.jnt_range[joint] + [-excess, excess]


def moves_within(scene, data, joints, half_widths):
    """Bound how far each joint moves the geom beyond it, metres."""
    moves, beyond = np.zeros(len(joints)), {}
    for i in reversed(range(len(joints))):  # outer joints first: they lengthen the inner's arm
        joint, geom = joints[i]
        moves[i] = half_widths[i]
        if scene.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE:
            arm = np.cross(data.xaxis[joint], data.geom_xpos[geom] - data.xanchor[joint])
            moves[i] *= np.linalg.norm(arm) + scene.geom_rbound[geom] + beyond.get(geom, 0.0)
        beyond[geom] = beyond.get(geom, 0.0) + moves[i]
    return moves
