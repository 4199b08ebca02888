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

import re
import signal
import time
from types import SimpleNamespace

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import PoseStamped, TwistStamped
from her_ros.arms.model import ARM_JOINTS, FINGER_JOINTS
from her_ros.nodes.qos import ROBOT, SCENE, SENSOR
from her_ros.nodes.simulated_robot import SimulatedRobotNode
from her_ros.robot.kinematics import task_kinematics
from her_ros.robot.simulated.delay import Delay
from her_ros.robot.simulated.disturber import RobotDisturber
from her_ros.robot.simulated.robot import start_seed
from her_ros.robot.simulated.robots import simulated_robot
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.disturbances import parse_disturbances
from her_ros.tasks.registry import task_named
from her_ros.wire.topics import (
    GRIPPER,
    GRIPPER_POSE,
    JOINT_STATES,
    OBJECT_POSE,
    TOOL_POSE,
    TRAJECTORY,
    TWIST,
)
import numpy as np
import pytest
from rclpy.time import Time
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

pytestmark = [pytest.mark.nodes, pytest.mark.real_time]
NODE = '/run/simulated_robot'
FETCH_PUSH = task_named('FetchPush')


class Partner:
    """Plays what stands at the other ends of a robot's topics."""

    def __init__(self, graph, task=FETCH_PUSH, namespace='/run', qos=SENSOR):
        self.graph, self.kinematics = graph, task_kinematics(task)
        self.joints, self.objects = [], []
        self._logged_at = {}
        node = graph.node
        node.create_subscription(JointState, f'{namespace}/{JOINT_STATES}', self._on_joints, qos)
        node.create_subscription(PoseStamped, f'{namespace}/{OBJECT_POSE}', self._on_object, qos)
        commands = (
            (TwistStamped, TWIST),
            (JointTrajectory, TRAJECTORY),
            (PoseStamped, TOOL_POSE),
            (Float64MultiArray, GRIPPER),
        )
        self._publishers = {
            kind: node.create_publisher(kind, f'{namespace}/{topic}', ROBOT)
            for kind, topic in commands
        }

    def _on_joints(self, message):
        self.joints.append((time.time(), message))

    def _on_object(self, message):
        self.objects.append((time.time(), message))

    def ready(self):
        """Wait until both ends of all topics know each other."""
        for publisher in self._publishers.values():
            self.graph.until(publisher.get_subscription_count, 'a subscriber of commands')
        self.graph.until(lambda: self.joints, 'joint states')

    def send(self, message):
        self._publishers[type(message)].publish(message)

    def listen(self, seconds):
        """Return the joint states and the object poses that come from now on."""
        firsts = len(self.joints), len(self.objects)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.graph.spin()
        joint, body = firsts
        return self.joints[joint:], self.objects[body:]

    def until_logged_again(self, kind, pause_s=1.1):
        """Wait until the robot may log another line about a topic, which it does once a second."""
        while time.monotonic() < self._logged_at.get(kind, 0.0) + pause_s:
            self.graph.spin()
        self._logged_at[kind] = time.monotonic()

    def grip(self):
        """Position of the gripper by the next message."""
        count = len(self.joints)
        self.graph.until(lambda: len(self.joints) > count, 'joint states')
        message = self.joints[-1][1]
        order = [message.name.index(name) for name in self.kinematics.joint_names]
        self.kinematics.update(
            np.array(message.position)[order], np.array(message.velocity)[order]
        )
        return self.kinematics.grip_position

    def twist(self, *linear, frame='base_link', age_s=0.0):
        message = TwistStamped()
        message.header.frame_id = frame
        message.header.stamp = Time(nanoseconds=time.time_ns() - int(age_s * 1e9)).to_msg()
        velocity = message.twist.linear
        velocity.x, velocity.y, velocity.z = linear
        return message


def trajectory(positions, seconds, names=ARM_JOINTS):
    point = JointTrajectoryPoint(positions=[float(position) for position in positions])
    point.time_from_start = Duration(sec=int(seconds), nanosec=int(seconds % 1 * 1e9))
    return JointTrajectory(joint_names=list(names), points=[JointTrajectoryPoint(), point])


def seconds_of(message):
    return Time.from_msg(message.header.stamp).nanoseconds / 1e9


@pytest.fixture(scope='module')
def robot(shared_graph):
    """Return a robot with a block, and who talks to it."""
    shared_graph.start('simulated_robot', parameters={'task': 'FetchPush', 'seed': 5})
    partner = Partner(shared_graph)
    partner.ready()
    return partner


@pytest.fixture
def fresh(robot):
    """Return the same, at rest at a start."""
    response = robot.graph.call(Trigger, f'{NODE}/reset')
    assert response.success
    robot.listen(0.3)
    return robot


def test_sends_what_a_robot_sends_at_its_rate(fresh):
    joints, poses = fresh.listen(2.0)
    stamps = np.array([seconds_of(message) for _, message in joints])
    assert len(joints) == pytest.approx(200, abs=30)
    assert len(poses) == pytest.approx(len(joints), abs=2)
    assert np.median(np.diff(stamps)) == pytest.approx(0.01, abs=0.002)
    assert {*fresh.kinematics.joint_names, 'head_pan_joint'} <= {*joints[0][1].name}
    assert len(joints[0][1].position) == len(joints[0][1].name) == len(joints[0][1].velocity)
    assert poses[0][1].header.frame_id == 'world'
    orientation = poses[-1][1].pose.orientation
    assert orientation.w == pytest.approx(1.0, abs=0.01)  # flat on the table


def test_follows_twists_as_fast_as_they_say_and_stops_when_they_cease(fresh):
    before = fresh.grip()
    began = time.time()
    while time.time() < began + 0.4:
        fresh.send(fresh.twist(0.0, 0.2, 0.1))
        fresh.graph.spin()
        time.sleep(0.01)
    fresh.listen(0.5)
    place = fresh.grip()
    moved = place - before
    # 0.4 s of commands and 0.1 s until the last is too old, on a machine that may be busy
    assert 0.06 < moved[1] < 0.14
    assert moved[2] / moved[1] == pytest.approx(0.5, abs=0.05)
    fresh.listen(0.5)
    assert fresh.grip() == pytest.approx(place, abs=0.002)
    assert fresh.graph.new_status(NODE)['message'] == 'stopped'


def test_follows_a_trajectory_whose_joints_come_in_any_order(fresh):
    before = fresh.grip()
    wanted = fresh.kinematics.joints_after([0.05, 0.05, 0.1], 1.0, 10.0)
    fresh.send(trajectory(wanted[::-1], 0.5, ARM_JOINTS[::-1]))
    fresh.listen(1.0)
    assert fresh.grip() - before == pytest.approx([0.05, 0.05, 0.1], abs=0.005)


@pytest.mark.parametrize(
    ('make', 'said'),
    [
        # topics take turns, so that none has to wait for its next line
        (lambda p: p.twist(0.0, 0.3, 0.0, frame='camera'), "'camera'"),
        (lambda p: trajectory([0.5] * 7, 0.1, [*ARM_JOINTS[:6], 'elbow']), "'elbow'"),
        (lambda p: Float64MultiArray(data=[0.1]), 'gripper command'),
        (lambda p: p.twist(0.0, float('nan'), 0.3), 'nan'),
        (lambda p: JointTrajectory(joint_names=list(ARM_JOINTS)), 'no point'),
        (lambda p: p.twist(0.0, 0.3, 0.0, age_s=-3600.0), 's in the future'),
    ],
    ids=['frame', 'joint', 'fingers', 'nan', 'empty', 'ahead'],
)
def test_a_bad_command_is_named_in_one_line_and_ignored(fresh, make, said):
    process = fresh.graph._processes[0]
    before, printed, message = fresh.grip(), len(process.lines), make(fresh)
    fresh.until_logged_again(type(message))
    fresh.send(message)
    fresh.graph.until(
        lambda: any(line.endswith('ignored') for line in process.lines[printed:]), 'a line'
    )
    fresh.listen(0.2)
    lines = [line for line in process.lines[printed:] if line.endswith('ignored')]
    assert len(lines) == 1
    assert said in lines[0]
    assert fresh.grip() == pytest.approx(before, abs=0.002)


def test_every_reset_starts_where_training_does_with_a_known_seed(robot):
    batch = FetchBatch(task_named('FetchPush'), [0])
    for _ in range(3):
        response = robot.graph.call(Trigger, f'{NODE}/reset')
        reset, seed = (
            int(each) for each in re.findall(r'start (\d+), seed (\d+)', response.message)[0]
        )
        assert seed == start_seed(5, reset)
        start = batch.reset(seeds=[seed])
        robot.listen(0.1)
        place = robot.objects[-1][1].pose.position
        expected = start.achieved_goal[0]
        assert [place.x, place.y, place.z] == pytest.approx(expected, abs=1e-3)
        told = re.findall(r'\[(.+)\]', response.message)[0].split(',')
        assert [float(value) for value in told] == pytest.approx(expected, abs=1e-6)


def test_who_was_stopped_does_not_run_to_catch_up(fresh):
    process = fresh.graph._processes[0]
    skipped = int(fresh.graph.new_status(NODE)['skipped_ticks'])
    process.popen.send_signal(signal.SIGSTOP)
    fresh.listen(1.0)
    process.popen.send_signal(signal.SIGCONT)
    joints, _ = fresh.listen(0.5)
    assert len(joints) < 80
    assert 'behind the wall clock' in process.output
    assert int(fresh.graph.new_status(NODE)['skipped_ticks']) - skipped > 50


def test_reliable_subscribers_receive_measurements_too(fresh):
    partner = Partner(fresh.graph, qos=ROBOT)
    fresh.graph.until(lambda: partner.joints and partner.objects, 'reliable messages')


def test_a_gripper_that_is_not_held_closed_opens(graph):
    graph.start('simulated_robot', parameters={'task': 'FetchPickAndPlace'})
    partner = Partner(graph, task_named('FetchPickAndPlace'))
    partner.ready()
    partner.send(Float64MultiArray(data=[0.02, 0.04]))
    partner.listen(1.0)
    message = partner.joints[-1][1]
    found = [message.position[message.name.index(name)] for name in FINGER_JOINTS]
    assert found == pytest.approx([0.02, 0.04], abs=0.002)


def test_a_robot_without_object_sends_none_and_says_so(graph):
    graph.start('simulated_robot', parameters={'task': 'FetchReach'})
    partner = Partner(graph, task_named('FetchReach'))
    partner.ready()
    assert 'no object' in graph.call(Trigger, f'{NODE}/reset').message
    assert not partner.listen(0.3)[1]


def test_messages_are_noisy_late_and_lost_as_asked(graph):
    graph.start(
        'simulated_robot',
        parameters={
            'task': 'FetchPush',
            'disturb': 'object_noise_m,gripper_noise_m:2,latency_periods:2.5,lost_share:4',
        },
    )
    partner = Partner(graph)
    partner.ready()
    partner.listen(0.5)
    joints, poses = partner.listen(2.0)
    places = np.array([[m.pose.position.x, m.pose.position.y] for _, m in poses])
    assert places.std(axis=0) == pytest.approx(0.01, rel=0.3)
    pan = [m.position[m.name.index('shoulder_pan_joint')] for _, m in joints]
    # 0.0142 rad of every joint move the gripper by 1 cm.
    assert np.std(pan) == pytest.approx(0.0284, rel=0.3)
    delays = np.array([arrived - seconds_of(m) for arrived, m in joints])
    assert delays.min() > 0.09
    assert np.median(delays) == pytest.approx(0.1, abs=0.03)
    sent = np.median(np.diff([seconds_of(m) for _, m in joints])), len(joints)
    assert sent[0] >= 0.009
    assert sent[1] / 200 == pytest.approx(0.8, abs=0.15)
    for _ in range(200):
        partner.send(partner.twist(0.0, 0.0, 0.0))
        graph.spin(0.0)
        time.sleep(0.002)
    partner.listen(1.1)
    status = graph.new_status(NODE)
    assert int(status['lost_received']) / 200 == pytest.approx(0.2, abs=0.1)
    assert int(status['lost_sent']) > 60
    assert status['drawn_latency_periods'] == '2.5'


def test_a_rate_that_cannot_be_kept_is_refused(graph):
    process = graph.start('simulated_robot', parameters={'rate_hz': 60})
    assert process.ended() == 2
    assert 'rate_hz is 60' in process.lines[-1]


@pytest.fixture(scope='module')
def small_arm(shared_graph):
    """Return a small arm with a block, and who talks to it."""
    shared_graph.start('simulated_robot', '/arm', {'task': 'PickAndPlace', 'arm': 'six_joint'})
    partner = Partner(shared_graph, task_named('PickAndPlace', 'six_joint'), '/arm')
    partner.ready()
    return partner


def test_the_transform_of_the_tool_is_lost_and_late_as_other_measurements_are():
    task, ours = task_named('Push', 'six_joint'), SimpleNamespace()
    topics = ('joint_states', 'object_pose', 'tool_pose')
    vars(ours).update({f'_{topic}': topic for topic in topics})
    ours._robot = simulated_robot(task, 0.1)
    ours._disturber = RobotDisturber(
        task, parse_disturbances(''), ours._robot, np.random.default_rng(0)
    )
    ours._disturber.begin(0)
    ours._tool_transform = SimpleNamespace(publisher='/tf', message=lambda tool, stamp: stamp)
    stamp = Time(nanoseconds=5).to_msg()
    measured = SimulatedRobotNode._measured(ours, stamp)
    assert [topic for topic, _ in measured] == ['object_pose', 'joint_states', 'tool_pose', '/tf']
    assert all(message.header.stamp == stamp for _, message in measured[:3])
    ours._measured, ours._last, ours._delay = lambda _: measured, {}, Delay()
    ours._scene = ours._gripper = None
    ours._counts, ours._config = {'lost_sent': 0}, SimpleNamespace(rate_hz=100)
    ours.get_clock = lambda: SimpleNamespace(now=lambda: Time(nanoseconds=5))
    SimulatedRobotNode._measure(ours)
    assert [topic for topic, _ in ours._delay.taken(time.monotonic())] == [*dict(measured)]
    ours._disturber.loses = lambda: True
    SimulatedRobotNode._measure(ours)
    assert ours._counts == {'lost_sent': 4}


def tool_pose(position, frame='base_link', **quaternion):
    message = PoseStamped()
    message.header.frame_id = frame
    message.header.stamp = Time(nanoseconds=time.time_ns()).to_msg()
    place, turn = message.pose.position, message.pose.orientation
    place.x, place.y, place.z = position
    turn.x, turn.y, turn.z, turn.w = (quaternion.get(each, 0.0) for each in 'xyzw')
    return message


def test_any_arm_takes_twists_trajectories_tool_poses_and_gripper_commands(small_arm):
    names = small_arm.joints[-1][1].name
    assert names == [*(f'joint{n}' for n in range(1, 7)), 'right_finger', 'left_finger']
    small_arm.graph.until(lambda: small_arm.objects, 'poses of the object')
    assert small_arm.objects[-1][1].header.frame_id == 'world'
    start = small_arm.grip()
    small_arm.send(small_arm.twist(0.0, 0.3, 0.0))  # for 0.1 s
    small_arm.send(Float64MultiArray(data=[0.03, 0.02]))
    small_arm.listen(0.6)
    moved = small_arm.grip()
    assert moved - start == pytest.approx([0.0, 0.03, 0.0], abs=0.006)
    assert list(small_arm.joints[-1][1].position[-2:]) == pytest.approx([0.03, 0.02], abs=1e-3)
    in_base = small_arm.kinematics.pose_after([0.02, -0.02, 0.02]).position
    small_arm.send(tool_pose(in_base.tolist(), y=1.0))
    small_arm.listen(0.6)
    assert small_arm.grip() - moved == pytest.approx([0.02, -0.02, 0.02], abs=0.002)
    wanted = small_arm.kinematics.joints_after([-0.05, 0.05, 0.0], 1.0)
    small_arm.send(trajectory(wanted, 0.5, [f'joint{n}' for n in range(1, 7)]))
    small_arm.listen(1.0)
    assert small_arm.grip() - moved == pytest.approx([-0.03, 0.03, 0.02], abs=0.002)


def test_any_arm_is_shown(small_arm):
    shown, node = [], small_arm.graph.node
    node.create_subscription(PoseStamped, f'/arm/{GRIPPER_POSE}', shown.append, SCENE)
    small_arm.graph.until(lambda: shown, 'a pose of the gripper')
    place = shown[-1].pose.position
    assert [place.x, place.y, place.z] == pytest.approx(small_arm.grip(), abs=1e-3)


@pytest.mark.parametrize(
    ('make', 'said'),
    [
        (lambda p: tool_pose([0.5, np.nan, 0.2], x=1.0), 'send 3 finite numbers'),
        (lambda p: trajectory([0.5] * 7, 0.1), r'the arm has .*joint6'),
        (lambda p: p.twist(0.0, 0.3, 0.0, frame='panda_link0'), 'use world or base_link'),
    ],
    ids=['number', 'joints', 'frame'],
)
def test_a_bad_command_to_any_arm_is_one_line(small_arm, make, said):
    process = small_arm.graph._processes[-1]
    before, printed = small_arm.grip(), len(process.lines)
    small_arm.send(make(small_arm))
    small_arm.graph.until(
        lambda: any(line.endswith('ignored') for line in process.lines[printed:]), 'a line'
    )
    (line,) = [line for line in process.lines[printed:] if line.endswith('ignored')]
    assert re.search(said, line)
    assert small_arm.grip() == pytest.approx(before, abs=1e-4)
