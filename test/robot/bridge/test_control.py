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

from functools import partial
from pathlib import Path
import re
import shutil

from her_ros.arms.driver import COMMANDS
from her_ros.arms.placement import placement_of
from her_ros.arms.scene_specs import scene_spec_of
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.config.schema import parameters_of
from her_ros.config.shipped import shipped_folders
from her_ros.episodes.episode import Episode
from her_ros.episodes.splitting import split_rollout
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.robot.bridge.control import RobotControl
from her_ros.robot.bridge.measured_tool import MeasuredTool
from her_ros.robot.bridge.observer import listed
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Pose, task_frames
from her_ros.robot.kinematics import task_kinematics
from her_ros.robot.simulated.robot import SimulatedRobot
from her_ros.runtime.states import RobotState, WaitsFor
from her_ros.tasks.registry import task_named, TASKS
from her_ros.wire.rows import action_dtype, IDENTITY
import mujoco
import numpy as np
import pytest

MODELS = Path(__file__).parents[3] / 'models'
# What happens between two calls of tick, in sensor messages and in physics steps of 2 ms.
MESSAGES, SUBSTEPS = 4, 5


class Loop:
    """Bridge, simulated robot and policy in turn, in simulated time and without ROS."""

    def __init__(self, task, seed=0, **parameters):
        self.task = TASKS[task]
        self.robot = SimulatedRobot(self.task)
        self.drawn_goal = self.robot.reset(seed)
        parameters = RobotBridgeParameters(**parameters)
        frames = task_frames(self.task, parameters)
        self.control = RobotControl(self.task, parameters, frames, session=1)
        self.policy = OnnxPolicy.load(MODELS / task / 'policy.onnx', self.task)
        self.sensing = self.policy_alive = True
        self.now_s = 100.0
        self.rows, self.commands = [], []
        self._sense()

    def _sense(self):
        robot = self.robot
        joints = (robot.joint_names, robot.joint_positions, robot.joint_velocities)
        self.control.observer.take_joints(*joints, self.now_s)
        if robot.object_pose is not None:
            self.control.observer.take_object(Pose(*robot.object_pose), self.now_s)

    def _obey(self, command):
        if command is not None:
            self.commands.append(command)
            self.robot.command_velocity(command.velocity)
            self.robot.command_gripper(command.fingers)

    def _answer(self, rows):
        answers = np.zeros(1, action_dtype(self.task))
        for name in IDENTITY:
            answers[name] = rows[name]
        state = (rows[name] for name in ('observation', 'achieved_goal', 'desired_goal'))
        answers['action'] = self.policy.act(*state)
        return answers

    def period(self):
        tick = self.control.tick(self.now_s)
        self._obey(tick.command)
        if tick.rows is not None:
            self.rows.append(tick.rows)
            if self.policy_alive and not tick.rows['truncated'][0]:
                self._obey(self.control.answer(self._answer(tick.rows), self.now_s))
        for _ in range(MESSAGES):
            self.robot.advance(SUBSTEPS)
            self.now_s += 0.01
            if self.sensing:
                self._sense()
        return tick

    def set_goal(self, goal, stamp_ns=0):
        self.control.set_goal(goal, self.now_s, stamp_ns)

    def periods(self, count):
        for _ in range(count):
            self.period()

    def until_idle(self):
        for _ in range(1000):
            self.period()
            if self.control.waits_for(self.now_s) is WaitsFor.GOAL:
                return
        raise AssertionError(f'still {self.control.state(self.now_s)!r}')

    @property
    def episodes(self):
        starts = [i for i, row in enumerate(self.rows) if row['step'][0] == 0]
        ends = [*starts[1:], len(self.rows)]
        return [Episode(np.concatenate(self.rows[a:b])) for a, b in zip(starts, ends, strict=True)]


@pytest.mark.parametrize('seed', range(3))
def test_a_goal_is_an_episode_that_learning_takes(seed):
    loop = Loop('FetchReach', seed)
    loop.set_goal(loop.drawn_goal)
    loop.until_idle()
    (episode,) = loop.episodes
    episode.check(loop.task)
    assert episode.is_success
    # held for 10 control periods, which ends it
    assert len(episode) < 50
    assert (episode.reward[-10:] == 0).all()
    assert loop.control.unanswered == 0


def test_the_block_goes_where_it_is_wanted_again_and_again():
    loop = Loop('FetchPush', home=True)
    middle = np.array(scene_spec_of(loop.task).start_m)
    wanted = [middle + np.array([x, y, 0.0]) for x, y in ((0.1, 0.1), (-0.1, 0.05), (0.0, -0.1))]
    for goal in wanted:
        loop.set_goal(goal)
        loop.until_idle()
    assert [episode.is_success for episode in loop.episodes] == [True] * 3
    # each began where training begins, or a little beside it where the block stood there
    for episode in loop.episodes:
        assert np.linalg.norm(episode.observation[0, :2] - middle[:2]) < 0.13


def test_without_a_policy_the_robot_stands_still_and_waits():
    loop = Loop('FetchReach')
    loop.policy_alive = False
    loop.set_goal(loop.drawn_goal)
    loop.periods(100)
    assert loop.control.waits_for(loop.now_s) is WaitsFor.FIRST_ACTION
    assert loop.robot.grip_position == pytest.approx(loop.rows[0]['achieved_goal'][0], abs=5e-3)
    assert not any(command.velocity.any() for command in loop.commands)
    loop.policy_alive = True
    loop.until_idle()
    (episode,), _ = split_rollout(loop.rows)
    assert episode.is_success
    assert loop.control.unanswered == 0


def test_a_policy_that_falls_silent_is_followed_by_zero_within_a_period():
    loop = Loop('FetchReach')
    loop.set_goal(loop.drawn_goal)
    loop.periods(4)
    assert loop.commands[-1].velocity.any()
    loop.policy_alive = False
    loop.period()  # the last answer of the policy still holds
    tick = loop.period()
    assert tick.command is not None
    assert not tick.command.velocity.any()


def test_inputs_that_stop_end_the_episode_and_are_named():
    loop = Loop('FetchPush')
    loop.set_goal(loop.drawn_goal)
    loop.periods(5)
    loop.sensing = False
    loop.commands.clear()
    loop.periods(5)
    assert not loop.commands[-1].velocity.any()
    assert not loop.control.episodes.running
    assert loop.control.waits_for(loop.now_s) is WaitsFor.INPUTS
    assert listed(loop.control.missing(loop.now_s)) == 'joint_states and object_pose'
    assert 'nothing on joint_states and object_pose' in loop.control.problem
    # after a while nobody is told anything any more
    loop.periods(20)
    loop.commands.clear()
    loop.periods(5)
    assert not loop.commands
    # and what comes back does not set it going again
    loop.sensing = True
    loop.periods(5)
    assert loop.control.waits_for(loop.now_s) is WaitsFor.GOAL
    loop.control.reset(loop.now_s)
    loop.until_idle()
    assert len(loop.episodes[-1]) > 3
    assert not loop.control.problem


def test_a_new_goal_waits_for_the_end_of_the_episode():
    loop = Loop('FetchReach', success_steps=0)
    loop.set_goal(loop.drawn_goal)
    loop.periods(5)
    other = loop.drawn_goal + np.array([0.0, 0.0, 0.02])
    loop.set_goal(other)
    loop.until_idle()
    first, second = loop.episodes
    assert len(first) == len(second) == 50
    np.testing.assert_array_equal(first.desired_goal, loop.drawn_goal)
    np.testing.assert_array_equal(second.desired_goal, other)


def test_a_goal_on_the_way_home_is_the_one_of_the_episode():
    loop = Loop('FetchReach', home=True, success_steps=0, command_full_action_speed_mps=0.5)
    loop.set_goal(loop.drawn_goal)
    loop.until_idle()
    other = np.array(scene_spec_of(loop.task).start_m) + np.array([0.0, 0.1, 0.0])
    loop.set_goal(loop.drawn_goal)
    loop.periods(2)
    assert loop.control.state(loop.now_s) is RobotState.HOMING
    loop.set_goal(other)
    loop.until_idle()
    assert len(loop.episodes) == 2
    np.testing.assert_array_equal(loop.episodes[1].desired_goal, other)


def test_coming_home_is_no_faster_than_acting_may_be():
    loop = Loop('FetchReach', home=True, success_steps=0, command_full_action_speed_mps=0.1)
    for _ in range(40):
        loop.robot.command_velocity(np.array([0.0, 0.4, 0.0]))
        loop.robot.advance(SUBSTEPS)
        loop.now_s += 0.01
    loop._sense()
    loop.set_goal(loop.drawn_goal)
    loop.periods(10)
    assert loop.control.state(loop.now_s) is RobotState.HOMING
    fastest = max(np.linalg.norm(command.velocity) for command in loop.commands)
    assert 0.05 < fastest <= 0.1 + 1e-9


def test_a_goal_sent_before_the_policy_starts_is_the_goal_of_the_episode():
    loop = Loop('FetchReach', success_steps=0)
    loop.policy_alive = False
    loop.set_goal(loop.drawn_goal)
    loop.periods(5)
    other = loop.drawn_goal + np.array([0.0, 0.0, 0.02])
    loop.set_goal(other)
    loop.policy_alive = True
    loop.until_idle()
    (episode,), _ = split_rollout(loop.rows)
    np.testing.assert_array_equal(episode.desired_goal, other)


def test_what_was_given_up_does_not_begin_again_by_itself():
    loop = Loop('FetchReach', success_steps=0)
    loop.set_goal(loop.drawn_goal)
    loop.periods(5)
    loop.set_goal(loop.drawn_goal + 0.01)
    loop.sensing = False
    loop.periods(5)
    loop.sensing = True
    loop.periods(5)
    assert loop.control.waits_for(loop.now_s) is WaitsFor.GOAL


def test_a_reset_ends_the_episode_and_begins_another():
    loop = Loop('FetchReach', success_steps=0)
    with pytest.raises(RobotError, match='no goal yet'):
        loop.control.reset(loop.now_s)
    loop.set_goal(loop.drawn_goal)
    loop.periods(5)
    loop.control.reset(loop.now_s)
    loop.until_idle()
    first, second = loop.episodes
    assert len(first) == 5
    assert first.rows['truncated'][-1]
    assert len(second) == 50


def test_what_goes_on_can_be_given_up():
    loop = Loop('FetchReach', success_steps=0)
    assert loop.control.halt('stopped', loop.now_s) is None
    loop.set_goal(loop.drawn_goal)
    loop.periods(5)
    assert loop.commands[-1].velocity.any()
    assert not loop.control.halt('stopped', loop.now_s).velocity.any()
    assert loop.control.halt('stopped', loop.now_s) is None
    loop.commands.clear()
    loop.periods(20)
    assert not any(command.velocity.any() for command in loop.commands)


def test_goals_that_cannot_be_are_refused_and_the_old_one_stays():
    loop = Loop('FetchReach')
    loop.set_goal(loop.drawn_goal)
    with pytest.raises(RobotError):
        loop.set_goal(loop.drawn_goal + 1.0)
    np.testing.assert_array_equal(loop.control.goals.last.position, loop.drawn_goal)


def events(loop):
    return [(event.stamp_ns, str(event.state)) for event in loop.control.goals.events()]


def test_a_goal_without_inputs_is_refused_and_nothing_begins_when_they_come():
    loop = Loop('FetchPush')
    loop.sensing = False
    loop.periods(5)
    missing = 'nothing on joint_states and object_pose, so no goal is accepted'
    with pytest.raises(RobotError, match=missing):
        loop.set_goal(loop.drawn_goal)
    loop.sensing = True
    loop.periods(20)
    assert loop.control.waits_for(loop.now_s) is WaitsFor.GOAL
    assert not loop.rows
    loop.set_goal(loop.drawn_goal)
    loop.until_idle()
    loop.sensing = False
    loop.periods(5)
    with pytest.raises(RobotError, match=missing):
        loop.control.reset(loop.now_s)


@pytest.mark.parametrize('recovery', ['latched', 'automatic'])
def test_a_goal_expires_without_a_policy(recovery):
    loop = Loop('FetchReach', timeout_goal_s=2.0, recovery=recovery)
    loop.policy_alive = False
    loop.set_goal(loop.drawn_goal, 5)
    loop.periods(45)
    assert loop.control.waits_for(loop.now_s) is WaitsFor.FIRST_ACTION
    loop.periods(10)
    assert 'the goal expired, the policy was not ready for 2 s' in loop.control.problem
    loop.policy_alive = True
    loop.periods(20)
    assert loop.control.waits_for(loop.now_s) is WaitsFor.GOAL
    assert not any(command.velocity.any() for command in loop.commands)
    assert events(loop) == [(5, 'accepted'), (5, 'acting'), (5, 'given up')]


def crash(loop, node):
    """Let a node be away for 0.8 s in the midst of an episode."""
    if node == 'policy':
        loop.policy_alive = False
        loop.periods(20)
        loop.policy_alive = True
    elif node == 'robot':
        loop.sensing = False
        loop.periods(20)
        loop.sensing = True
    else:
        # Meanwhile the robot stops by itself; on waking up the sensors are heard first.
        loop._obey(loop.control._commands.standing())
        loop.now_s += 0.8
        loop._sense()
        assert loop.control.answer(loop._answer(loop.rows[-1]), loop.now_s) is None


@pytest.mark.parametrize('node', ['policy', 'robot', 'bridge'])
def test_after_a_crash_a_person_decides(node):
    loop = Loop('FetchReach', success_steps=0)
    loop.set_goal(loop.drawn_goal, 5)
    loop.periods(10)
    assert loop.commands[-1].velocity.any()
    crash(loop, node)
    loop.commands.clear()
    loop.periods(50)
    assert loop.control.waits_for(loop.now_s) is WaitsFor.GOAL
    assert not any(command.velocity.any() for command in loop.commands)
    assert 'gave up: ' in loop.control.problem
    assert not any(row['truncated'][0] for row in loop.rows)
    assert events(loop)[-1] == (5, 'given up')
    loop.control.reset(loop.now_s)
    loop.until_idle()
    assert loop.rows[-1]['truncated'][0]
    assert not loop.control.problem


@pytest.mark.parametrize('node', ['policy', 'robot', 'bridge'])
def test_a_parameter_lets_it_go_on_after_a_crash(node):
    loop = Loop('FetchReach', success_steps=0, recovery='automatic')
    loop.set_goal(loop.drawn_goal, 5)
    loop.periods(10)
    crash(loop, node)
    loop.until_idle()
    assert {int(row['episode'][0]) for row in loop.rows} == {1, 2}
    assert loop.rows[-1]['truncated'][0]
    assert [state for _, state in events(loop)] == [
        'accepted', 'acting', 'accepted', 'acting', 'reached',
    ]  # fmt: skip


def test_what_does_not_come_back_in_time_does_not_begin_again():
    loop = Loop('FetchReach', success_steps=0, recovery='automatic', timeout_goal_s=1.0)
    loop.set_goal(loop.drawn_goal)
    loop.periods(10)
    loop.sensing = False
    loop.periods(40)
    loop.sensing = True
    loop.commands.clear()
    loop.periods(20)
    assert loop.control.waits_for(loop.now_s) is WaitsFor.GOAL
    assert not any(command.velocity.any() for command in loop.commands)
    assert 'the goal expired, the robot was not ready for 1 s' in loop.control.problem


def test_every_sender_gets_the_result_of_its_goal():
    loop = Loop('FetchReach', success_steps=0)
    loop.policy_alive = False
    loop.set_goal(loop.drawn_goal, 1)
    loop.periods(2)
    loop.set_goal(loop.drawn_goal, 2)  # before the episode of the first has begun
    loop.policy_alive = True
    loop.periods(5)
    loop.set_goal(loop.drawn_goal + 0.01, 3)
    loop.set_goal(loop.drawn_goal + 0.02, 4)
    assert events(loop) == [
        (1, 'accepted'), (1, 'acting'), (2, 'accepted'), (1, 'given up'), (2, 'acting'),
        (3, 'accepted'), (3, 'given up'), (4, 'accepted'),
    ]  # fmt: skip
    loop.until_idle()
    assert events(loop) == [(2, 'reached'), (4, 'acting'), (4, 'reached')]
    loop.set_goal(2 * np.array(scene_spec_of(loop.task).start_m) - loop.drawn_goal, 5)
    loop.periods(2)
    loop.control.reset(loop.now_s)  # one move is not enough to get there
    loop.until_idle()
    assert events(loop)[1:] == [(5, 'acting'), (5, 'missed'), (5, 'acting'), (5, 'reached')]


def end_by_success(loop):
    loop.until_idle()


def end_by_steps(loop):
    loop.policy.act = lambda *_: np.full((1, 4), 0.2, np.float32)
    loop.periods(60)


def end_by_reset_without_policy(loop):
    loop.control.reset(loop.now_s)
    loop.policy_alive = False
    loop.periods(20)


def end_by_stop(loop):
    loop._obey(loop.control.halt('stopped', loop.now_s))
    loop.periods(20)


def end_on_the_way_home(loop):
    loop.until_idle()
    loop.set_goal(loop.drawn_goal)
    loop.periods(3)
    assert loop.control.state(loop.now_s) is RobotState.HOMING
    assert loop.commands[-1].velocity.any()
    crash(loop, 'robot')


def end_by_homing_that_fails(loop):
    loop.until_idle()
    loop.set_goal(loop.drawn_goal)
    loop.periods(3)
    loop.control._homing._began_at -= 60.0
    loop.periods(3)
    assert 'the gripper did not reach' in loop.control.problem


@pytest.mark.parametrize(
    'end',
    [
        end_by_success,
        end_by_steps,
        end_by_reset_without_policy,
        end_by_stop,
        end_on_the_way_home,
        end_by_homing_that_fails,
        *(partial(crash, node=node) for node in ('policy', 'robot', 'bridge')),
    ],
)
def test_the_last_command_is_zero_however_an_episode_ends(end):
    loop = Loop('FetchReach', home=True, command_full_action_speed_mps=0.5)
    loop.set_goal(loop.drawn_goal)
    for _ in range(200):
        loop.period()
        if len(loop.rows) > 4:
            break
    assert loop.commands[-1].velocity.any()
    end(loop)
    loop.periods(40)
    # Again and again for half a second, as one may get lost; then nothing.
    assert not any(command.velocity.any() for command in loop.commands[-5:])
    loop.commands.clear()
    loop.periods(5)
    if loop.control.waits_for(loop.now_s) is WaitsFor.GOAL:
        assert not loop.commands


class ArmLoop:
    """Bridge, an arm that does at once what it is told, and a policy that goes to the goal."""

    def __init__(self, task, by, **parameters):
        self.task, self._by = task, by
        parameters = RobotBridgeParameters(success_steps=0, **parameters)
        self.control = RobotControl(task, parameters, task_frames(task, parameters), session=1)
        self.arm = task_kinematics(task)
        self.names = self.arm.joint_names
        self.joints, self.now_s, self.rows, self.path = self.arm.positions, 100.0, [], []
        self._sense(np.zeros(len(self.joints)))

    def _sense(self, speeds):
        if isinstance(self.control.kinematics, MeasuredTool):
            self.arm.update(self.joints, speeds)
            quaternion = np.empty(4)
            mujoco.mju_mat2Quat(quaternion, self.arm.grip_rotation.ravel())
            pose = Pose(self.arm.grip_position, quaternion)
            self.control.observer.take_tool(pose, self.now_s)
        else:
            self.control.observer.take_joints(self.names, self.joints, speeds, self.now_s)

    def _obey(self, command):
        arm, count = self.arm, len(self.arm.arm_joints)
        arm.update(self.joints, np.zeros(len(self.joints)))
        way = command.velocity * 0.04
        if self._by == 'tool_pose':  # the driver's own kinematics lead there
            there = self.control.kinematics.pose_after(way)
            way = there.position - (arm.pose_after(np.zeros(3)).position)
        before, self.joints = self.joints, self.joints.copy()
        self.joints[:count] = arm.joints_after(way, 0.04)
        self.joints[count:] = arm.gripper_joints(command.fingers)
        return (self.joints - before) / 0.04

    def period(self):
        tick = self.control.tick(self.now_s)
        command = tick.command
        if tick.rows is not None:
            self.rows.append(tick.rows)
            if not tick.rows['truncated'][0]:
                answers = np.zeros(1, action_dtype(self.task))
                for name in IDENTITY:
                    answers[name] = tick.rows[name]
                way = tick.rows['desired_goal'] - tick.rows['achieved_goal']
                answers['action'][:, :3] = np.clip(way / 0.0332, -1, 1)
                command = self.control.answer(answers, self.now_s)
        speeds = self._obey(command) if command is not None else np.zeros(len(self.joints))
        self.now_s += 0.04
        self._sense(speeds)
        self.path.append(self.arm.grip_position)


@pytest.mark.parametrize(
    ('by', 'source'),
    [
        ('trajectory', 'joint_states'),
        ('tool_pose', 'joint_states'),
        ('tool_pose', 'current_pose'),
    ],
)
def test_another_arm_reaches_a_goal(by, source):
    loop = ArmLoop(task_named('Reach', 'six_joint'), by, tool_source=source)
    goal = placement_of(loop.task).start_m + np.array([0.1, -0.1, 0.1])
    loop.control.set_goal(goal, loop.now_s)
    for _ in range(60):
        loop.period()
    episode = Episode(np.concatenate(loop.rows[:51]))
    episode.check(loop.task)
    assert episode.is_success
    assert np.linalg.norm(episode.achieved_goal[-1] - goal) < 0.01


@pytest.mark.parametrize(
    ('output', 'source'),
    [
        ('twist', 'joint_states'),
        ('joint_trajectory', 'joint_states'),
        ('tool_pose', 'joint_states'),
        ('tool_pose', 'current_pose'),
    ],
)
def test_a_tilted_arm_stands_still_while_there_is_no_answer(output, source):
    loop = ArmLoop(
        task_named('Reach', 'six_joint'), output, tool_source=source, command_output=output
    )
    loop.joints = loop.joints + np.array([0.2, 0.0, 0.0, 0.0, 0.15, 0.0, 0.0, 0.0])
    still = np.zeros(len(loop.joints))
    loop.now_s += 0.04
    loop._sense(still)
    loop.arm.update(loop.joints, still)
    loop.control.set_goal(placement_of(loop.task).start_m, loop.now_s)
    commands = [loop.control.tick(loop.now_s).command, loop.control.halt('test', loop.now_s)]
    arm = loop.control.kinematics
    for command in commands:
        assert not command.velocity.any()
        way = command.velocity * 0.04
        pose = arm.pose_after(way)
        rotation = loop.arm._base.rotation @ pose.rotation
        assert rotation == pytest.approx(loop.arm.grip_rotation, abs=1e-9)
        if output == 'joint_trajectory':
            np.testing.assert_array_equal(arm.joints_after(way, 0.04), loop.joints[:6])


def test_another_arm_stays_in_its_workspace():
    loop = ArmLoop(task_named('Reach', 'six_joint'), 'trajectory')
    placement = placement_of(loop.task)
    high = placement.base_m + placement.description.workspace.high
    loop.control.set_goal(placement.start_m + np.array([0.19, 0.0, 0.0]), loop.now_s)
    loop.control.goals.waiting.position[0] += 0.3  # beyond the workspace
    for _ in range(40):
        loop.period()
    farthest = max(point[0] for point in loop.path)
    assert farthest == pytest.approx(high[0], abs=2e-3)


def test_a_command_that_the_driver_does_not_take_is_one_line(tmp_path):
    folder = shipped_folders()[0] / 'config' / 'arms'
    shutil.copy(folder / 'six_joint.xml', tmp_path)
    text = (folder / 'six_joint.yaml').read_text()
    path = tmp_path / 'mine.yaml'
    path.write_text(re.sub('commands: .*', 'commands: [joint_trajectory]', text))
    task = task_named('Reach', str(path))
    assert ArmLoop(task, 'trajectory').control.output == 'joint_trajectory'
    with pytest.raises(RobotError, match="'twist', which the driver of arm 'mine' does not take"):
        ArmLoop(task, 'trajectory', command_output='twist')


def test_trajectories_need_joints(tmp_path):
    folder = shipped_folders()[0] / 'config' / 'arms'
    text = (folder / 'six_joint.yaml').read_text()
    path = tmp_path / 'mine.yaml'  # whose model is not here
    path.write_text(text)
    task, by_pose = task_named('Reach', str(path)), {'tool_source': 'current_pose'}

    def output(**parameters):
        p = RobotBridgeParameters(**by_pose, **parameters)
        return RobotControl(task, p, task_frames(task, p), session=1).output

    assert output() == 'twist'  # the first of the others
    assert output(command_output='tool_pose') == 'tool_pose'
    said = "tool_source is current_pose, and trajectories need the joints of arm 'mine'; set "
    with pytest.raises(RobotError, match=f'^{said}command.output to twist or tool_pose, or'):
        output(command_output='joint_trajectory')
    path.write_text(re.sub('commands: .*', 'commands: [joint_trajectory]', text))
    with pytest.raises(RobotError, match=f'^{said}command.output to another command of its'):
        output()


def test_commands_are_those_that_the_driver_prefers_unless_the_parameters_say_otherwise():
    def output(task, **parameters):
        return ArmLoop(task, 'twist', **parameters).control.output

    six_joint = task_named('Reach', 'six_joint')
    assert output(task_named('FetchReach')) == 'twist'
    assert output(six_joint) == 'joint_trajectory'
    for command in COMMANDS:
        assert output(six_joint, command_output=command) == command


def test_parameter_and_descriptions_have_the_same_names_of_commands():
    assert parameters_of(RobotBridgeParameters)['command.output'].choices == ('', *COMMANDS)
