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

"""The list of episodes in bags, read little by little, also while more are recorded."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
import time
from typing import NamedTuple

from her_ros.bags.sources import expand, files_of
from her_ros.bags.stream import EpisodeStream
from her_ros.episodes.episode import Episode
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.goal_task import GoalTask
from her_ros.view.browser.outcome import outcome
import numpy as np

# The last episodes stay in memory up to this many bytes; others are read again when chosen.
_MEMORY = 128 << 20
# Episodes of a bag that are taken for its neighbours.
_NEIGHBOURS = 64
# After reading a bag that grows, so many times the reading passes before it is read again.
_REST = 10.0


_END = object()


class Key(NamedTuple):
    """What identifies an episode within its bag; its place there changes while the bag grows."""

    topic: str
    session: int
    env: int
    episode: int


class Entry(NamedTuple):
    """One episode of the list."""

    #: counted from 1, in the order of reading
    number: int
    bag: Path
    key: Key
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


class _State(NamedTuple):
    """How a bag was when it was last read."""

    size: int
    changed_ns: int


class Library:
    """
    Episodes of bags.

    A bag is read on when it has changed, whether it was damaged or not.

    :param find: lists the bags, in their order; called again for more of them
    :param task: task that the bags must be of; None: as they say
    """

    def __init__(self, find: Callable[[], list[Path]], task: GoalTask | None = None) -> None:
        self._find, self._task = find, task
        #: the episodes that are listed of each bag
        self._known: dict[Path, set[Key]] = {}
        self._waiting: list[Path] = []
        #: of each bag that was read: how it was, and when it may be read again, monotonic seconds
        self._read_bags: dict[Path, tuple[_State, float]] = {}
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
        self._known.update({path: set() for path in self._waiting if path not in self._known})
        for path, (last, again_at) in [*self._read_bags.items()]:
            present = _state_of(path)
            if present not in (None, last) and time.monotonic() >= again_at:
                del self._read_bags[path]
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
        """
        Read on until an episode is found, a part at a time.

        :return: None while it is not found, then the episode
        :raises HerRosError: if its bag is no longer there, or damaged since
        """
        kept = self._kept.get(entry.number)
        if kept is not None:
            self._kept.move_to_end(entry.number)
            yield kept
            return
        for topic, episode in self._stream(entry.bag):
            if _key_of(topic, episode) == entry.key:
                self._keep(entry.number, episode)
                yield episode
                return
            yield None
        raise HerRosError(
            f'has no episode {entry.key.episode} of env {entry.key.env} any more',
            'start the view again',
            entry.bag,
        )

    def neighbours(self, entry: Entry) -> list[Episode]:
        """Return the nearest other episodes of an episode's bag that are in memory."""
        same = [
            each
            for each in self.entries
            if each.bag == entry.bag and each.number in self._kept and each != entry
        ]
        same.sort(key=lambda each: abs(each.number - entry.number))
        return [self._kept[each.number] for each in same[:_NEIGHBOURS]]

    def _stream(self, path: Path) -> EpisodeStream:
        return EpisodeStream(path, self._task, on_bad=lambda fault: None)

    def _read(self, path: Path) -> Iterator[None]:
        """List the episodes of a bag that are not listed yet; yield after each one."""
        begin, before, known = time.monotonic(), _state_of(path), self._known[path]
        self.faults.pop(path, None)
        stream = EpisodeStream(
            path, self._task, on_bad=lambda fault: self._note(path, f'{path}: {fault}')
        )
        try:
            for topic, episode in stream:
                assert stream.task is not None  # known once the first message is read
                key = _key_of(topic, episode)
                if key not in known:
                    self._add(path, key, episode, stream.task)
                    known.add(key)
                yield
        except (HerRosError, OSError) as error:
            self._note(path, str(error))
        end = time.monotonic()
        self._read_bags[path] = before or _State(0, 0), end + _REST * (end - begin)

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

    def _add(self, path: Path, key: Key, episode: Episode, task: GoalTask) -> None:
        number = len(self.entries) + 1
        missed = task.distance(episode.achieved_goal[-1], episode.desired_goal)
        versions = np.unique(episode.rows['policy_version'][1:]).tolist()
        self.entries.append(
            Entry(
                number,
                path,
                key,
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


def _key_of(topic: str, episode: Episode) -> Key:
    first = episode.rows[0]
    return Key(topic, int(first['session']), int(first['env']), int(first['episode']))


def _state_of(path: Path) -> _State | None:
    """Return how a bag, a file or a directory, is now; None: it is not there."""
    try:
        found = [each.stat() for each in files_of(path)]
    except OSError:
        return None
    changed_ns = max((each.st_mtime_ns for each in found), default=0)
    return _State(sum(each.st_size for each in found), changed_ns)


def bags_at(path: Path) -> Callable[[], list[Path]]:
    """Return what lists the bags at a path, see :func:`her_ros.bags.sources.expand`."""
    return lambda: expand([path])


def bags_in(folder: Path) -> Callable[[], list[Path]]:
    """Return what lists the finished bags in a folder of a run, of which there may be none."""
    return lambda: sorted(folder.glob('*.mcap')) if folder.is_dir() else []
