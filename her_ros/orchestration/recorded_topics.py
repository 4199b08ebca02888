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

"""Check the topics of a recording before it is converted."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
import struct

from her_ros.bags.errors import BagError
from her_ros.bags.recording import Recording
from her_ros.bags.storage.messages import Message
from her_ros.robot.conversion.sender_clock import SenderClock
from her_ros.wire.topics import GOAL, GOAL_POSE, GRIPPER, JOINT_STATES, OBJECT_POSE, TWIST
import numpy as np

#: wanted topics: by key, the end of the name, and the required type
WANTED = {
    'joint_states': (JOINT_STATES, 'sensor_msgs/msg/JointState'),
    'object_pose': (OBJECT_POSE, 'geometry_msgs/msg/PoseStamped'),
    'goal': (GOAL, 'geometry_msgs/msg/PointStamped'),
    'goal_pose': (GOAL_POSE, 'geometry_msgs/msg/PoseStamped'),
    'twist': (TWIST, 'geometry_msgs/msg/TwistStamped'),
    'gripper': (GRIPPER, 'std_msgs/msg/Float64MultiArray'),
}
# Topics whose stamps are compared with the recording.
_CLOCKED = ('joint_states', 'object_pose', 'twist')
# Seconds and nanoseconds behind the encapsulation header of CDR.
_STAMP_SIZE = 12


@dataclass
class RecordedTopics:
    """Topics and clocks of one recording."""

    #: time of the first message, nanoseconds
    start_ns: int = 0
    #: topic by key of ``WANTED``
    topics: dict[str, str] = field(default_factory=dict)
    #: by key
    clocks: dict[str, SenderClock] = field(default_factory=dict)
    #: one line per topic that has the right name and the wrong type
    unfit: list[str] = field(default_factory=list)

    @property
    def clock_notes(self) -> list[str]:
        """Disagreements of clocks, one line each."""
        return [f'{key}: {note}' for key, clock in self.clocks.items() for note in clock.notes]


def key_of(topic: str, message_type: str, names: Mapping[str, str]) -> str:
    """
    Return the key in ``WANTED`` of a topic; empty if it has none.

    :param names: topics that the user named, by key
    """
    for key, (_, wanted_type) in WANTED.items():
        if message_type == wanted_type and _is_named(topic, key, names):
            return key
    return ''


def survey(
    path: Path, names: Mapping[str, str], needs_object: bool, limit_s: float
) -> RecordedTopics:
    """
    Read a recording once, for its topics and for the clocks of their senders.

    :param names: topics that the user named, by key
    :param needs_object: whether object_pose must be there
    :param limit_s: largest difference of clocks that agree
    :raises BagError: if it is damaged, a topic is missing, or a topic is ambiguous
    """
    found = RecordedTopics()
    ages = {key: array('d') for key in _CLOCKED}
    unstamped = dict.fromkeys(_CLOCKED, 0)
    types: dict[str, str] = {}
    for storage in Recording(path).files():
        for batch in storage.batches(lambda topic, kind: bool(key_of(topic, kind, names))):
            for message in batch:
                found.start_ns = found.start_ns or message.log_time_ns
                key = key_of(message.channel.topic, message.channel.message_type, names)
                _note_topic(found, key, message.channel.topic)
                if key in ages and (stamp_ns := _stamp_ns(message)) is not None:
                    if stamp_ns:
                        ages[key].append((message.log_time_ns - stamp_ns) / 1e9)
                    unstamped[key] += not stamp_ns
        types |= storage.topics
    for key in _CLOCKED:
        found.clocks[key] = SenderClock(np.array(ages[key]), unstamped[key], limit_s)
    found.unfit = _unfit(types, names, found.topics)
    _check(found, needs_object)
    return found


def _is_named(topic: str, key: str, names: Mapping[str, str]) -> bool:
    given = names.get(key)
    return topic == given if given else f'/{topic}'.endswith(f'/{WANTED[key][0]}')


def _note_topic(found: RecordedTopics, key: str, topic: str) -> None:
    if (met := found.topics.setdefault(key, topic)) != topic:
        raise BagError(f'{key} is on {met} and on {topic}', f'--topic {key}=/TOPIC says which')


def _stamp_ns(message: Message) -> int | None:
    """Read the stamp of a message that begins with a header; None: the message is too short."""
    content = message.content
    if len(content) < _STAMP_SIZE:
        return None
    seconds, nanoseconds = struct.unpack_from('<iI' if content[1] & 1 else '>iI', content, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _unfit(
    types: Mapping[str, str], names: Mapping[str, str], met: Mapping[str, str]
) -> list[str]:
    """Name what looks like an input and is none."""
    unfit = []
    for topic, kind in types.items():
        keys = [key for key in WANTED if _is_named(topic, key, names)]
        if keys and not key_of(topic, kind, names):
            unfit.append(f'{topic}: its type is {kind}; {keys[0]} must be {WANTED[keys[0]][1]}')
    for key, topic in names.items():
        if key not in met and topic not in types:
            unfit.append(f'{key}: nothing on {topic}')
    return unfit


def _check(found: RecordedTopics, needs_object: bool) -> None:
    """
    Refuse a recording that cannot contain an episode.

    :raises BagError: naming what is missing
    """
    if 'joint_states' not in found.topics:
        missing, cure = 'joint_states', 'name where they are by --topic joint_states=/TOPIC'
    elif not {'goal', 'goal_pose'} & set(found.topics):
        missing = 'goal'
        cure = 'publish one before each attempt, or name where it is by --topic goal=/TOPIC'
    elif needs_object and 'object_pose' not in found.topics:
        missing, cure = 'object_pose', 'name where the object is by --topic object_pose=/TOPIC'
    else:
        return
    raise BagError('; '.join([f'no {missing}', *found.unfit]), cure)
