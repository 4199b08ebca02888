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

"""Conversion of one recording of a robot's own topics into training bags."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
import secrets
from typing import Any, NamedTuple

from her_ros.bags.errors import BagError, wrap_errors
from her_ros.bags.export.outputs import (
    CONVERSION_KEY,
)
from her_ros.bags.recording import Recording
from her_ros.bags.rollout import run_metadata
from her_ros.bags.storage.messages import Message
from her_ros.bags.writer import write_rollout
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.config.schema import ConfigError
from her_ros.orchestration.recorded_topics import key_of, RecordedTopics, survey
from her_ros.robot.conversion.conversion import Conversion
from her_ros.robot.frames import Pose, task_frames
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import WRITABLE
from her_ros.runtime.output import say
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import Rows
from rosbags.typesys import get_typestore, Stores

# Smaller backward steps of the recorder's clock do not divide an episode.
_SET_BACK_S = 1.0


class Converted(NamedTuple):
    """Result of converting one bag."""

    episodes: int
    #: episodes that an earlier start of the same conversion had written
    kept: int
    succeeded: int
    #: goals without an episode, each with the reason
    goals: Sequence[str]
    #: one line per kind of refused message
    problems: Sequence[str]
    #: disagreements of clocks
    notes: Sequence[str]
    #: reason why the bag was not read to its end; empty if it was
    failure: str = ''

    def print(self, path: Path) -> None:  # noqa: A003
        """Print the result of a bag, and everything left out with the reason."""
        say(
            f'{path}: {self.episodes} episodes, {self.succeeded} of them reached their goal;'
            f' {len(self.goals)} goals without one'
            + (f'; {self.kept} episodes were there already' if self.kept else '')
        )
        for note in self.notes:
            say(f'  clock: {note}')
        for reason in [*self.goals, *self.problems, *filter(None, [self.failure])]:
            say(f'  left out: {reason}')


class UnusableRecording(HerRosError):
    """A recording that cannot contain an episode."""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f'cannot be written ({error.strerror})', WRITABLE, folder) from None


class BagConversion:
    """Feeds one bag to a :class:`Conversion`."""

    def __init__(
        self,
        path: Path,
        task: GoalTask,
        parameters: RobotBridgeParameters,
        names: Mapping[str, str],
    ) -> None:
        p = parameters
        self._path, self._task, self._names = path, task, names
        self._limit_s = p.timeout_input_s
        self._frames = task_frames(task, p)
        self._conversion = Conversion(task, p, self._frames, secrets.randbits(32))
        self._store = get_typestore(Stores.ROS2_JAZZY)
        #: by kind of fault: the first message, and the count
        self._problems: dict[str, tuple[str, int]] = {}
        self._topics = RecordedTopics()
        self._take_by_key = {
            'joint_states': self._take_joint_states,
            'object_pose': self._take_object_pose,
            'goal': self._take_goal,
            'goal_pose': self._take_goal_pose,
            'twist': self._take_twist,
            'gripper': self._take_gripper,
        }

    def convert(self, out: Path, prefix: str, conversion: str, kept: set[str]) -> Converted:
        """
        Write the episodes as ``<out>/<prefix>_<number>.mcap``.

        :param conversion: noted in each of them
        :param kept: names of episodes that already exist
        :raises UnusableRecording: if the bag holds nothing that can be converted
        :raises HerRosError: if nothing can be written
        """
        has_object = 'object_position' in dict(self._task.observation_fields)
        try:
            with wrap_errors(self._path):
                self._topics = survey(self._path, self._names, has_object, self._limit_s)
        except BagError as error:
            raise UnusableRecording.of(error) from error
        noted = {'converted_from': self._path.name, CONVERSION_KEY: conversion}
        metadata = run_metadata(self._task, **noted)
        period_s, episodes, succeeded, failure = self._task.control_period_s, 0, 0, ''
        converted = self._episodes()
        while True:
            try:
                with wrap_errors(self._path):
                    rows, end_ns = next(converted, (None, 0))
            except BagError as error:
                failure = str(error)
                break
            if rows is None:
                break
            episodes += 1
            succeeded += int(rows[-1]['is_success'][0])
            start_ns = end_ns - round(1e9 * period_s * (len(rows) - 1))
            _make_folder(out)
            name = f'{prefix}_{episodes:05d}'
            if name not in kept:
                write_rollout(out, name, metadata, rows, start_ns=start_ns, period_s=period_s)
        problems = [
            f'{text}; {number} messages' if number > 1 else text
            for text, number in self._problems.values()
        ]
        return Converted(
            episodes,
            len(kept),
            succeeded,
            self._conversion.left_out,
            [*problems, *self._topics.unfit],
            self._topics.clock_notes,
            failure,
        )

    def _episodes(self) -> Iterator[tuple[list[Rows], int]]:
        """Yield the rows of each episode and the time of its end, nanoseconds."""
        last_ns = self._topics.start_ns
        for storage in Recording(self._path).files():
            for batch in storage.batches(lambda topic, kind: bool(self._key(topic, kind))):
                for message in batch:
                    self._check_clock(message.log_time_ns, last_ns)
                    last_ns = message.log_time_ns
                    if rows := self._take(message):
                        yield rows, last_ns
        if rows := self._conversion.finish():
            yield rows, last_ns

    def _key(self, topic: str, message_type: str) -> str:
        return key_of(topic, message_type, self._names)

    def _check_clock(self, now_ns: int, last_ns: int) -> None:
        back_s = (last_ns - now_ns) / 1e9
        if back_s > _SET_BACK_S:
            self._conversion.restart(f"the recorder's clock was set back by {back_s:.3f} s")

    def _take(self, message: Message) -> list[Rows] | None:
        kind = message.channel.message_type
        key = self._key(message.channel.topic, kind)
        try:
            content = self._store.deserialize_cdr(bytes(message.content), kind)
        except Exception as error:  # rosbags raises various errors of its generated code
            self._note(f'{key}, damaged', f'{key}: not a {kind} ({error})')
            return None
        try:
            return self._take_by_key[key](content, message)
        except HerRosError as error:
            # Measurements are many and similar; every goal is reported.
            is_goal = key in ('goal', 'goal_pose')
            when = f' (at {self._recorded_s(message):.2f} s)' if is_goal else ''
            self._note(f'{key}{when}', f'{error}{when}')
            return None

    def _note(self, kind: str, text: str) -> None:
        first, number = self._problems.get(kind, (text, 0))
        self._problems[kind] = first, number + 1

    def _recorded_s(self, message: Message) -> float:
        """Return the time of recording of a message, seconds since the recording began."""
        return (message.log_time_ns - self._topics.start_ns) / 1e9

    def _measured_s(self, key: str, content: Any, message: Message) -> float:
        """Return the time of measurement of a message, seconds since the recording began."""
        stamp = content.header.stamp
        stamp_ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
        clock = self._topics.clocks[key]
        return clock.time_s(stamp_ns, message.log_time_ns, self._topics.start_ns)

    def _take_joint_states(self, content: Any, message: Message) -> list[Rows] | None:
        joints = (list(content.name), content.position, content.velocity)
        time_s = self._measured_s('joint_states', content, message)
        return self._conversion.joints(*joints, time_s)

    def _take_object_pose(self, content: Any, message: Message) -> None:
        pose = self._in_world('object_pose', content, content.pose)
        self._conversion.object(pose, self._measured_s('object_pose', content, message))

    def _take_goal(self, content: Any, message: Message) -> None:
        point = content.point
        place = Pose.of('goal', (point.x, point.y, point.z))
        world = self._frames.to_world(content.header.frame_id, place, 'goal')
        self._conversion.goal(world.position, self._recorded_s(message))

    def _take_goal_pose(self, content: Any, message: Message) -> None:
        pose = self._in_world('goal_pose', content, content.pose)
        self._conversion.goal(pose.position, self._recorded_s(message))

    def _take_twist(self, content: Any, message: Message) -> None:
        linear = content.twist.linear
        velocity = Pose.of('twist', (linear.x, linear.y, linear.z)).position
        frame = Pose.of('twist', (0.0, 0.0, 0.0))
        turn = self._frames.to_world(content.header.frame_id, frame, 'twist').rotation
        # Commands take effect when received, so the time of recording counts.
        self._conversion.velocity(turn @ velocity, self._recorded_s(message))

    def _take_gripper(self, content: Any, _: Message) -> None:
        self._conversion.fingers(content.data)

    def _in_world(self, name: str, content: Any, pose: Any) -> Pose:
        p, q = pose.position, pose.orientation
        checked = Pose.of(name, (p.x, p.y, p.z), (q.x, q.y, q.z, q.w))
        return self._frames.to_world(content.header.frame_id, checked, name)
