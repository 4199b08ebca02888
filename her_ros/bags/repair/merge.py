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

"""Merge bags into one rosbag2 directory in bounded memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
import heapq
from pathlib import Path

from her_ros.bags.errors import BagError, wrap_errors
from her_ros.bags.recording import Recording
from her_ros.bags.repair.directory import DirectoryWriter
from her_ros.bags.storage.messages import Message
from her_ros.bags.stream import EpisodeStream
from her_ros.tasks.goal_task import GoalTask

# Bags that overlap in time are read in parallel, each with a piece of it in memory.
_MAX_OPEN = 32
# Metadata with more than this many different values is left out of the merged bag.
_MAX_VALUES = 64

#: topic, session, env, episode
Identity = tuple[str, int, int, int]


@dataclass
class _Survey:
    """Properties of a bag that must be known before it can be merged."""

    path: Path
    task: GoalTask | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    start_ns: int = 1 << 63
    messages: int = 0
    finished: set[Identity] = field(default_factory=set)
    unfinished: set[Identity] = field(default_factory=set)

    def note(self, batch: list[Message]) -> None:
        self.messages += len(batch)
        self.start_ns = min([self.start_ns, *(each.log_time_ns for each in batch)])


@dataclass
class Merged:
    """Result of :func:`merge`."""

    path: Path
    task: GoalTask
    bags: int
    episodes: int
    #: messages by topic
    counts: dict[str, int]


def merge(paths: Sequence[Path], out: Path, task: GoalTask | None = None) -> Merged:
    """
    Write the messages of bags of one task into one bag, by stamps.

    Bags are read in parallel, and the message with the earliest stamp is written first. Messages
    of one bag keep their order. So an episode is finished in the merged bag if and only if it is
    finished in its own, and :func:`her_ros.bags.reader.read_bag` returns the episodes of all bags
    ordered by (topic, session, episode, env). Every bag is read twice, first to check it.

    :param paths: bare bags and rosbag2 directories; see :func:`her_ros.bags.sources.expand`
    :param out: the folder to write
    :param task: of bags whose metadata does not name it
    :raises BagError: if a bag is damaged, is of another task or of none, or shares an episode with
        another; nothing is written then
    """
    if out.exists():
        raise BagError(
            'exists already, and bags are never overwritten', 'name another', source=out
        )
    surveys: list[_Survey] = []
    owners: dict[Identity, _Survey] = {}
    for path in paths:
        survey = _survey(path, task)
        if surveys and survey.task != surveys[0].task:
            tasks = [each.task for each in (surveys[0], survey) if each.task]
            names = [f'{t.name} on {t.arm_name}' if t.arm else t.name for t in tasks]
            raise BagError(
                f'is of {names[1]}, {surveys[0].path} of {names[0]}',
                'bags of one task can be merged',
                source=path,
            )
        _claim(survey, owners)
        surveys.append(survey)
    found = surveys[0].task
    assert found is not None
    with DirectoryWriter(out) as writer:
        for message in _by_stamp(surveys):
            writer.write(message)
        writer.close({**merged_metadata([each.metadata for each in surveys]), 'task': found.name})
    episodes = sum(len(each.finished) for each in surveys)
    return Merged(out, found, len(surveys), episodes, writer.counts)


def _survey(path: Path, task: GoalTask | None) -> _Survey:
    survey = _Survey(path)
    stream = EpisodeStream(path, task, survey.note)
    for topic, episode in stream:
        row = episode.rows[0]
        survey.finished.add((topic, int(row['session']), int(row['env']), int(row['episode'])))
    survey.task, survey.metadata = stream.task, stream.metadata
    survey.unfinished = set(stream.unfinished)
    if survey.task is None:
        raise stream.nothing_finished
    return survey


def _claim(survey: _Survey, owners: dict[Identity, _Survey]) -> None:
    """
    Check that no episode of a bag would hide, or mix with, one of another bag.

    The two halves of an episode that was cut in two may be merged.
    """
    for identity in survey.finished | survey.unfinished:
        other = owners.setdefault(identity, survey)
        if other is not survey and identity in survey.finished | other.finished:
            topic, session, env, episode = identity
            raise BagError(
                f'holds episode {episode} of env {env}, session {session}, on'
                f' {topic}, and so does {other.path}',
                'one would hide the other, so leave one out',
                source=survey.path,
            )


def _by_stamp(surveys: Iterable[_Survey]) -> Iterator[Message]:
    """Merge the messages of bags by stamp; each bag is opened when its first stamp is reached."""
    waiting = sorted(surveys, key=lambda each: each.start_ns)
    # Stamp, rank of the bag, message, later messages; no two bags have the same rank.
    heads: list[tuple[int, int, Message, Iterator[Message]]] = []

    def push(rank: int, messages: Iterator[Message]) -> None:
        message = next(messages, None)
        if message is not None:
            heapq.heappush(heads, (message.log_time_ns, rank, message, messages))

    for rank, survey in enumerate(waiting):
        while heads and (heads[0][0] < survey.start_ns or len(heads) >= _MAX_OPEN):
            _, earliest, message, messages = heapq.heappop(heads)
            yield message
            push(earliest, messages)
        push(rank, _messages(survey.path))
    while heads:
        _, earliest, message, messages = heapq.heappop(heads)
        yield message
        push(earliest, messages)


def _messages(path: Path) -> Iterator[Message]:
    with wrap_errors(path):
        for file in Recording(path).files():
            for batch in file.batches():
                yield from batch


def merged_metadata(metadata: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """
    Combine the metadata of several bags.

    :return: every key with all its different values, shorter values first; keys with more than 64
        values are left out
    """
    found = {}
    for name in dict.fromkeys(name for each in metadata for name in each):
        texts = {each[name] for each in metadata if name in each}
        words = {word for text in texts for word in text.split()} if len(texts) > 1 else texts
        if len(words) <= _MAX_VALUES:
            found[name] = ' '.join(sorted(words, key=lambda word: (len(word), word)))
    return found | {'merged_bags': str(len(metadata))}
