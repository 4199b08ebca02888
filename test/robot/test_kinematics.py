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

import dataclasses

from her_ros.arms.model import ARM_JOINTS, load_model, MJCF_PREFIX
from her_ros.arms.registry import arm_named
from her_ros.robot.frames import Pose
from her_ros.robot.kinematics import ArmKinematics, task_kinematics
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.registry import task_named
import mujoco
import numpy as np
import pytest

UNLIMITED = 1e9


def model_of(name):
    return load_model(task_named(name)).mujoco_model


def places(model, names):
    """Return the indices of joints into qpos and into qvel."""
    joints = [model.joint(MJCF_PREFIX + name) for name in names]
    return [joint.qposadr[0] for joint in joints], [joint.dofadr[0] for joint in joints]


def observed(task, observation):
    """Parts of an observation by name."""
    ends = np.cumsum([size for _, size in task.observation_fields])[:-1]
    names = [name for name, _ in task.observation_fields]
    return dict(zip(names, np.split(observation, ends), strict=True))


@pytest.fixture
def kinematics():
    """Return the kinematics of the Fetch where it stands in training."""
    return task_kinematics(task_named('FetchReach'))


@pytest.mark.parametrize('name', ['FetchReach', 'FetchPush', 'FetchPickAndPlace'])
def test_gripper_and_fingers_are_those_of_the_training_observation(name):
    task, generator = task_named(name), np.random.default_rng(1)
    kinematics, batch = task_kinematics(task), FetchBatch(task, [7])
    qpos, dofs = places(model_of(name), kinematics.joint_names)
    batch.reset()
    for _ in range(50):
        seen = observed(task, batch.step(generator.uniform(-1, 1, (1, 4))).observation[0])
        state = batch._state
        kinematics.update(state['qpos'][0, qpos], state['qvel'][0, dofs])
        period = task.control_period_s
        assert kinematics.finger_position == pytest.approx(seen['finger_positions'], abs=1e-12)
        fingers = kinematics.finger_velocity * period
        assert fingers == pytest.approx(seen['finger_velocities'], abs=1e-12)
        if name == 'FetchPickAndPlace':
            continue  # there the original shows the gripper where it was 2 ms earlier
        # No joint state tells that the scene's base sinks, by 0.3 micrometres per second.
        assert kinematics.grip_position == pytest.approx(seen['gripper_position'], abs=1e-6)
        velocity = kinematics.grip_velocity * period
        assert velocity == pytest.approx(seen['gripper_velocity'], rel=1e-6, abs=2e-8)


@pytest.fixture
def wandering(kinematics):
    """Kinematics, and a function that brings them to arm joints."""
    start = load_model(task_named('FetchReach')).start_qpos
    qpos, _ = places(model_of('FetchReach'), kinematics.joint_names)
    joints = start[qpos]

    def place(arm):
        joints[1:8] = arm
        kinematics.update(joints, np.zeros(len(joints)))

    place(joints[1:8].copy())
    return kinematics, place


def test_displacements_within_reach_are_met(wandering):
    kinematics, place = wandering
    generator = np.random.default_rng(2)
    centre = kinematics.grip_position
    for _ in range(100):
        # Up to 5 cm, and back to the middle on the whole.
        wanted = np.clip(
            centre + generator.uniform(-0.1, 0.1, 3) - kinematics.grip_position, -0.033, 0.033
        )
        target = kinematics.grip_position + wanted
        place(kinematics.joints_after(wanted, 0.04, UNLIMITED))
        assert kinematics.grip_position == pytest.approx(target, abs=1e-5)


def test_a_tilted_gripper_is_turned_to_point_down_as_it_moves(wandering):
    kinematics, place = wandering
    arm = kinematics.positions[1:8]
    place(arm + np.array([0.0, 0.1, 0.0, -0.1, 0.1, 0.2, 0.1]))
    before = kinematics.grip_position
    assert kinematics.grip_rotation[2, 0] > -0.98
    there_and_back = [0.1, 0.0, 0.0]
    place(kinematics.joints_after(there_and_back, 0.04, UNLIMITED))
    place(kinematics.joints_after(np.negative(there_and_back), 0.04, UNLIMITED))
    assert kinematics.grip_position == pytest.approx(before, abs=1e-4)
    down = kinematics.grip_rotation[:, 0]
    assert down == pytest.approx([0.0, 0.0, -1.0], abs=1e-3)


@pytest.mark.parametrize('name', ['fetch', 'six_joint'])
def test_a_tilted_gripper_keeps_its_joints_without_a_displacement(name):
    kinematics = ArmKinematics(arm_named(name), Pose.of('', (0.0, 0.0, 0.0)))
    count = len(kinematics.arm_joints)
    tilted = kinematics.positions.copy()
    first = kinematics.joint_names.index(kinematics.arm_joints[0])
    end = first + count
    tilted[first:end] += np.linspace(0.2, -0.15, count)
    kinematics.update(tilted, np.zeros(len(tilted)))
    stands = kinematics.joints_after(np.zeros(3), 0.04)
    np.testing.assert_array_equal(stands, tilted[first:end])
    # A short way turns it a little, not at the speed limits of the joints.
    moved = kinematics.joints_after([0.0, 0.0, 0.001], 0.04, UNLIMITED)
    assert 0.0 < np.abs(moved - stands)[: 6 if count == 6 else 0].max(initial=1e-9) < 0.02


def test_a_speed_limit_shortens_the_way_and_keeps_its_direction(wandering):
    kinematics, place = wandering
    whole = kinematics.joints_after([0.0, 0.03, 0.0], 0.04, UNLIMITED)
    start = kinematics.positions[1:8]
    before = kinematics.grip_position
    limited = kinematics.joints_after([0.0, 0.03, 0.0], 0.04, 0.5)
    assert np.abs(whole - start).max() > 0.02
    assert np.abs(limited - start).max() == pytest.approx(0.5 * 0.04)
    place(limited)
    moved = kinematics.grip_position - before
    assert 0.005 < moved[1] < 0.03
    assert np.abs(moved[[0, 2]]).max() < 0.1 * moved[1]


@pytest.mark.parametrize('direction', [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1]])
def test_joint_limits_hold_far_beyond_the_reach(wandering, direction):
    kinematics, place = wandering
    ranges = {name: model_of('FetchReach').joint(MJCF_PREFIX + name) for name in ARM_JOINTS}
    before = kinematics.grip_position
    for _ in range(100):
        arm = kinematics.joints_after(0.033 * np.array(direction), 0.04, 2.0)
        assert np.isfinite(arm).all()
        assert np.abs(arm - kinematics.positions[1:8]).max() <= 0.08 + 1e-9
        for position, joint in zip(arm, ranges.values(), strict=True):
            if joint.type == mujoco.mjtJoint.mjJNT_HINGE and joint.range[0] < joint.range[1]:
                assert joint.range[0] <= position <= joint.range[1]
        place(arm)
    assert (kinematics.grip_position - before) @ direction > 0.1


def test_where_the_base_stands_moves_and_turns_everything_with_it():
    """The same joints on a robot that stands elsewhere, a third of a turn to the left."""
    generator, scene_base = np.random.default_rng(3), Pose.of('', (0.69, 0.74, 0.02))
    plain = ArmKinematics(arm_named('fetch'), scene_base)
    xyzw = (0.0, 0.0, np.sin(np.pi / 3), np.cos(np.pi / 3))
    base = Pose.of('', (0.3, -0.2, 0.1), xyzw)
    moved = ArmKinematics(arm_named('fetch'), base)
    state = plain.positions + generator.uniform(-0.1, 0.1, len(plain.joint_names))
    speed = generator.uniform(-1.0, 1.0, len(state))
    for each in (plain, moved):
        each.update(state, speed)
    from_base = plain.grip_position - scene_base.position
    expected = base.position + base.rotation @ from_base
    np.testing.assert_allclose(moved.grip_position, expected, atol=1e-9)
    np.testing.assert_allclose(moved.grip_velocity, base.rotation @ plain.grip_velocity, atol=1e-9)
    # A motion ahead in the world leads ahead in the world, and the gripper goes on pointing down.
    ahead = np.array([0.02, 0.0, 0.0])
    before = moved.grip_position
    for _ in range(30):
        joints = moved.joints_after(ahead + before - moved.grip_position, 1.0, UNLIMITED)
        moved.update([state[0], *joints, *state[-2:]], 0.0 * speed)
    np.testing.assert_allclose(moved.grip_position, before + ahead, atol=1e-4)
    down = moved.grip_rotation @ [1.0, 0.0, 0.0]
    np.testing.assert_allclose(down, [0.0, 0.0, -1.0], atol=1e-3)


def test_one_joint_moves_both_fingers():
    arm = arm_named('six_joint')
    one = dataclasses.replace(
        arm.gripper, joints=('left_finger',), driver_joints=(), closed=0.8, open=0.0
    )
    kinematics = ArmKinematics(dataclasses.replace(arm, gripper=one), Pose.of('', (0, 0, 0)))
    assert kinematics.joint_names[-1] == 'left_finger'
    home = kinematics.positions[:-1]
    for joint, speed, distance in ((0.8, 0.0, 0.0), (0.4, -2.0, 0.02), (0.0, 0.0, 0.04)):
        kinematics.update([*home, joint], [0.0] * 6 + [speed])
        assert kinematics.finger_position == pytest.approx([distance] * 2)
        assert kinematics.finger_velocity == pytest.approx([-0.05 * speed] * 2)
        assert kinematics.gripper_joints(np.full(2, distance)) == pytest.approx([joint])
        assert kinematics.fingers_at(np.array([joint])) == pytest.approx([distance] * 2)


def test_the_speed_limits_of_the_description_hold():
    slow = task_kinematics(task_named('FetchReach'))
    change = slow.joints_after([0.0, 0.2, 0.0], 0.01) - slow.positions[1:8]
    assert np.abs(change).max() == pytest.approx(2.0 * 0.01)
