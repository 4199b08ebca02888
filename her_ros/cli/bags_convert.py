"""``her-ros bags convert``: recordings of a robot's own topics into bags that train."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rosbags.typesys import Stores, get_typestore

from her_ros.bags.recording import Recording
from her_ros.bags.rollout import run_facts
from her_ros.bags.sources import expand
from her_ros.bags.storage import Message
from her_ros.bags.writer import write_rollout
from her_ros.cli.prepare import values_for
from her_ros.core.config import ConfigError, configured
from her_ros.core.errors import HerRosError
from her_ros.core.robot_parameters import RobotBridgeParameters
from her_ros.core.rows import Rows
from her_ros.core.task import GoalTask, task_named
from her_ros.core.topics import GOAL, GOAL_POSE, GRIPPER, JOINT_STATES, OBJECT_POSE, TWIST
from her_ros.robot.commands import checked_fingers
from her_ros.robot.conversion import Conversion
from her_ros.robot.frames import Frames, Pose

# What is looked for, under which name, and of which type it must be.
_WANTED = {
    'joint_states': (JOINT_STATES, 'sensor_msgs/msg/JointState'),
    'object_pose': (OBJECT_POSE, 'geometry_msgs/msg/PoseStamped'),
    'goal': (GOAL, 'geometry_msgs/msg/PointStamped'),
    'goal_pose': (GOAL_POSE, 'geometry_msgs/msg/PoseStamped'),
    'twist': (TWIST, 'geometry_msgs/msg/TwistStamped'),
    'gripper': (GRIPPER, 'std_msgs/msg/Float64MultiArray'),
}


class Converted(NamedTuple):
    """What came of one bag."""

    episodes: int
    succeeded: int
    skipped: int
    #: one line per kind of message that did not fit
    problems: Sequence[str]


def convert(
    bags: list[Path],
    task_name: str,
    out: Path,
    topics: Sequence[str],
    params_file: Path | None,
    overrides: Sequence[str],
) -> None:
    """Convert bags and print what came of each.

    :raises HerRosError: if a bag cannot be read, or holds no joint states or no goals
    """
    task, names = task_named(task_name), _names(topics)
    values = values_for(task_name, params_file, overrides, ['robot_bridge'])['robot_bridge']
    parameters = configured(RobotBridgeParameters, 'robot_bridge', values)
    paths = expand(bags)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f'{out}: cannot be written ({error.strerror})') from None
    total = 0
    for path in paths:
        found = _BagConversion(path, task, parameters, names).convert(out)
        total += found.episodes
        print(
            f'{path}: {found.episodes} episodes, {found.succeeded} of them reached their goal;'
            f' {found.skipped} goals without one'
        )
        for problem in found.problems:
            print(f'  left out: {problem}')
    print(f'{out}: {total} bags, one per episode; her-ros train-offline {out} learns from them')


def _names(topics: Sequence[str]) -> dict[str, str]:
    """Read options such as ``object_pose=/perception/block``."""
    names = {}
    for each in topics:
        key, _, name = each.partition('=')
        if key not in _WANTED or not name.startswith('/'):
            raise ConfigError(
                f'--topic {each!r}: write NAME=/TOPIC with a name of {", ".join(_WANTED)}'
            )
        names[key] = name
    return names


class _BagConversion:
    """One bag on its way through :class:`Conversion`."""

    def __init__(
        self,
        path: Path,
        task: GoalTask,
        parameters: RobotBridgeParameters,
        names: Mapping[str, str],
    ) -> None:
        p = parameters
        self._path, self._task, self._names = path, task, names
        base = Pose.of('base_pose', p.base_pose[:3], p.base_pose[3:])
        self._frames = Frames(p.base_frame, base)
        self._conversion = Conversion(task, p, self._frames, secrets.randbits(32))
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._problems: dict[str, str] = {}
        self._topics: dict[str, str] = {}  # that were met, by what is on them
        self._take_by_key = {
            'joint_states': self._take_joint_states,
            'object_pose': self._take_object_pose,
            'goal': self._take_goal,
            'goal_pose': self._take_goal_pose,
            'twist': self._take_twist,
            'gripper': self._take_gripper,
        }

    def convert(self, out: Path) -> Converted:
        facts = run_facts(self._task, converted_from=self._path.name)
        period_s, episodes, succeeded = self._task.control_period_s, 0, 0
        for rows, end_ns in self._episodes():
            episodes += 1
            succeeded += int(rows[-1]['is_success'][0])
            start_ns = end_ns - round(1e9 * period_s * (len(rows) - 1))
            name = f'{self._path.stem}_{episodes:05d}'
            write_rollout(out, name, facts, rows, start_ns=start_ns, period_s=period_s)
        if 'joint_states' not in self._topics:
            raise HerRosError(
                f'{self._path}: no joint_states; --topic joint_states=/TOPIC names where they are'
            )
        if not {'goal', 'goal_pose'} & set(self._topics):
            raise HerRosError(
                f'{self._path}: no goal; publish one before each attempt, or --topic'
                ' goal=/TOPIC names where it is'
            )
        return Converted(
            episodes, succeeded, self._conversion.skipped, list(self._problems.values())
        )

    def _episodes(self) -> Iterator[tuple[list[Rows], int]]:
        """Give the rows of each episode, and when it ended, nanoseconds."""
        last_ns = 0
        for storage in Recording(self._path).files():
            for batch in storage.batches(lambda topic, kind: bool(self._key(topic, kind))):
                for message in batch:
                    last_ns = message.log_time_ns
                    if rows := self._take(message):
                        yield rows, last_ns
        if rows := self._conversion.finish():
            yield rows, last_ns

    def _key(self, topic: str, message_type: str) -> str:
        for key, (name, wanted_type) in _WANTED.items():
            given = self._names.get(key)
            is_it = topic == given if given else f'/{topic}'.endswith(f'/{name}')
            if is_it and message_type == wanted_type:
                return key
        return ''

    def _take(self, message: Message) -> list[Rows] | None:
        topic, kind = message.channel.topic, message.channel.message_type
        key = self._key(topic, kind)
        if (met := self._topics.setdefault(key, topic)) != topic:
            raise HerRosError(
                f'{self._path}: {key} is on {met} and on {topic}; --topic {key}=/TOPIC says which'
            )
        try:
            content = self._store.deserialize_cdr(bytes(message.content), kind)
        except Exception as error:  # rosbags raises what its generated code happens to meet
            self._problems.setdefault(key, f'{key}: not a {kind} ({error})')
            return None
        try:
            return self._take_by_key[key](content, message)
        except HerRosError as error:
            self._problems.setdefault(key, str(error))
            return None

    def _take_joint_states(self, content: Any, message: Message) -> list[Rows] | None:
        joints = (list(content.name), content.position, content.velocity)
        return self._conversion.joints(*joints, _time_s(content, message))

    def _take_object_pose(self, content: Any, message: Message) -> None:
        pose = self._in_world('object_pose', content, content.pose)
        self._conversion.object(pose, _time_s(content, message))

    def _take_goal(self, content: Any, _: Message) -> None:
        point = content.point
        place = Pose.of('goal', (point.x, point.y, point.z))
        world = self._frames.to_world(content.header.frame_id, place, 'goal')
        self._conversion.goal(world.position)

    def _take_goal_pose(self, content: Any, _: Message) -> None:
        self._conversion.goal(self._in_world('goal_pose', content, content.pose).position)

    def _take_twist(self, content: Any, message: Message) -> None:
        linear = content.twist.linear
        velocity = Pose.of('twist', (linear.x, linear.y, linear.z)).position
        frame = Pose.of('twist', (0.0, 0.0, 0.0))
        turn = self._frames.to_world(content.header.frame_id, frame, 'twist').rotation
        self._conversion.velocity(turn @ velocity, _time_s(content, message))

    def _take_gripper(self, content: Any, _: Message) -> None:
        self._conversion.fingers(checked_fingers(content.data))

    def _in_world(self, name: str, content: Any, pose: Any) -> Pose:
        p, q = pose.position, pose.orientation
        checked = Pose.of(name, (p.x, p.y, p.z), (q.x, q.y, q.z, q.w))
        return self._frames.to_world(content.header.frame_id, checked, name)


def _time_s(content: Any, message: Message) -> float:
    """Return when something was measured; when it was recorded, where nobody said."""
    stamp = content.header.stamp
    stamp_ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
    return (stamp_ns or message.log_time_ns) / 1e9
