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

"""Read episodes from bags of any size, one at a time, in bounded memory."""

from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import NoReturn

from her_ros.bags.errors import BagError, wrap_errors
from her_ros.bags.sources import expand
from her_ros.bags.steps import no_episode, no_steps, StepMessages
from her_ros.bags.storage.messages import Message
from her_ros.bags.tasks import is_step
from her_ros.episodes.assembly import EpisodeAssembler
from her_ros.episodes.episode import Episode, faults_of
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.cloud import decoder_with_truth


def read_episodes(*paths: str | PathLike[str], task: GoalTask | None = None) -> Iterator[Episode]:
    """
    Read the finished episodes of bags, one at a time, in bounded memory.

    :param paths: bare bags, rosbag2 directories, folders of either, or run folders
    :param task: task that the bags must be of; by default found from the metadata of each bag
    :raises BagError: if a path is missing or holds no bag, or a bag cannot be read
    """
    for path in expand(map(Path, paths)):
        yield from stream_episodes(path, task)


def stream_episodes(path: Path, task: GoalTask | None = None) -> Iterator[Episode]:
    """
    Read the finished episodes of a bag, one at a time; see :class:`EpisodeStream`.

    An episode that violates the wire contract ends the reading.

    :raises BagError: as :func:`her_ros.bags.reader.read_bag` does, after the episodes read until
        then were yielded
    """
    stream = EpisodeStream(path, task)
    is_empty = True
    for _, episode in stream:
        is_empty = False
        yield episode
    if is_empty:
        raise stream.nothing_finished


class EpisodeStream(StepMessages):
    """
    Yields the finished episodes of a bag with their topics, each when its last row is read.

    Memory holds about a megabyte of the file, or one chunk if that is larger, and the unfinished
    episodes (see :class:`her_ros.episodes.assembly.EpisodeAssembler`). Checksums are verified
    before the data they cover is returned. Episodes come in the order in which they finished;
    within one piece of the file they are ordered by (topic, session, episode, env).

    :param path: see :class:`her_ros.bags.steps.StepMessages`; likewise ``task`` and ``on_batch``
    :param on_bad: called with the fault of an episode, which is left out; by default it raises
    """

    def __init__(
        self,
        path: Path,
        task: GoalTask | None = None,
        on_batch: Callable[[list[Message]], None] | None = None,
        on_bad: Callable[[HerRosError], None] | None = None,
    ) -> None:
        super().__init__(path, task, on_batch)
        self._on_bad = on_bad or _refuse
        self._assembler = EpisodeAssembler()
        self._has_steps = False

    @property
    def left_over(self) -> int:
        """Return the number of rows so far that belong to no finished episode."""
        return self._assembler.left_over

    @property
    def unfinished(self) -> list[tuple[str, int, int, int]]:
        """Topic, session, env and episode of each unfinished episode."""
        return self._assembler.unfinished

    @property
    def nothing_finished(self) -> BagError:
        """Return the error of a bag without a finished episode."""
        if not self._has_steps and not any(is_step(*each) for each in self.topics.items()):
            return no_steps(self.topics, self.path)
        return no_episode(self.left_over, self.path)

    def __iter__(self) -> Iterator[tuple[str, Episode]]:
        """
        Read the bag from its beginning.

        :return: topic and episode
        :raises BagError: if it is no bag, cut short, damaged or of another task
        """
        self._assembler, self._has_steps = EpisodeAssembler(), False
        with wrap_errors(self.path):
            for topic, task, contents in self.by_topic():
                self._has_steps = True
                with wrap_errors(f'{topic}, read as {task.name}'):
                    rows = decoder_with_truth(task).decode(contents)
                    episodes = self._assembler.take(rows, topic)
                    for episode, fault in zip(episodes, faults_of(episodes, task), strict=True):
                        if fault is None:
                            yield topic, episode
                        else:
                            self._on_bad(fault)


def _refuse(error: HerRosError) -> NoReturn:
    raise error
