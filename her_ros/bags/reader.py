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

"""Read whole bags into episodes: our own files and those of ``ros2 bag record``."""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from her_ros.bags.errors import BagError, wrap_errors
from her_ros.bags.recording import Recording
from her_ros.bags.steps import no_episode, no_steps, StepMessages
from her_ros.bags.storage.limits import check_regular
from her_ros.bags.storage.mcap_file import McapFile
from her_ros.bags.tasks import agree_on_task, is_step
from her_ros.episodes.episode import Episode, faults_of
from her_ros.episodes.splitting import split_rollout
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.cloud import decoder_with_truth

# A rollout is a hundred times smaller. Larger files are read in pieces.
_LARGEST_IN_MEMORY = 64 << 20
_LARGEST_AT_ONCE = 512 << 20


@dataclass(frozen=True)
class Bag:
    """
    The finished episodes of a bag.

    :param metadata: metadata of the writer (see :class:`her_ros.bags.writer.BagWriter`); for a
        directory the custom data in its metadata.yaml
    :param episodes: ordered by (topic, session, episode, env)
    :param left_over: number of rows that belong to no finished episode
    :param topics: the ``step`` topics read
    """

    path: Path
    task: GoalTask
    metadata: dict[str, str]
    episodes: list[Episode]
    left_over: int
    topics: tuple[str, ...]


class _Recording(NamedTuple):
    metadata: dict[str, str]
    topics: dict[str, str]
    messages: Mapping[str, Sequence[bytes | memoryview]]


def read_bag(path: Path, task: GoalTask | None = None) -> Bag:
    """
    Read the episodes of a bag.

    :param path: a ``.mcap`` or ``.db3`` file, or a rosbag2 directory
    :param task: task that the bag must be of; by default found from its metadata
    :raises BagError: if it is no bag, cut short, damaged, of another task, or without a finished
        episode
    """
    with wrap_errors(path):
        recording = _read(path, task)
        if not recording.messages:
            raise no_steps(recording.topics)
        first = next((each[0] for each in recording.messages.values() if each), None)
        task = agree_on_task(recording.metadata, task, first)
        decoder = decoder_with_truth(task)
        episodes, left_over = [], 0
        for topic, messages in sorted(recording.messages.items()):
            with wrap_errors(f'{topic}, read as {task.name}'):
                finished, rest = split_rollout(decoder.decode(messages))
                if faults := [each for each in faults_of(finished, task) if each]:
                    raise faults[0]
                episodes += finished
                left_over += rest
        if not episodes:
            raise no_episode(left_over)
    return Bag(path, task, recording.metadata, episodes, left_over, tuple(recording.messages))


def read_bag_metadata(path: Path) -> dict[str, str]:
    """
    Read the metadata of a bag, without its messages.

    :raises BagError: if it is no bag, cut short or damaged
    """
    with wrap_errors(path):
        if _fits_in_memory(path):
            return McapFile(path.read_bytes(), None).metadata
        return dict(ChainMap(*(file.metadata for file in Recording(path).files())))


def _fits_in_memory(path: Path) -> bool:
    if path.is_dir():
        return False
    check_regular(path)
    return path.suffix == '.mcap' and path.stat().st_size <= _LARGEST_IN_MEMORY


def _read(path: Path, task: GoalTask | None) -> _Recording:
    if _fits_in_memory(path):
        file = McapFile(path.read_bytes(), is_step)
        return _Recording(file.metadata, file.topics, file.messages)
    messages: dict[str, list[bytes | memoryview]] = {}
    steps, size = StepMessages(path, task), 0
    for topic, _, contents in steps.by_topic():
        messages.setdefault(topic, []).extend(contents)
        size += sum(map(len, contents))
        if size > _LARGEST_AT_ONCE:
            raise BagError(
                f'holds more than {_LARGEST_AT_ONCE >> 20} MiB of steps, too much to read at once',
                'train from it with `her-ros train-offline`',
            )
    return _Recording(steps.metadata, steps.topics, messages)
