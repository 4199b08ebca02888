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

from pathlib import Path

from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.robot.kinematics import task_kinematics
from her_ros.robot.simulated.robot import SimulatedRobot
from her_ros.sim.evaluate import evaluation_steps
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.registry import task_named
import numpy as np
import pytest

MODELS = Path(__file__).parents[3] / 'models'
#: what a full action means in training
SPEED_MPS = 0.83
PERIOD_S = 0.04
PERIOD_SUBSTEPS = 20


class Follower:
    """A robot that takes actions, as velocities or as joints."""

    def __init__(self, name, by):
        task = task_named(name)
        self.robot, self.kinematics = SimulatedRobot(task), task_kinematics(task)
        names = self.robot.joint_names
        self._order = [names.index(each) for each in self.kinematics.joint_names]
        self._by = by

    def measure(self):
        self.kinematics.update(
            self.robot.joint_positions[self._order], self.robot.joint_velocities[self._order]
        )
        return self.kinematics

    def step(self, action):
        velocity = np.asarray(action[:3], np.float64) * SPEED_MPS
        if self._by == 'velocity':
            self.robot.command_velocity(velocity)
        else:
            way = velocity * PERIOD_S
            joints = self.measure().joints_after(way, PERIOD_S, max_joint_speed=10.0)
            self.robot.command_joints(joints, PERIOD_S)
        self.robot.advance(PERIOD_SUBSTEPS)


@pytest.fixture(params=['velocity', 'joints'])
def by(request):
    """Both ways to command the arm."""
    return request.param


@pytest.fixture(params=['FetchReach', 'FetchPush', 'FetchSlide', 'FetchPickAndPlace'])
def task(request):
    """Every simulated task."""
    return task_named(request.param)


def test_starts_as_training_does(task):
    batch, robot = FetchBatch(task, [0]), SimulatedRobot(task)
    for seed in (3, 4):
        state = batch.reset(seeds=[seed])
        assert (robot.reset(seed) == state.desired_goal[0]).all()
        assert (robot.grip_position == state.observation[0, :3]).all()
        if robot.object_pose is not None:
            assert (robot.object_pose[0] == state.achieved_goal[0]).all()


def recorded(seed):
    """Draw actions towards five goals within 10 cm, and see where they lead in training."""
    batch, generator = FetchBatch(task_named('FetchReach'), [0]), np.random.default_rng(seed)
    path = [batch.reset(seeds=[seed]).achieved_goal[0]]
    actions = []
    for goal in np.repeat(path[0] + generator.uniform(-0.1, 0.1, (5, 3)), 10, axis=0):
        noisy = 10.0 * (goal - path[-1]) + generator.normal(0.0, 0.1, 3)
        actions.append(np.clip([*noisy, 0.0], -1.0, 1.0).astype(np.float32))
        path.append(batch.step(actions[-1][None]).achieved_goal[0])
    return actions, np.array(path[1:])


def test_a_command_leads_to_the_same_position_as_in_training(by):
    follower = Follower('FetchReach', by)
    for seed in range(3):
        actions, path = recorded(seed)
        assert np.ptp(path, axis=0).max() > 0.1
        follower.robot.reset(seed)
        deviations = []
        for action, wanted in zip(actions, path, strict=True):
            follower.step(action)
            deviations.append(np.linalg.norm(follower.robot.grip_position - wanted))
        # A period at full speed is 33 mm long.
        assert np.mean(deviations) < 0.006
        assert np.max(deviations) < 0.012


def test_a_policy_succeeds_that_succeeds_in_training(by):
    task, episodes = task_named('FetchReach'), 20
    policy = OnnxPolicy.load(MODELS / task.name / 'policy.onnx', task)
    *_, last = evaluation_steps(
        task, policy.act, policy.version, EvaluationProtocol(episodes, episodes, 1)
    )
    assert last['is_success'].all()
    follower = Follower(task.name, by)
    for episode in range(episodes):
        goal = follower.robot.reset((1 << 31) + episode)
        for _ in range(task.episode_length):
            k = follower.measure()
            parts = k.grip_position, k.finger_position, k.grip_velocity, k.finger_velocity
            scale = np.repeat([1.0, PERIOD_S], 5)
            observation = (np.concatenate(parts) * scale)[None]
            follower.step(policy.act(observation, k.grip_position[None], goal[None])[0])
        assert task.is_success(follower.robot.grip_position, goal), episode


def test_speed_is_constant_for_all_magnitudes_and_command_rates():
    robot = SimulatedRobot(task_named('FetchReach'))
    for speed, substeps in ((0.8, 20), (0.8, 5), (0.2, 20), (0.05, 1)):
        robot.reset(0)
        velocity = speed * np.array([0.0, 0.6, 0.8])
        for _ in range(200 // substeps):
            robot.command_velocity(velocity)
            robot.advance(substeps)
        before, then_s = robot.grip_position, robot.time_s
        robot.command_velocity(velocity)
        robot.advance(20)
        moved = (robot.grip_position - before) / (robot.time_s - then_s)
        assert moved == pytest.approx(velocity, abs=0.03 * speed)


def test_time_passes_alike_in_pieces_of_any_length():
    ends = []
    for substeps in (1, 5, 50):
        robot = SimulatedRobot(task_named('FetchPush'))
        robot.reset(0)
        robot.command_velocity([0.3, -0.2, 0.1])
        for _ in range(100 // substeps):
            robot.advance(substeps)
        ends.append(robot.joint_positions)
    assert (ends[0] == ends[1]).all()
    assert (ends[0] == ends[2]).all()


def test_stops_and_stays_when_commands_cease(by):
    follower = Follower('FetchReach', by)
    robot = follower.robot
    robot.reset(0)
    for _ in range(5):
        follower.step([0.0, 1.0, 0.0])
    assert robot.commanded == (by == 'velocity')  # joints were reached in their period
    robot.advance(50)  # 0.1 s
    assert not robot.commanded
    robot.advance(50)
    place = robot.grip_position
    robot.advance(1000)
    assert robot.grip_position == pytest.approx(place, abs=0.003)


def test_joint_commands_reach_their_position_in_the_given_time():
    follower = Follower('FetchReach', 'joints')
    robot = follower.robot
    robot.reset(0)
    robot.advance(200)
    start = follower.measure().grip_position
    way = np.array([0.0, 0.1, 0.1])
    robot.command_joints(follower.kinematics.joints_after(way, 1.0, 10.0), 1.0)
    robot.advance(250)
    assert robot.grip_position - start == pytest.approx(way / 2, abs=0.01)
    robot.advance(500)
    assert robot.grip_position - start == pytest.approx(way, abs=0.003)


def test_a_table_in_the_way_is_pressed_no_harder_than_in_training():
    robot = SimulatedRobot(task_named('FetchPush'))
    robot.reset(0)
    for _ in range(50):
        robot.command_velocity([0.0, 0.0, -100.0])
        robot.advance(20)
        link = robot._data.xpos[robot._fetch.gripper_body]
        assert np.linalg.norm(robot._data.mocap_pos[0] - link) < 0.05 * 3**0.5
    pressed = robot.grip_position[2]
    # Nothing has piled up that would have to be undone first.
    for _ in range(5):
        robot.command_velocity([0.0, 0.0, SPEED_MPS])
        robot.advance(20)
    assert robot.grip_position[2] > pressed + 0.1


def finger_positions(robot):
    names = 'r_gripper_finger_joint', 'l_gripper_finger_joint'
    return [robot.joint_positions[robot.joint_names.index(name)] for name in names]


def test_fingers_follow_commands_unless_the_task_holds_them_closed(task):
    robot = SimulatedRobot(task)
    robot.reset(0)
    robot.command_gripper([0.02, 0.04])
    robot.advance(500)
    closed = task.name != 'FetchPickAndPlace'
    expected = [0.0, 0.0] if closed else [0.02, 0.04]
    assert finger_positions(robot) == pytest.approx(expected, abs=0.002)
