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

"""Recover the readable messages of a damaged bag into a new rosbag2 directory."""

from dataclasses import dataclass, field
from pathlib import Path

from her_ros.bags.errors import BagError, RecoverableError, wrap_errors
from her_ros.bags.recording import Recording
from her_ros.bags.repair.directory import DirectoryWriter
from her_ros.bags.storage.messages import OnDamage
from her_ros.bags.storage.registry import Storage
from her_ros.bags.stream import EpisodeStream
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.goal_task import GoalTask

# Largest number of damage lines that are kept; a file can have one per message.
_MOST_DAMAGE = 100


@dataclass
class Recovered:
    """Result of :func:`recover`."""

    path: Path
    #: messages by topic
    counts: dict[str, int] = field(default_factory=dict)
    #: one line per damage, which may have cost messages
    damage: list[str] = field(default_factory=list)
    #: finished episodes; None if the task of the rows is unknown
    episodes: int | None = None
    #: reason why episodes could not be counted
    not_counted: str = ''


def default_output(path: Path) -> Path:
    """Return ``<bag>_recovered`` beside a bag, without the suffixes of a bare file."""
    path = path.absolute()
    name = path.name
    if not path.is_dir():
        for end in ('.zstd', '.mcap', '.db3'):
            name = name.removesuffix(end)
    return path.with_name(f'{name}_recovered')


def recover(path: Path, out: Path | None = None, task: GoalTask | None = None) -> Recovered:
    """
    Write every message that can be read into a new rosbag2 directory.

    Messages are kept whatever their content, including rows that fit no task. A chunk whose
    checksum is wrong is left out. The damaged bag is not changed.

    :param path: a bare bag or a rosbag2 directory
    :param out: the new directory; by default :func:`default_output`
    :param task: used to count episodes if the bag does not name its task
    :raises BagError: if there is nothing to read, or ``out`` exists or cannot be written
    """
    result = Recovered(out or default_output(path))

    unreported = 0

    def on_damage(damage: BagError) -> None:
        nonlocal unreported
        if len(result.damage) >= _MOST_DAMAGE:
            unreported += 1
            return
        # The cure of a recoverable error is to run this function.
        is_cured = isinstance(damage, RecoverableError)
        result.damage.append(damage.complaint if is_cured else str(damage))

    with wrap_errors(path):
        if not path.exists():
            raise BagError('no such file or folder', 'correct the path')
        recording = Recording(path, on_damage)
    with DirectoryWriter(result.path) as writer:
        metadata: dict[str, str] = {}
        for file in recording.files():
            _copy(file, writer, on_damage)
            metadata |= file.metadata
        if not writer.counts:
            reasons = '; '.join(result.damage) or 'it holds none'
            raise BagError(
                f'not one message can be read: {reasons}', 'take another copy of it', path
            )
        writer.close(metadata | {'recovered_from': path.name})
    if unreported:
        result.damage.append(f'{unreported} more like these')
    result.counts = writer.counts
    stream = EpisodeStream(result.path, task)
    try:
        result.episodes = sum(1 for _ in stream)
    except HerRosError as error:
        result.not_counted = str(error)
    return result


def _copy(file: Storage, writer: DirectoryWriter, on_damage: OnDamage) -> None:
    batches = file.batches()
    while True:
        try:
            with wrap_errors(file.path.name):
                batch = next(batches, None)
        except BagError as error:  # a disk that fails; other damage was reported already
            on_damage(error)
            batch = None
        if batch is None:
            break
        for message in batch:
            writer.write(message)
    for attachment in file.attachments:
        writer.attach(attachment)
