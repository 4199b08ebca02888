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

from her_ros.arms.model import load_model, MJCF_PREFIX
from her_ros.arms.placement import placement_of
from her_ros.robot.bridge.measured_tool import MeasuredTool
from her_ros.robot.bridge.observer import MissingInput, Observer
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Pose
from her_ros.robot.kinematics import task_kinematics
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.registry import task_named, TASKS
import numpy as np
import pytest

MORE = ('head_pan_joint', 'something_else')
PERIOD_S = 0.04


class Source:
    """A simulation of the training, shown as a robot would show it."""

    def __init__(self, task):
        self.task = TASKS[task]
        self.batch = FetchBatch(self.task, [3])
        self.state = self.batch.reset()
        self.model = load_model(self.task)
        self.kinematics = task_kinematics(self.task)
        self.observer = Observer(self.task, self.kinematics, velocity_window_s=0.02)
        self.steps = 0

    def joints(self, names):
        """Positions and velocities by name; of what the robot does not have, nonsense."""
        found = []
        for name in names:
            if name == 'something_else':
                found.append((np.nan, np.nan))
                continue
            joint = self.model.mujoco_model.joint(MJCF_PREFIX + name)
            place = joint.qposadr[0], joint.dofadr[0]
            found.append(
                tuple(
                    self.batch._state[k][0, i]
                    for k, i in zip(('qpos', 'qvel'), place, strict=True)
                )
            )
        return np.array(found).T

    def show(self, names=None, velocity=True):
        names = [*self.kinematics.joint_names[::-1], *MORE] if names is None else names
        now_s = PERIOD_S * self.steps
        positions, velocities = self.joints(names)
        self.observer.take_joints(names, positions, velocities if velocity else [], now_s)
        if self.model.object is not None:
            at = self.model.object_qpos
            pose = self.batch._state['qpos'][0, at:][:7]
            self.observer.take_object(Pose(pose[:3].copy(), pose[3:].copy()), now_s)

    def step(self, action):
        self.state = self.batch.step(np.array([action], np.float32))
        self.steps += 1

    def fields(self, observation):
        ends = np.cumsum([size for _, size in self.task.observation_fields])[:-1]
        names = [name for name, _ in self.task.observation_fields]
        return dict(zip(names, np.split(observation[0], ends), strict=True))


#: what a pose does not tell, but only several of them; and fingers that give way while held closed
ELSEWHERE = ('object_velocity_from_gripper', 'object_angular_velocity', 'finger_velocities')


@pytest.mark.parametrize('task', ['FetchReach', 'FetchPush', 'FetchSlide'])
def test_the_policy_sees_what_it_saw_in_training(task):
    source, generator = Source(task), np.random.default_rng(0)
    for _ in range(50):
        source.step(generator.uniform(-1, 1, 4))
        source.show()
        found = source.observer.observe(0.0)
        seen = source.fields(source.state.observation)
        for name, values in source.fields(found.observation).items():
            if name not in ELSEWHERE:
                # the scene's base sinks by 0.3 micrometres a second, which no joint tells
                np.testing.assert_allclose(values, seen[name], rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(found.achieved_goal, source.state.achieved_goal, atol=1e-6)


def test_fingers_that_are_held_closed_are_shown_closed_and_others_as_they_are():
    for task, shown in (('FetchPush', 0.0), ('FetchPickAndPlace', 0.03)):
        source = Source(task)
        names = source.kinematics.joint_names
        positions, velocities = source.joints(names)
        positions[-2:] = velocities[-2:] = 0.03
        source.show()
        source.observer.take_joints(names, positions, velocities, 0.1)
        found = source.fields(source.observer.observe(0.1).observation)
        np.testing.assert_allclose(found['finger_positions'], shown)
        np.testing.assert_allclose(found['finger_velocities'], shown * PERIOD_S)


def test_velocity_of_the_object_is_estimated_from_its_positions():
    """Push the block evenly: between two poses its velocity changes little."""
    source = Source('FetchPush')
    block = source.fields(source.state.observation)['object_position']
    way = block - source.state.observation[0, :3]
    errors, moving = [], 0
    for _ in range(25):
        source.step([*(way[:2] / np.linalg.norm(way[:2])), -0.2, 0.0])
        source.show()
        found = source.fields(source.observer.observe(0.0).observation)
        seen = source.fields(source.state.observation)
        speeds = [
            each['object_velocity_from_gripper'] + each['gripper_velocity']
            for each in (found, seen)
        ]
        moving += np.linalg.norm(speeds[1]) > 0.005
        errors.append(np.linalg.norm(speeds[0] - speeds[1]))
    assert moving >= 5
    # metres per control period; the block is pushed by 0.03 in one
    assert np.median(errors) < 0.003


def test_velocities_that_nobody_measured_are_how_far_the_joints_came():
    source = Source('FetchReach')
    for _ in range(4):
        before = source.state.achieved_goal[0]
        source.step([0.5, -0.2, 0.3, 0.0])
        source.show(velocity=False)
    found = source.fields(source.observer.observe(0.0).observation)['gripper_velocity']
    moved = source.state.achieved_goal[0] - before
    assert np.linalg.norm(moved) > 0.015
    # but for the bend of the way within one control period
    np.testing.assert_allclose(found, moved, atol=1e-3)


def test_inputs_that_are_missing_or_late_are_named():
    source = Source('FetchPush')
    observer = source.observer
    assert observer.missing(0.0, 0.1) == [
        MissingInput('joint_states'),
        MissingInput('object_pose'),
    ]
    source.show()
    assert observer.missing(0.1, 0.1) == []
    names = source.kinematics.joint_names
    observer.take_joints(names, *source.joints(names), 0.1)
    assert observer.missing(0.15, 0.1) == [MissingInput('object_pose')]
    assert Source('FetchReach').observer.missing(0.0, 0.1) == [MissingInput('joint_states')]


def test_a_late_object_pose_makes_a_newer_one_no_older():
    source = Source('FetchPush')
    source.show()
    pose = Pose.of('', source.state.achieved_goal[0])
    source.observer.take_object(pose, 1.0)
    source.observer.take_object(pose, 0.5)
    assert source.observer.missing(1.05, 0.1) == [MissingInput('joint_states')]


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda n, p, v: (n, p[1:], v), '10 names but 9 values of position'),
        (lambda n, p, v: (n, p, v[1:]), '10 names but 9 values of velocity'),
        (lambda n, p, v: (n, p * np.nan, v), 'position of torso_lift_joint is nan'),
        (lambda n, p, v: (n, p, v + np.inf), 'velocity of torso_lift_joint is inf'),
    ],
)
def test_joint_states_that_do_not_fit_are_refused_and_change_nothing(change, said):
    source = Source('FetchReach')
    source.show()
    before = source.observer.observe(0.0).observation
    names = [source.kinematics.joint_names[-2], *source.kinematics.joint_names[:-2]]
    names.append(source.kinematics.joint_names[-1])
    with pytest.raises(RobotError, match=said):
        source.observer.take_joints(*change(names, *source.joints(names)), 1.0)
    np.testing.assert_array_equal(source.observer.observe(0.0).observation, before)


def test_an_episode_begins_with_an_object_at_rest():
    source = Source('FetchPush')
    pose = Pose.of('', source.state.achieved_goal[0])
    for step in range(3):
        source.observer.take_object(Pose.of('', pose.position + 0.01 * step), 0.04 * step)
    source.show()
    source.observer.begin()
    found = source.fields(source.observer.observe(0.08).observation)
    velocity = found['object_velocity_from_gripper'] + found['gripper_velocity']
    np.testing.assert_allclose(velocity, 0.0, atol=1e-12)


def test_a_source_that_sends_the_same_measurement_again_is_late():
    source = Source('FetchPush')
    names = source.kinematics.joint_names
    for step in range(10):
        now_s = 0.04 * step
        source.observer.take_joints(names, *source.joints(names), now_s)
        source.observer.take_object(Pose.of('', source.state.achieved_goal[0]), 0.0)
    assert source.observer.missing(now_s, 0.1) == [MissingInput('object_pose')]


def test_velocities_of_nan_are_derived_as_those_that_nobody_sent():
    found = []
    for velocity in ('none', 'nan'):
        source = Source('FetchReach')
        names = source.kinematics.joint_names
        for step in range(4):
            source.step([0.5, -0.2, 0.3, 0.0])
            positions, speeds = source.joints(names)
            sent = [] if velocity == 'none' else speeds * np.nan
            source.observer.take_joints(names, positions, sent, 0.04 * step)
        found.append(source.observer.observe(0.12).observation)
    np.testing.assert_array_equal(*found)
    assert np.abs(found[0][0, 5:8]).max() > 0.005


def by_pose(name):
    """Return the observer of a task on a small arm whose driver publishes the pose of the tool."""
    task = task_named(name, 'six_joint')
    placement = placement_of(task)
    base = Pose.of('base', placement.base_m)
    tool = MeasuredTool(placement.description, base, 'current_pose', velocity_window_s=0.03)
    return task, Observer(task, tool, velocity_window_s=0.03)


def test_a_pose_of_the_tool_takes_the_place_of_the_joints():
    task, observer = by_pose('Push')
    assert observer.missing(1.0, 0.1) == [
        MissingInput('current_pose'),
        MissingInput('object_pose'),
    ]
    start, velocity = placement_of(task).start_m, np.array([0.2, -0.1, 0.3])
    for step in range(5):
        now_s = 1.0 + 0.01 * step
        assert observer.take_tool(Pose.of('', start + 0.01 * step * velocity), now_s)
        observer.take_object(Pose.of('', start), now_s)
    assert not observer.take_tool(Pose.of('', start), 1.0)  # older than the last
    assert observer.missing(now_s, 0.1) == []
    found = observer.observe(now_s)
    grip = start + 0.04 * velocity
    assert found.observation[0, :3] == pytest.approx(grip, abs=1e-6)
    assert found.observation[0, 20:23] == pytest.approx(velocity * PERIOD_S, abs=1e-6)
    assert observer.missing(now_s + 0.2, 0.1) == [
        MissingInput('current_pose'),
        MissingInput('object_pose'),
    ]


def test_a_task_that_opens_the_gripper_needs_its_joints_as_well():
    _, observer = by_pose('PickAndPlace')
    for topic in ('current_pose', 'joint_states', 'object_pose'):
        assert MissingInput(topic) in observer.missing(1.0, 0.1)
    observer.take_tool(Pose.of('', (1.3, 0.7, 0.5)), 1.0)
    observer.take_object(Pose.of('', (1.3, 0.8, 0.42)), 1.0)
    names = ('joint1', 'left_finger', 'right_finger')
    assert not observer.take_joints(names, [2.0, 0.03, 0.02], [], 1.0)  # begins no period
    assert observer.missing(1.0, 0.1) == []
    assert sorted(observer.observe(1.0).observation[0, 9:11]) == pytest.approx([0.02, 0.03])
