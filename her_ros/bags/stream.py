"""Bags of any size into episodes, one after the other, in memory that does not grow."""

from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import NoReturn

from her_ros.bags.errors import BagError, naming
from her_ros.bags.recording import Recording
from her_ros.bags.sources import expand
from her_ros.bags.storage.messages import Message
from her_ros.bags.tasks import agree_on_task, is_step
from her_ros.episodes.assembly import EpisodeAssembler
from her_ros.episodes.episode import Episode, faults_of
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.cloud import CLOUD_TYPE, CloudDecoder
from her_ros.wire.rows import step_dtype


def read_episodes(*paths: str | PathLike[str], task: GoalTask | None = None) -> Iterator[Episode]:
    """Read the finished episodes of bags, one after the other, in bounded memory.

    :param paths: bare bags, rosbag2 directories, folders of either, or run folders
    :param task: what the bags have to hold; what each of them says where left out
    :raises BagError: if a path is missing or holds no bag, or a bag cannot be read
    """
    for path in expand(map(Path, paths)):
        yield from stream_episodes(path, task)


def stream_episodes(path: Path, task: GoalTask | None = None) -> Iterator[Episode]:
    """Read the finished episodes of a bag as they come; see :class:`EpisodeStream`.

    An episode that says what the wire contract rules out ends the reading.

    :raises BagError: as :func:`her_ros.bags.reader.read_bag` does; episodes read until then were
        handed out
    """
    stream = EpisodeStream(path, task)
    is_empty = True
    for _, episode in stream:
        is_empty = False
        yield episode
    if is_empty:
        raise BagError(f'{stream.nothing_finished}', source=path)


class EpisodeStream:
    """The finished episodes of a bag with their topics, each as soon as its last row was read.

    In memory are about a megabyte of the file, or one chunk if that is larger, and unfinished
    episodes (see :class:`her_ros.episodes.assembly.EpisodeAssembler`). Checksums are compared
    before what they cover is handed out. Episodes come in the order in which they were finished,
    of one piece of the file ordered by (topic, session, episode, env).

    :param path: a bare bag or a rosbag2 directory
    :param task: what the bag has to hold; what its facts, or the sizes of its rows, say where
        left out
    :param on_batch: shown all messages of all topics before they are read
    :param on_bad: told what is wrong with an episode, which is left out then
    """

    def __init__(
        self,
        path: Path,
        task: GoalTask | None = None,
        on_batch: Callable[[list[Message]], None] | None = None,
        on_bad: Callable[[HerRosError], None] | None = None,
    ) -> None:
        self.path = path
        #: known once the first row was read
        self.task: GoalTask | None = None
        #: what the writer noted; known once the first row was read
        self.facts: dict[str, str] = {}
        #: message type by topic, of those met so far
        self.topics: dict[str, str] = {}
        self._expected = task
        self._on_batch = on_batch
        self._on_bad = on_bad or _refuse
        self._assembler = EpisodeAssembler()
        self._has_steps = False

    @property
    def left_over(self) -> int:
        """Number of rows so far that belong to no finished episode."""
        return self._assembler.left_over

    @property
    def nothing_finished(self) -> str:
        """What to say of a bag without an episode."""
        if not self._has_steps and not any(is_step(*each) for each in self.topics.items()):
            return f'no step topic of type {CLOUD_TYPE}; it has {self.topics}'
        return f'no finished episode; {self.left_over} rows of unfinished ones were dropped'

    def __iter__(self) -> Iterator[tuple[str, Episode]]:
        """Read the bag from its beginning.

        :return: topic and episode
        :raises BagError: if it is no bag, cut short, damaged or of another task
        """
        self._assembler, self._has_steps = EpisodeAssembler(), False
        with naming(self.path):
            for file in Recording(self.path).files():
                self.facts = file.facts | self.facts
                if self._expected is not None or 'task' in self.facts:
                    self.task = agree_on_task(self.facts, self._expected, None)
                for batch in file.batches(None if self._on_batch else is_step):
                    if self._on_batch:
                        self._on_batch(batch)
                        batch = [each for each in batch if _is_step(each)]
                    yield from self._take(batch)
                self.topics |= file.topics

    @property
    def unfinished(self) -> list[tuple[str, int, int, int]]:
        """Topic, session, env and episode of what rows are held of."""
        return self._assembler.unfinished

    def _take(self, batch: list[Message]) -> Iterator[tuple[str, Episode]]:
        if not batch:
            return
        if self.task is None:
            self.task = agree_on_task(self.facts, self._expected, batch[0].content)
        steps: dict[str, list[bytes | memoryview]] = {}
        for message in batch:
            steps.setdefault(message.channel.topic, []).append(message.content)
        self._has_steps = True
        decoder = CloudDecoder(step_dtype(self.task))
        for topic, contents in sorted(steps.items()):
            with naming(f'{topic}, read as {self.task.name}'):
                rows = decoder.decode(contents)
                episodes = self._assembler.take(rows, topic)
                for episode, fault in zip(episodes, faults_of(episodes, self.task), strict=True):
                    if fault is None:
                        yield topic, episode
                    else:
                        self._on_bad(fault)


def _is_step(message: Message) -> bool:
    return is_step(message.channel.topic, message.channel.message_type)


def _refuse(error: HerRosError) -> NoReturn:
    raise error
