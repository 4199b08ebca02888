"""The list of episodes in bags, read little by little, also while more are recorded."""

import time
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

# Episodes stay in memory up to this many bytes; others are read again when they are chosen.
_MEMORY = 128 << 20


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


class Library:
    """Episodes of bags.

    :param find: lists the bags, in their order; called again for more of them
    :param task: task that the bags must be of; None: as they say
    """

    def __init__(self, find: Callable[[], list[Path]], task: GoalTask | None = None) -> None:
        self._find, self._task = find, task
        self._known: set[Path] = set()
        self._waiting: list[Path] = []
        self._reading: Iterator[None] | None = None
        self._kept: dict[int, Episode] = {}
        self._kept_bytes = 0
        #: in the order of the bags
        self.entries: list[Entry] = []
        #: what could not be read, a line each
        self.faults: list[str] = []

    @property
    def is_reading(self) -> bool:
        """Whether there is more to read."""
        return self._reading is not None or bool(self._waiting)

    def look(self) -> None:
        """Look for bags that were not there before."""
        new = [path for path in self._find() if path not in self._known]
        self._known.update(new)
        self._waiting += new

    def read(self, seconds: float) -> None:
        """Read on for about this time."""
        until = time.monotonic() + seconds
        while self.is_reading and time.monotonic() < until:
            if self._reading is None:
                self._reading = self._read(self._waiting.pop(0))
            try:
                next(self._reading)
            except StopIteration:
                self._reading = None
            except (HerRosError, OSError) as error:
                self.faults.append(str(error))
                self._reading = None

    def episode(self, entry: Entry) -> Episode:
        """Return an episode.

        :raises HerRosError: if its bag is no longer there, or damaged since
        """
        if entry.number in self._kept:
            return self._kept[entry.number]
        stream = self._stream(entry.bag)
        for place, (_, episode) in enumerate(stream):
            if place == entry.place:
                return episode
        raise HerRosError(
            f'has no episode {entry.place + 1} any more', 'start the view again', entry.bag
        )

    def neighbours(self, entry: Entry) -> list[Episode]:
        """Return the episodes of an episode's bag that are in memory, itself among them."""
        same = [
            self._kept[each.number]
            for each in self.entries
            if each.bag == entry.bag and each.number in self._kept
        ]
        return same or [self.episode(entry)]

    def _stream(self, path: Path) -> EpisodeStream:
        return EpisodeStream(path, self._task, on_bad=lambda fault: None)

    def _read(self, path: Path) -> Iterator[None]:
        stream = EpisodeStream(
            path, self._task, on_bad=lambda fault: self.faults.append(f'{path}: {fault}')
        )
        for place, (_, episode) in enumerate(stream):
            assert stream.task is not None  # known once the first message is read
            self._add(path, place, episode, stream.task)
            yield

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
        if self._kept_bytes + episode.rows.nbytes <= _MEMORY:
            # A copy, as the rows may be a part of a larger piece of the bag.
            self._kept[number] = Episode(episode.rows.copy())
            self._kept_bytes += episode.rows.nbytes


def bags_at(path: Path) -> Callable[[], list[Path]]:
    """Return what lists the bags at a path, see :func:`her_ros.bags.sources.expand`."""
    return lambda: expand([path])


def bags_in(folder: Path) -> Callable[[], list[Path]]:
    """Return what lists the finished bags in a folder of a run, of which there may be none."""
    return lambda: sorted(folder.glob('*.mcap')) if folder.is_dir() else []
