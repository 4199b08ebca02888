"""The list of episodes in bags, read little by little, also while more are recorded."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from her_ros.bags.sources import expand
from her_ros.bags.stream import EpisodeStream
from her_ros.episodes.episode import Episode
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.goal_task import GoalTask
from her_ros.view.browser.outcome import outcome

# The last episodes stay in memory up to this many bytes; others are read again when chosen.
_MEMORY = 128 << 20
# Episodes of a bag that are taken for its neighbours.
_NEIGHBOURS = 64
# A bag that changed less than this before it was read may be in use by a recorder, seconds.
_FRESH_S = 60.0
# After reading a bag that grows, so many times the reading passes before it is read again.
_REST = 10.0


_END = object()


class Entry(NamedTuple):
    """One episode of the list."""

    #: counted from 1, in the order of the bags
    number: int
    bag: Path
    #: counted from 0, in the order in which the episodes of the bag ended
    place: int
    task: GoalTask
    #: number of moves
    length: int
    is_success: bool
    #: sum of the rewards
    total_reward: float
    #: of the policy that acted, such as ``12``; ``3–4`` if it was replaced meanwhile
    version: str
    #: how it ended, in a few words
    outcome: str
    #: distance that was left, metres
    missed_m: float


class _Watched(NamedTuple):
    """A bag that may not be complete yet."""

    size: int
    changed_ns: int
    #: when it may be read again, monotonic seconds
    again_at: float

    @property
    def is_fresh(self) -> bool:
        """Whether it was changed so recently that a recorder may still write it."""
        return time.time() - self.changed_ns / 1e9 < _FRESH_S

    def differs(self, other: '_Watched') -> bool:
        """Tell whether it was changed meanwhile."""
        return (self.size, self.changed_ns) != (other.size, other.changed_ns)


class Library:
    """Episodes of bags.

    A bag that was just written, or is damaged, is read again when it has changed.

    :param find: lists the bags, in their order; called again for more of them
    :param task: task that the bags must be of; None: as they say
    """

    def __init__(self, find: Callable[[], list[Path]], task: GoalTask | None = None) -> None:
        self._find, self._task = find, task
        #: number of episodes that are listed of each bag
        self._known: dict[Path, int] = {}
        self._waiting: list[Path] = []
        self._watched: dict[Path, _Watched] = {}
        self._reading: Iterator[None] | None = None
        self._kept: OrderedDict[int, Episode] = OrderedDict()
        self._kept_bytes = 0
        #: in the order of reading
        self.entries: list[Entry] = []
        #: the last fault of each bag, and of their folder, a line each
        self.faults: dict[Path | None, str] = {}

    @property
    def is_reading(self) -> bool:
        """Whether there is more to read."""
        return self._reading is not None or bool(self._waiting)

    def look(self) -> None:
        """Look for bags that were not there before, and for those that were changed since."""
        try:
            found = self._find()
        except (HerRosError, OSError) as error:  # a folder that was removed, or is being moved
            self.faults[None] = str(error)
            return
        self.faults.pop(None, None)
        self._waiting += [path for path in found if path not in self._known]
        self._known.update({path: 0 for path in self._waiting if path not in self._known})
        for path, last in [*self._watched.items()]:
            present = _watched(path)
            if present is None:
                del self._watched[path]
            elif not last.differs(present):
                if path not in self.faults and not present.is_fresh:
                    del self._watched[path]
            elif time.monotonic() >= last.again_at:
                del self._watched[path]
                self._waiting.append(path)

    def read(self, seconds: float) -> None:
        """Read on for about this time."""
        until = time.monotonic() + seconds
        while self.is_reading and time.monotonic() < until:
            if self._reading is None:
                self._reading = self._read(self._waiting.pop(0))
            if next(self._reading, _END) is _END:
                self._reading = None

    def search(self, entry: Entry) -> Iterator[Episode | None]:
        """Read on until an episode is found, a part at a time.

        :return: None while it is not found, then the episode
        :raises HerRosError: if its bag is no longer there, or damaged since
        """
        kept = self._kept.get(entry.number)
        if kept is not None:
            self._kept.move_to_end(entry.number)
            yield kept
            return
        for place, (_, episode) in enumerate(self._stream(entry.bag)):
            if place == entry.place:
                self._keep(entry.number, episode)
                yield episode
                return
            yield None
        raise HerRosError(
            f'has no episode {entry.place + 1} any more', 'start the view again', entry.bag
        )

    def neighbours(self, entry: Entry) -> list[Episode]:
        """Return the nearest other episodes of an episode's bag that are in memory."""
        same = [
            each
            for each in self.entries
            if each.bag == entry.bag and each.number in self._kept and each != entry
        ]
        same.sort(key=lambda each: abs(each.place - entry.place))
        return [self._kept[each.number] for each in same[:_NEIGHBOURS]]

    def _stream(self, path: Path) -> EpisodeStream:
        return EpisodeStream(path, self._task, on_bad=lambda fault: None)

    def _read(self, path: Path) -> Iterator[None]:
        """List the episodes of a bag that are not listed yet; yield after each one."""
        begin, before, known = time.monotonic(), _watched(path), self._known[path]
        self.faults.pop(path, None)
        stream = EpisodeStream(
            path, self._task, on_bad=lambda fault: self._note(path, f'{path}: {fault}')
        )
        try:
            for place, (_, episode) in enumerate(stream):
                assert stream.task is not None  # known once the first message is read
                if place >= known:
                    self._add(path, place, episode, stream.task)
                    self._known[path] = place + 1
                yield
        except (HerRosError, OSError) as error:
            self._note(path, str(error))
        if before is not None and (before.is_fresh or path in self.faults):
            rest_s = _REST * (time.monotonic() - begin)
            self._watched[path] = before._replace(again_at=time.monotonic() + rest_s)

    def _note(self, path: Path, fault: str) -> None:
        self.faults[path] = fault

    def _keep(self, number: int, episode: Episode) -> None:
        """Keep an episode in memory, and drop those that were not used for longest."""
        # A copy, as the rows may be a part of a larger piece of the bag.
        self._kept[number] = Episode(episode.rows.copy())
        self._kept_bytes += episode.rows.nbytes
        while self._kept_bytes > _MEMORY:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= dropped.rows.nbytes

    def _add(self, path: Path, place: int, episode: Episode, task: GoalTask) -> None:
        number = len(self.entries) + 1
        missed = task.distance(episode.achieved_goal[-1], episode.desired_goal)
        versions = np.unique(episode.rows['policy_version'][1:]).tolist()
        self.entries.append(
            Entry(
                number,
                path,
                place,
                task,
                len(episode),
                episode.is_success,
                float(episode.reward.sum()),
                '–'.join(map(str, dict.fromkeys([versions[0], versions[-1]]))),
                outcome(episode, task),
                float(missed),
            )
        )
        self._keep(number, episode)


def _watched(path: Path) -> _Watched | None:
    """Return how a bag, a file or a directory, is now; None: it is not there."""
    try:
        files = [*path.iterdir()] if path.is_dir() else [path]
        found = [each.stat() for each in files]
    except OSError:
        return None
    changed_ns = max((each.st_mtime_ns for each in found), default=0)
    return _Watched(sum(each.st_size for each in found), changed_ns, 0.0)


def bags_at(path: Path) -> Callable[[], list[Path]]:
    """Return what lists the bags at a path, see :func:`her_ros.bags.sources.expand`."""
    return lambda: expand([path])


def bags_in(folder: Path) -> Callable[[], list[Path]]:
    """Return what lists the finished bags in a folder of a run, of which there may be none."""
    return lambda: sorted(folder.glob('*.mcap')) if folder.is_dir() else []
