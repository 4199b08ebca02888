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

from her_ros.bags.reader import read_bag
from her_ros.robot.simulated.robot import SimulatedRobot
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
START_NS = 1_700_000_000 * 10**9
SPEED_MPS = 0.83


def header(time_s, frame='world'):
    stamp_ns = START_NS + round(time_s * 1e9)
    stamp = TYPES['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10**9))
    return TYPES['std_msgs/msg/Header'](stamp, frame)


def vector(values, kind='Vector3'):
    return TYPES[f'geometry_msgs/msg/{kind}'](*map(float, values))


class Recording:
    """A robot that somebody steers to goals, and the recorder beside it."""

    def __init__(self, path, task='FetchReach', prefix='/', plugin=StoragePlugin.MCAP):
        self.task = TASKS[task]
        self.robot = SimulatedRobot(self.task)
        self.robot.reset(0)
        self.time_s, self.told = 0.0, []
        self._prefix, self._connections = prefix, {}
        self._writer = Writer(path, version=9, storage_plugin=plugin)
        self._writer.open()

    def close(self):
        self._writer.close()

    def write(self, topic, kind, message):
        key = self._prefix + topic
        if key not in self._connections:
            self._connections[key] = self._writer.add_connection(key, kind, typestore=STORE)
        content = STORE.serialize_cdr(message, kind)
        self._writer.write(self._connections[key], START_NS + round(self.time_s * 1e9), content)

    def goal(self, position, frame='world'):
        point = vector(position, 'Point')
        kind = 'geometry_msgs/msg/PointStamped'
        self.write('goal', kind, TYPES[kind](header(self.time_s, frame), point))

    def tell(self, velocity):
        kind = 'geometry_msgs/msg/TwistStamped'
        twist = TYPES['geometry_msgs/msg/Twist'](vector(velocity), vector((0, 0, 0)))
        self.write(
            'servo_node/delta_twist_cmds',
            kind,
            TYPES[kind](header(self.time_s, 'base_link'), twist),
        )

    def measure(self):
        robot, kind = self.robot, 'sensor_msgs/msg/JointState'
        joints = (robot.joint_positions, robot.joint_velocities, np.zeros(0))
        self.write(
            'joint_states', kind, TYPES[kind](header(self.time_s), [*robot.joint_names], *joints)
        )
        if robot.object_pose is not None:
            position, (w, x, y, z) = robot.object_pose
            turn = TYPES['geometry_msgs/msg/Quaternion'](x, y, z, w)
            pose = TYPES['geometry_msgs/msg/Pose'](vector(position, 'Point'), turn)
            kind = 'geometry_msgs/msg/PoseStamped'
            self.write('object_pose', kind, TYPES[kind](header(self.time_s), pose))

    def steer(self, goal, seconds, tells=True, gain=4.0):
        """Move towards a goal, commanded 25 times a second, measured 100 times."""
        for _ in range(round(seconds / 0.04)):
            way = np.asarray(goal) - self.robot.grip_position
            velocity = np.clip(gain * way, -0.6, 0.6)
            velocity[np.abs(velocity) < 0.01] = 0.0
            self.robot.command_velocity(velocity)
            if tells:
                self.told.append((self.time_s, velocity))
                self.tell(velocity)
            for _ in range(4):
                self.robot.advance(5)
                self.time_s += 0.01
                self.measure()

    def wait(self, seconds):
        self.steer(self.robot.grip_position, seconds, gain=0.0)


def converted(her_ros, path, out, *arguments, task='FetchReach'):
    ended = her_ros('bags', 'convert', path, '--task', task, '--out', out, *arguments)
    assert ended.status == 0, ended.errors
    return ended, [read_bag(bag, TASKS[task]).episodes[0] for bag in sorted(out.glob('*.mcap'))]


@pytest.mark.parametrize('plugin', list(StoragePlugin))
def test_every_goal_becomes_an_episode_that_verifies(her_ros, tmp_path, plugin):
    recording = Recording(tmp_path / 'demos', plugin=plugin)
    start = recording.robot.grip_position
    goals = [start + np.array(way) for way in ((0.1, 0.1, 0.1), (-0.1, 0.0, 0.05))]
    recording.wait(0.5)
    for goal in goals:
        recording.goal(goal)
        recording.wait(1.0)  # the operator takes hold
        recording.steer(goal, 3.0)
    recording.close()
    ended, episodes = converted(her_ros, tmp_path / 'demos', tmp_path / 'out')
    assert '2 episodes, 2 of them reached their goal; 0 goals without one' in ended.output
    for goal, episode in zip(goals, episodes, strict=True):
        np.testing.assert_allclose(episode.desired_goal, goal)
        assert episode.is_success
        # it begins at most a control period before the motion, and ends with the goal held
        assert np.linalg.norm(episode.achieved_goal[1] - episode.achieved_goal[0]) > 0
        assert (episode.reward[-10:] == 0).all()
    np.testing.assert_allclose(episodes[0].achieved_goal[0], start, atol=1e-3)
    assert her_ros('bags', 'verify', tmp_path / 'out').status == 0


@pytest.mark.parametrize('tells', [True, False])
def test_actions_are_commands_or_measured_motion_of_the_arm(her_ros, tmp_path, tells):
    recording = Recording(tmp_path / 'demos')
    goal = recording.robot.grip_position + np.array([0.1, -0.1, 0.08])
    recording.goal(goal)
    recording.steer(goal, 2.0, tells=tells)
    recording.close()
    _, (episode,) = converted(her_ros, tmp_path / 'demos', tmp_path / 'out')
    speeds = episode.action[:, :3] * SPEED_MPS
    moved = np.diff(episode.achieved_goal, axis=0) / 0.04
    if tells:
        told = np.array([velocity for _, velocity in recording.told])
        # periods begin with a measurement, so they hold parts of two commands
        for speed in speeds[2:8]:
            assert np.abs(told - speed).max(axis=1).min() < 0.06
    else:
        np.testing.assert_allclose(speeds, moved, atol=1e-6)
    # either way the gripper goes where the action points
    fast = np.linalg.norm(moved, axis=1) > 0.1
    assert fast.sum() >= 5
    cosine = (speeds[fast] * moved[fast]).sum(1) / (
        np.linalg.norm(speeds[fast], axis=1) * np.linalg.norm(moved[fast], axis=1)
    )
    assert cosine.min() > 0.9


def test_objects_other_names_and_frames(her_ros, tmp_path):
    recording = Recording(tmp_path / 'demos', 'FetchPush', prefix='/left/')
    block = recording.robot.object_pose[0]
    way = block - recording.robot.grip_position
    way = np.array([*(way[:2] / np.linalg.norm(way[:2])), 0.0])
    goal = np.array([*(block + 0.05 * way)[:2], 0.4])
    recording.goal(goal - [0.6919, 0.7441, 0.0], frame='base_link')
    recording.steer(block, 2.0)
    recording.goal(goal, frame='camera')
    recording.close()
    topic = ('--topic', 'goal=/left/goal')
    ended, (episode,) = converted(
        her_ros, tmp_path / 'demos', tmp_path / 'out', *topic, task='FetchPush'
    )
    assert "left out: goal: frame 'camera'" in ended.output
    np.testing.assert_allclose(episode.desired_goal[:2], goal[:2], atol=1e-9)
    np.testing.assert_allclose(episode.achieved_goal[0], block, atol=1e-3)
    assert np.linalg.norm(episode.achieved_goal[-1] - block) > 0.015


def test_the_end_of_a_recording_ends_its_episode_and_leaves_a_goal_without_one(her_ros, tmp_path):
    recording = Recording(tmp_path / 'demos')
    goal = recording.robot.grip_position + np.array([0.15, 0.1, 0.0])
    recording.goal(goal)
    recording.steer(goal, 0.4, gain=1.0)
    recording.close()
    ended, (episode,) = converted(her_ros, tmp_path / 'demos', tmp_path / 'out')
    assert '1 episodes, 0 of them reached their goal; 0 goals without one' in ended.output
    assert 8 <= len(episode) <= 10  # of 10 control periods
    assert her_ros('bags', 'verify', tmp_path / 'out').status == 0

    recording = Recording(tmp_path / 'more')
    recording.goal(goal)
    recording.steer(goal, 3.0)
    recording.goal(goal - 0.05)
    recording.wait(0.5)
    recording.close()
    ended, _ = converted(her_ros, tmp_path / 'more', tmp_path / 'others')
    assert '1 episodes, 1 of them reached their goal; 1 goals without one' in ended.output


def test_two_robots_in_one_bag_are_distinguished_by_the_user(her_ros, tmp_path):
    recording = Recording(tmp_path / 'demos', prefix='/left/')
    goal = recording.robot.grip_position + np.array([0.1, 0.0, 0.0])
    recording.goal(goal)
    recording.steer(goal, 2.0)
    recording._prefix = '/right/'
    recording.measure()
    recording.close()
    arguments = ('bags', 'convert', tmp_path / 'demos', '--task', 'FetchReach', '--out')
    ended = her_ros(*arguments, tmp_path / 'out')
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert 'joint_states is on /left/joint_states and on /right/joint_states' in line
    named = ('--topic', 'joint_states=/left/joint_states')
    _, episodes = converted(her_ros, tmp_path / 'demos', tmp_path / 'again', *named)
    assert len(episodes) == 1


def test_what_is_no_message_is_left_out_and_named(her_ros, tmp_path):
    recording = Recording(tmp_path / 'demos')
    goal = recording.robot.grip_position + np.array([0.1, 0.0, 0.0])
    recording.goal(goal)
    recording.steer(goal, 2.0)
    twists = recording._connections['/servo_node/delta_twist_cmds']
    recording._writer.write(twists, START_NS, b'\0\1\0\0\7')
    recording.close()
    ended, episodes = converted(her_ros, tmp_path / 'demos', tmp_path / 'out')
    assert len(episodes) == 1
    assert 'left out: twist: not a geometry_msgs/msg/TwistStamped' in ended.output


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['--topic', 'block=/b'], "'block=/b' names no topic; write NAME=/TOPIC"),
        (['--topic', 'goal=b'], "'goal=b' names no topic; write NAME=/TOPIC"),
        (['--topic', 'goal=/elsewhere'], 'publish one before each attempt'),
        (['--topic', 'joint_states=/elsewhere'], 'by --topic joint_states=/TOPIC'),
        (['--set', 'robot_bridge.speed=1'], "['speed']"),
    ],
)
def test_what_does_not_fit_is_one_line(her_ros, tmp_path, arguments, said):
    recording = Recording(tmp_path / 'demos')
    recording.goal(recording.robot.grip_position)
    recording.wait(0.2)
    recording.close()
    ended = her_ros(
        'bags', 'convert', tmp_path / 'demos', '--task', 'FetchReach', '--out', tmp_path / 'out',
        *arguments,
    )  # fmt: skip
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert said in line
    assert not list((tmp_path / 'out').glob('*'))


class Offset(Recording):
    """Stamps of twists and joints come from clocks of their own; drivers may publish apart."""

    def __init__(self, path, twist_s=0.0, joints_s=0.0, split=False):
        super().__init__(path)
        self._twist_s, self._joints_s, self._split = twist_s, joints_s, split

    def tell(self, velocity):
        self._stamped(self._twist_s, lambda: super(Offset, self).tell(velocity))

    def measure(self):
        self._stamped(self._joints_s, super().measure)

    def _stamped(self, offset_s, write):
        self._offset_s = offset_s
        write()

    def write(self, topic, kind, message):
        if topic in ('joint_states', 'servo_node/delta_twist_cmds'):
            message.header = header(self.time_s + self._offset_s, message.header.frame_id)
        if topic != 'joint_states' or not self._split:
            super().write(topic, kind, message)
            return
        is_finger = np.array(['finger' in name for name in message.name])
        for chosen in (np.flatnonzero(~is_finger), np.flatnonzero(is_finger)):
            part = TYPES[kind](
                message.header,
                [message.name[index] for index in chosen],
                message.position[chosen],
                message.velocity[chosen],
                np.zeros(0),
            )
            super().write(topic, kind, part)


@pytest.mark.parametrize(
    ('clocks', 'said'),
    [
        ({'twist_s': -0.15}, 'twist: stamps are 0.150 s behind'),
        ({'twist_s': 5.0}, 'twist: stamps are 5.000 s ahead of'),
        ({'joints_s': -5.0}, 'joint_states: stamps are 5.000 s behind'),
        ({'split': True}, ''),
    ],
)
def test_clocks_and_drivers_apart_give_the_same_actions_and_are_named(
    her_ros, tmp_path, clocks, said
):
    actions = []
    for name, settings in (('same', {}), ('apart', clocks)):
        recording = Offset(tmp_path / name, **settings)
        goal = recording.robot.grip_position + np.array([0.1, -0.1, 0.08])
        recording.wait(0.2)
        recording.goal(goal)
        recording.steer(goal, 2.0)
        recording.wait(0.5)
        recording.close()
        ended, (episode,) = converted(her_ros, tmp_path / name, tmp_path / f'{name}_out')
        actions.append(episode.action)
        assert (said in ended.output) or name == 'same'
        assert ('clock:' in ended.output) == (bool(said) and name == 'apart')
    np.testing.assert_allclose(*actions, atol=1e-6)


def test_every_goal_left_out_is_named_and_nothing_at_all_is_status_1(her_ros, tmp_path):
    recording = Recording(tmp_path / 'demos')
    goal = recording.robot.grip_position + np.array([0.1, 0.0, 0.0])
    for shift in (0.0, 0.02, 3.0):
        recording.goal(goal + shift)
        recording.wait(0.4)
    recording.close()
    ended = her_ros(
        'bags', 'convert', tmp_path / 'demos', '--task', 'FetchReach', '--out', tmp_path / 'out'
    )
    assert ended.status == 1
    assert 'no episode came out' in ended.errors
    assert '0 episodes, 0 of them reached their goal; 3 goals without one' in ended.output
    assert 'at 0.00 s: no motion before the next goal' in ended.output
    assert 'at 0.40 s: no motion before the end of the recording' in ended.output
    assert 'lies outside of what the policy was trained for' in ended.output
    assert not (tmp_path / 'out').exists()


def test_names_of_outputs_are_unique_and_checked_before_the_first_is_written(her_ros, tmp_path):
    paths = [tmp_path / folder / 'demo' for folder in ('one', 'two')]
    for path in paths:
        path.parent.mkdir()
        recording = Recording(path)
        goal = recording.robot.grip_position + np.array([0.1, 0.0, 0.0])
        recording.goal(goal)
        recording.steer(goal, 1.0)
        recording.close()
    out = tmp_path / 'out'
    out.mkdir()
    (out / '.demo_2_00007.mcap.tmp').touch()  # of a convert that was killed
    arguments = ('bags', 'convert', *paths, '--task', 'FetchReach', '--out', out)
    assert her_ros(*arguments).status == 0
    names = ['demo_00001.mcap', 'demo_2_00001.mcap']
    assert sorted(path.name for path in out.iterdir()) == names
    (out / names[0]).unlink()
    changed = ('--set', 'robot_bridge.timeout.input_s=0.3')
    again = her_ros(*arguments, *changed)
    assert again.status == 1
    assert 'demo_2_00001.mcap: exists already and is not of this conversion' in again.errors
    assert [path.name for path in out.iterdir()] == names[1:]


def test_an_interrupted_conversion_continues(her_ros, tmp_path):
    recording = Recording(tmp_path / 'demo')
    for way in ((0.1, 0.0, 0.0), (0.0, 0.1, 0.0), (-0.1, 0.0, 0.0)):
        goal = recording.robot.grip_position + np.array(way)
        recording.goal(goal)
        recording.steer(goal, 1.0)
    recording.close()
    out = tmp_path / 'out'
    arguments = ('bags', 'convert', tmp_path / 'demo', '--task', 'FetchReach', '--out', out)
    assert her_ros(*arguments).status == 0
    names = [f'demo_{number:05d}.mcap' for number in (1, 2, 3)]
    whole = {name: (out / name).read_bytes() for name in names}
    # As after SIGKILL: the first one is whole, the second one has no name yet.
    for name in names[1:]:
        (out / name).unlink()
    (out / f'.{names[1]}.tmp').write_bytes(whole[names[1]][:1000])
    again = her_ros(*arguments)
    assert again.status == 0, again.errors
    assert '3 episodes, ' in again.output
    assert '1 episodes were there already' in again.output
    assert sorted(path.name for path in out.iterdir()) == names
    assert (out / names[0]).read_bytes() == whole[names[0]]
    for name in names:
        (tmp_path / name).write_bytes(whole[name])
        written, before = (read_bag(path / name).episodes[0] for path in (out, tmp_path))
        assert (written.observation == before.observation).all()
    assert her_ros(*arguments).status == 0  # and once more, with nothing left to do


@pytest.mark.parametrize('damage', [lambda content: content[:-50], lambda content: b''])
def test_a_damaged_output_is_named_and_kept(her_ros, tmp_path, damage):
    recording = Recording(tmp_path / 'demo')
    goal = recording.robot.grip_position + np.array([0.1, 0.0, 0.0])
    recording.goal(goal)
    recording.steer(goal, 1.0)
    recording.close()
    arguments = ('bags', 'convert', tmp_path / 'demo', '--task', 'FetchReach', '--out', tmp_path)
    assert her_ros(*arguments).status == 0
    path = tmp_path / 'demo_00001.mcap'
    content = damage(path.read_bytes())
    path.write_bytes(content)
    again = her_ros(*arguments)
    assert again.status == 1
    (line,) = again.errors.splitlines()
    assert f'{path}: exists already' in line
    assert 'move it away' in line
    assert path.read_bytes() == content
