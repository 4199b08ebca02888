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

from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.robot.kinematics import task_kinematics
from her_ros.robot.simulated.arm import SimulatedArm
from her_ros.sim.arm.batch import ArmBatch
from her_ros.tasks.registry import task_named
import numpy as np
import pytest

MODELS = Path(__file__).parents[3] / 'models'
#: what a full action means in training
SPEED_MPS = 0.83
PERIOD_S, PERIOD_SUBSTEPS = 0.04, 20
COMMANDS = ('velocity', 'joints', 'tool')


class Follower:
    """An arm that takes actions as one kind of command."""

    def __init__(self, task, by='velocity'):
        self.robot, self.kinematics, self._by = SimulatedArm(task), task_kinematics(task), by

    def measure(self):
        self.kinematics.update(self.robot.joint_positions, self.robot.joint_velocities)
        return self.kinematics

    def step(self, action):
        velocity = np.asarray(action[:3], np.float64) * SPEED_MPS
        if self._by == 'velocity':
            self.robot.command_velocity(velocity)
        elif self._by == 'joints':
            joints = self.measure().joints_after(velocity * PERIOD_S, PERIOD_S)
            self.robot.command_joints(joints, PERIOD_S)
        else:
            down = np.array(self.kinematics.description.tool.down_quaternion)
            self.robot.command_tool(self.robot.grip_position + velocity * PERIOD_S, down)
        self.robot.advance(PERIOD_SUBSTEPS)
        return self.robot.grip_position


def small(name):
    return task_named(name, 'six_joint')


@pytest.fixture(params=['Reach', 'Push', 'Slide', 'PickAndPlace'])
def task(request):
    """Every task, on the arm that needs no download."""
    return small(request.param)


@pytest.mark.parametrize('arm', ['six_joint', 'franka_panda', 'ufactory_xarm7', 'ur5e_2f85'])
def test_starts_as_training_does(arm, request):
    if arm != 'six_joint':
        request.getfixturevalue('menagerie')
    for name in ('Reach', 'PickAndPlace'):
        task = task_named(name, arm)
        batch, robot = ArmBatch(task, [0]), SimulatedArm(task)
        for seed in (3, 4):
            state = batch.reset(seeds=[seed])
            assert (robot.reset(seed) == state.desired_goal[0]).all()
            assert robot.grip_position == pytest.approx(state.observation[0, :3], abs=1e-9)
            if robot.object_pose is not None:
                assert (robot.object_pose[0] == state.achieved_goal[0]).all()


def test_joints_are_those_that_the_kinematics_read(task):
    follower = Follower(task)
    assert follower.robot.joint_names == follower.kinematics.joint_names
    for action in np.random.default_rng(0).uniform(-0.5, 0.5, (5, 3)):
        follower.step(action)
        measured = follower.measure()
        assert measured.grip_position == pytest.approx(follower.robot.grip_position, abs=1e-9)
    assert np.linalg.norm(measured.grip_velocity) > 0.05


@pytest.mark.parametrize('by', COMMANDS)
def test_a_command_moves_the_tool_as_an_action_does_in_training(by):
    actions = [[0.0, 0.5, 0.0]] * 4 + [[0.0, 0.0, 0.0]] * 3 + [[0.3, -1.0, 0.2]] * 4
    batch, follower = ArmBatch(small('Reach'), [0]), Follower(small('Reach'), by)
    place, there = batch.reset(seeds=[0]).achieved_goal[0], follower.robot.reset(0)
    there = follower.robot.grip_position
    for action in actions:
        after = batch.step([[*action, 0.0]]).achieved_goal[0]
        ours = follower.step(action)
        # A full action along all axes moves it by 36 mm.
        assert ours - there == pytest.approx(after - place, abs=0.0045)
        place, there = after, ours


def test_the_arm_has_inertia_and_moves_as_fast_as_commanded():
    robot = SimulatedArm(small('Reach'))
    start, moved = robot.grip_position, []
    for _ in range(20):
        robot.command_velocity([0.0, 0.4, 0.0])
        robot.advance(5)
        moved.append(robot.grip_position[1] - start[1])
    moved = np.diff([0.0, *moved])
    assert 0.0 < moved[0] < 0.5 * 0.004  # within 10 ms, of which a mocap would make 4 mm
    assert moved[10:] == pytest.approx(np.full(10, 0.004), rel=0.03)


@pytest.mark.parametrize('by', COMMANDS)
def test_stops_and_stays_when_commands_cease(by):
    follower = Follower(small('Reach'), by)
    for _ in range(5):
        follower.step([0.0, 0.5, 0.5])
    assert follower.robot.commanded == (by == 'velocity')  # others were reached in their period
    follower.robot.advance(100)
    assert not follower.robot.commanded
    place = follower.robot.grip_position
    follower.robot.advance(1000)  # gravity is compensated
    assert follower.robot.grip_position == pytest.approx(place, abs=1e-4)


def test_joint_commands_reach_their_position_in_the_given_time():
    follower = Follower(small('Reach'))
    start, way = follower.measure().grip_position, np.array([0.0, 0.1, 0.05])
    follower.robot.command_joints(follower.kinematics.joints_after(way, 1.0), 1.0)
    follower.robot.advance(250)
    assert follower.robot.grip_position - start == pytest.approx(way / 2, abs=0.01)
    follower.robot.advance(300)
    assert follower.robot.grip_position - start == pytest.approx(way, abs=1e-4)


def test_time_passes_alike_in_pieces_of_any_length(task):
    ends = []
    for substeps in (1, 5, 50):
        robot = SimulatedArm(task)
        robot.command_velocity([0.3, -0.2, 0.1])
        for _ in range(100 // substeps):
            robot.advance(substeps)
        ends.append(robot.qpos)
    assert (ends[0] == ends[1]).all()
    assert (ends[0] == ends[2]).all()


def test_nothing_piles_up_while_the_table_is_in_the_way():
    robot = SimulatedArm(small('Push'))
    for _ in range(50):
        robot.command_velocity([0.0, 0.0, -1.0])
        robot.advance(PERIOD_SUBSTEPS)
    pressed = robot.grip_position[2]
    assert pressed == pytest.approx(0.41, abs=0.005)  # fingers reach 1 cm below the tool
    for _ in range(5):
        robot.command_velocity([0.0, 0.0, 0.5])
        robot.advance(PERIOD_SUBSTEPS)
    assert robot.grip_position[2] == pytest.approx(pressed + 0.1, abs=0.02)


def test_the_gripper_follows_commands_unless_the_task_holds_it_closed(task):
    robot = SimulatedArm(task)
    robot.command_gripper([0.02, 0.04])
    robot.advance(500)
    expected = [0.02, 0.04] if task.name == 'PickAndPlace' else [0.0, 0.0]
    assert robot.joint_names[-2:] == ('right_finger', 'left_finger')
    assert robot.joint_positions[-2:] == pytest.approx(expected, abs=0.001)
    if task.name == 'PickAndPlace':  # at +y first: that is the left one
        assert robot.qpos[6:8] == pytest.approx([0.04, 0.02], abs=0.001)


def test_one_joint_of_a_gripper_has_the_unit_and_the_direction_of_its_driver(menagerie):
    robot = SimulatedArm(task_named('PickAndPlace', 'ufactory_xarm7'))
    assert robot.joint_names[-1] == 'drive_joint'
    assert robot.turning.all()
    assert robot.joint_positions[-1] == pytest.approx(0.85)  # closed
    robot.command_gripper([0.0])
    robot.advance(25)
    assert robot.joint_velocities[-1] < -1.0
    robot.advance(200)
    assert robot.joint_positions[-1] == pytest.approx(0.0, abs=0.01)
    assert robot.qpos[7:9] == pytest.approx([0.0425, 0.0425], abs=0.001)


@pytest.mark.parametrize('by', COMMANDS)
def test_a_policy_of_the_fetch_reaches_its_goals(by):
    task, episodes = small('Reach'), 2
    policy = OnnxPolicy.load(MODELS / 'FetchReach' / 'policy.onnx', task, accept_arm=True)
    follower = Follower(task, by)
    for episode in range(episodes):
        goal = follower.robot.reset((1 << 31) + episode)
        for _ in range(task.episode_length):
            k = follower.measure()
            parts = k.grip_position, np.zeros(2), k.grip_velocity * PERIOD_S, np.zeros(2)
            observation = np.concatenate(parts)[None]
            follower.step(policy.act(observation, k.grip_position[None], goal[None])[0])
        assert task.is_success(follower.robot.grip_position, goal), episode
