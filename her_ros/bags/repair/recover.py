"""Recover the readable messages of a damaged bag into a new rosbag2 directory."""

from dataclasses import dataclass, field
from pathlib import Path

from her_ros.bags.errors import BagError, RecoverableError, naming
from her_ros.bags.recording import Recording, Storage
from her_ros.bags.repair.directory import DirectoryWriter
from her_ros.bags.storage.messages import OnDamage
from her_ros.bags.stream import EpisodeStream
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.goal_task import GoalTask

# Lines about damage that are kept; a file can have as many as messages.
_MOST_DAMAGE = 100


@dataclass
class Recovered:
    """What came of it."""

    path: Path
    #: messages by topic
    counts: dict[str, int] = field(default_factory=dict)
    #: what was found broken, and so may have cost messages, in words
    damage: list[str] = field(default_factory=list)
    #: finished episodes; None where the rows are of no known task, or of one that nobody named
    episodes: int | None = None
    #: why episodes could not be counted
    not_counted: str = ''


def default_output(path: Path) -> Path:
    """Return ``<bag>_recovered`` beside a bag, without the endings of a bare file."""
    path = path.absolute()
    name = path.name
    if not path.is_dir():
        for end in ('.zstd', '.mcap', '.db3'):
            name = name.removesuffix(end)
    return path.with_name(f'{name}_recovered')


def recover(path: Path, out: Path | None = None, task: GoalTask | None = None) -> Recovered:
    """Write every message that can be read into a new rosbag2 directory.

    Nothing is left out by what it says: rows that fit no task are messages as others are. A chunk
    whose checksum is wrong is left out. The damaged bag stays as it is.

    :param path: a bare bag or a rosbag2 directory
    :param out: where the new one goes; :func:`default_output` where left out
    :param task: by which to count episodes, if the bag does not say
    :raises BagError: if there is nothing to read, or ``out`` exists or cannot be written
    """
    result = Recovered(out or default_output(path))

    untold = 0

    def on_damage(damage: BagError) -> None:
        nonlocal untold
        if len(result.damage) >= _MOST_DAMAGE:
            untold += 1
            return
        # The cure of a recoverable error is to run this function.
        is_cured = isinstance(damage, RecoverableError)
        result.damage.append(damage.complaint if is_cured else str(damage))

    with naming(path):
        if not path.exists():
            raise BagError('no such file or folder')
        recording = Recording(path, on_damage)
    with DirectoryWriter(result.path) as writer:
        facts: dict[str, str] = {}
        for file in recording.files():
            _copy(file, writer, on_damage)
            facts |= file.facts
        if not writer.counts:
            reasons = '; '.join(result.damage) or 'it holds none'
            raise BagError(f'not one message can be read: {reasons}', source=path)
        writer.close(facts | {'recovered_from': path.name})
    if untold:
        result.damage.append(f'{untold} more like these')
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
            with naming(file.path.name):
                batch = next(batches, None)
        except BagError as error:  # a disk that fails; other damage was told already
            on_damage(error)
            batch = None
        if batch is None:
            break
        for message in batch:
            writer.write(message)
    for attachment in file.attachments:
        writer.attach(attachment)
