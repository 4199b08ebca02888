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

from her_ros.robot.kinematics import task_kinematics
from her_ros.robot.simulated.disturber import RobotDisturber
from her_ros.robot.simulated.robot import SimulatedRobot
from her_ros.robot.simulated.robots import simulated_robot
from her_ros.sim.disturbed.disturber import Disturber
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.disturbances import DisturbanceError, neutral, parse_disturbances
from her_ros.tasks.observed import euler_angles
from her_ros.tasks.registry import task_named, TASKS
import mujoco
import numpy as np
import pytest

PUSH = TASKS['FetchPush']
POSE = np.array([1.3, 0.7, 0.42]), np.array([1.0, 0.0, 0.0, 0.0])


@pytest.fixture(scope='module')
def robot():
    return SimulatedRobot(PUSH)


@pytest.fixture
def make(robot):
    def disturber(text, seed=3, task=PUSH, of=None):
        made = RobotDisturber(
            task, parse_disturbances(text), of or robot, np.random.default_rng(0)
        )
        made.begin(seed)
        (of or robot).reset(seed)
        return made

    return disturber


def test_a_start_state_draws_what_an_evaluation_of_its_seed_draws(make):
    batch = Disturber(PUSH, FetchBatch(PUSH, [0]), parse_disturbances('all'), [0])
    batch.begin([17])
    names = [name for name in batch.drawn.dtype.names if not name.startswith('base_')]
    found = make('all', seed=17)
    for name in names:
        if 'velocity' not in name and 'spin' not in name:
            np.testing.assert_array_equal(found.drawn[name], batch.drawn[name], name)


def test_without_disturbances_everything_is_as_it_is(make):
    disturber = make('')
    joints = np.linspace(-1.0, 1.0, len(disturber._robot.joint_names))
    for seen, true in zip(disturber.object_pose(*POSE), POSE, strict=True):
        np.testing.assert_array_equal(seen, true)
    np.testing.assert_array_equal(disturber.joint_positions(joints), joints)
    assert not any(disturber.loses() or disturber.repeats() for _ in range(100))
    assert disturber.latency_s() == 0.0
    np.testing.assert_array_equal(disturber.drawn, neutral(1))


def test_noise_and_bias_of_poses_are_as_the_list_says(make):
    disturber = make('object_noise_m:2,object_bias_m')
    seen = np.array([disturber.object_pose(*POSE)[0] for _ in range(4000)])
    assert seen.std(axis=0) == pytest.approx(0.02, rel=0.05)
    bias = disturber.drawn['object_bias_m'][0]
    assert seen.mean(axis=0) - POSE[0] == pytest.approx(bias, abs=4 * 0.02 / 4000**0.5)
    turned = make('object_rotation_noise_rad,object_yaw_bias_rad')
    matrices = np.empty((2000, 9))
    for row in matrices:
        mujoco.mju_quat2Mat(row, turned.object_pose(*POSE)[1])
    angles = euler_angles(matrices.reshape(-1, 3, 3))
    assert angles.std(axis=0) == pytest.approx(0.05, rel=0.07)
    bias = [0.0, 0.0, turned.drawn['object_yaw_bias_rad'][0, 0]]
    assert angles.mean(axis=0) == pytest.approx(bias, abs=4 * 0.05 / 2000**0.5)


def test_noise_of_the_joints_moves_the_gripper_as_far_as_the_list_says(make):
    disturber, kinematics = make('gripper_noise_m'), task_kinematics(PUSH)
    names = disturber._robot.joint_names
    order = [names.index(name) for name in kinematics.joint_names]
    home = np.zeros(len(names))
    home[order] = kinematics.positions
    places = []
    for _ in range(2000):
        kinematics.update(disturber.joint_positions(home)[order], np.zeros(len(order)))
        places.append(kinematics.grip_position)
    assert np.std(places, axis=0).mean() == pytest.approx(0.01, rel=0.15)


def test_messages_are_late_lost_and_repeated_as_often_as_the_list_says(make):
    disturber = make('latency_periods:2,latency_jitter_periods,lost_share:4,repeated_share:2')
    latencies = [disturber.latency_s() for _ in range(2000)]
    assert min(latencies) == pytest.approx(0.08, abs=1e-3)
    assert max(latencies) == pytest.approx(0.12, abs=1e-3)
    assert np.mean([disturber.loses() for _ in range(4000)]) == pytest.approx(0.2, abs=0.03)
    assert np.mean([disturber.repeats() for _ in range(4000)]) == pytest.approx(0.1, abs=0.02)


def test_physics_are_those_that_were_drawn_and_go_back(make, robot):
    model, plain = robot._model, robot._fetch.mujoco_model
    body = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, 'object0')
    disturber = make('friction_scale,mass_scale,object_size_scale,table_height_m')
    names = ('friction_scale', 'mass_scale', 'object_size_scale', 'table_height_m')
    drawn = {name: float(disturber.drawn[name][0, 0]) for name in names}
    assert model.body_mass[body] == pytest.approx(plain.body_mass[body] * drawn['mass_scale'])
    np.testing.assert_allclose(
        model.geom_friction, plain.geom_friction * drawn['friction_scale'], rtol=1e-6
    )
    half = 0.025
    lift = drawn['table_height_m'] + half * (drawn['object_size_scale'] - 1.0)
    height = robot.object_pose[0][2]
    RobotDisturber(
        PUSH, parse_disturbances('mass_scale:0'), robot, np.random.default_rng(0)
    ).begin(3)
    robot.reset(3)
    assert height - robot.object_pose[0][2] == pytest.approx(lift, abs=1e-5)
    for name in ('body_mass', 'geom_friction', 'geom_size', 'body_pos', 'eq_data'):
        np.testing.assert_array_equal(getattr(model, name), getattr(plain, name), name)


def moved(disturber, robot, seconds=0.4):
    start = robot.grip_position
    for tick in range(round(seconds * 100)):
        if tick % 4 == 0 and tick < 20:
            disturber.command_velocity(np.array([0.0, 0.3, 0.0]), 0.1)
        disturber.advance(0.01)
        robot.advance(5)
    return float((robot.grip_position - start)[1])


def test_the_arm_moves_farther_and_later_as_drawn(make, robot):
    plain = moved(make(''), robot)
    assert make('').only_of_twists == []
    scaled = make('action_scale')
    assert scaled.only_of_twists == ['action_scale']
    factor = float(scaled.drawn['action_scale'][0, 0])
    assert abs(factor - 1.0) > 0.02
    assert moved(scaled, robot) == pytest.approx(plain * factor, rel=0.05)
    early = moved(make(''), robot, 0.08)
    assert moved(make('arm_lag_periods:2'), robot, 0.08) < 0.9 * early
    assert moved(make('arm_lag_periods:2'), robot, 0.8) == pytest.approx(plain, rel=0.15)


def test_the_object_is_pushed_once_after_the_first_command(make, robot):
    disturber = make('push_mps:4', seed=2)
    start = robot.object_pose[0]
    for _ in range(300):
        disturber.advance(0.01)
        robot.advance(5)
    np.testing.assert_allclose(robot.object_pose[0], start, atol=1e-3)
    disturber.command_velocity(np.zeros(3), 0.1)
    for _ in range(210):  # an episode takes 2 s
        disturber.advance(0.01)
        robot.advance(5)
    assert np.linalg.norm(robot.object_pose[0] - start) > 0.01
    assert disturber._push_s is None


@pytest.mark.parametrize('name', ['base_yaw_deg', 'object_velocity_noise_m'])
def test_what_lies_in_the_bridge_is_refused_by_itself_and_left_out_of_sets(make, name):
    with pytest.raises(DisturbanceError, match=f'{name}.* does not act here; .*base_pose'):
        make(name)
    assert not make('robot').drawn[name].any()


def test_the_physics_of_an_arm_are_disturbed_too(make):
    task = task_named('Push', 'six_joint')
    arm = simulated_robot(task, 0.1)
    rest_m = arm.object_pose[0][2]
    drawn = make('mass_scale,table_height_m', task=task, of=arm).drawn
    mass = arm._model.body_mass[arm._scene.object]
    assert mass == pytest.approx(0.1 * drawn['mass_scale'][0, 0], rel=1e-6) != 0.1
    arm.advance(50)
    lifted_m = arm.object_pose[0][2] - rest_m
    assert lifted_m == pytest.approx(drawn['table_height_m'][0, 0], abs=3e-4) != 0.0


def test_a_command_of_another_kind_ends_the_lagging_velocity(make, robot):
    disturber = make('arm_lag_periods:2')
    disturber.command_velocity(np.array([0.2, 0.0, 0.0]), 1.0)
    disturber.advance(0.1)
    assert robot.commanded
    disturber.end_velocity()
    robot.reset(3)
    disturber.advance(0.01)
    assert not robot.commanded
