"""Bags into episodes: our own files, and whatever `ros2 bag record` leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rosbags.rosbag2 import Reader

from her_ros.bags.errors import BagError, naming
from her_ros.bags.mcap_file import McapFile
from her_ros.core.cloud import CLOUD_TYPE, CloudDecoder
from her_ros.core.episode import Episode, split_rollout
from her_ros.core.rows import step_dtype
from her_ros.core.task import GoalTask, task_named


@dataclass(frozen=True)
class Bag:
    """The finished episodes of a bag.

    :param facts: what the writer noted (see :class:`her_ros.bags.writer.BagWriter`); of a
        directory the custom data in its metadata.yaml
    :param episodes: ordered by (topic, session, episode, env)
    :param left_over: number of rows that belong to no finished episode
    :param topics: the ``step`` topics read
    """

    path: Path
    task: GoalTask
    facts: dict[str, str]
    episodes: list[Episode]
    left_over: int
    topics: tuple[str, ...]


class _Recording(NamedTuple):
    facts: dict[str, str]
    topics: dict[str, str]
    messages: Mapping[str, Sequence[bytes | memoryview]]


def read_bag(path: Path, task: GoalTask | None = None) -> Bag:
    """Read the episodes of a bag.

    :param path: a ``.mcap`` or ``.db3`` file, or a rosbag2 directory
    :param task: what the bag has to hold; what its facts say where left out
    :raises BagError: if it is no bag, cut short, damaged, of another task, or without a finished
        episode
    """
    with naming(path):
        recording = _read(path)
        task = _agree_on_task(recording.facts, task)
        if not recording.messages:
            raise BagError(f'no step topic of type {CLOUD_TYPE}; it has {recording.topics}')
        decoder = CloudDecoder(step_dtype(task))
        episodes, left_over = [], 0
        for topic, messages in sorted(recording.messages.items()):
            with naming(f'{topic}, read as {task.name}'):
                finished, rest = split_rollout(decoder.decode(messages))
                for episode in finished:
                    episode.check(task)
                episodes += finished
                left_over += rest
        if not episodes:
            raise BagError(
                f'no finished episode; {left_over} rows of unfinished ones were dropped'
            )
    return Bag(path, task, recording.facts, episodes, left_over, tuple(recording.messages))


def read_facts(path: Path) -> dict[str, str]:
    """Read what the writer of a bag noted, without its messages.

    :raises BagError: if it is no bag, cut short or damaged
    """
    with naming(path):
        return _read(path, with_messages=False).facts


def _is_step(topic: str, message_type: str) -> bool:
    return f'/{topic}'.endswith('/step') and message_type == CLOUD_TYPE


def _read(path: Path, with_messages: bool = True) -> _Recording:
    if path.suffix == '.mcap' and not path.is_dir():
        file = McapFile(path.read_bytes(), _is_step if with_messages else None)
        return _Recording(file.facts, file.topics, file.messages)
    if path.is_dir() and not (path / 'metadata.yaml').exists():
        raise BagError('no metadata.yaml in this folder; `ros2 bag reindex` makes one for a bag')
    with Reader(path) as reader:
        facts = {
            str(key): str(value) for key, value in (reader.storage.metadata.custom or {}).items()
        }
        steps = [each for each in reader.connections if _is_step(each.topic, each.msgtype)]
        messages: dict[str, list[bytes]] = {each.topic: [] for each in steps}
        # Without a choice of connections rosbags would read all of them.
        for connection, _, cdr in reader.messages(steps) if steps and with_messages else ():
            messages[connection.topic].append(cdr)
        topics = {each.topic: each.msgtype for each in reader.connections}
    return _Recording(facts, topics, messages)


def _agree_on_task(facts: Mapping[str, str], task: GoalTask | None) -> GoalTask:
    recorded = facts.get('task')
    if task is None and recorded is None:
        raise BagError('the bag does not say of which task it is; name the task')
    if task is None:
        return task_named(str(recorded))
    if recorded not in (None, task.name):
        raise BagError(f'recorded from {recorded}, expected {task.name}')
    return task
