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

"""Rows of the replay buffer that stored episodes occupy; the oldest make room for new ones."""

from collections import deque
from typing import NamedTuple

from her_ros.runtime.errors import HerRosError


class ReplayError(HerRosError):
    """An episode that cannot be stored, or a buffer that cannot be sampled."""


class StoredEpisode(NamedTuple):
    """Place of an episode of ``length`` transitions, ``moved`` of which are listed as such."""

    first_row: int
    length: int
    moved: int


class EpisodeRows:
    """
    Places of the stored episodes, each in consecutive rows; the oldest are evicted first.

    :param capacity: number of rows
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._next_row = 0
        self._episodes: deque[StoredEpisode] = deque()  # oldest first

    def __len__(self) -> int:
        """Return the number of episodes stored."""
        return len(self._episodes)

    def check_fits(self, length: int) -> None:
        """
        Check that an episode of ``length`` transitions fits into an empty buffer.

        :raises ReplayError: if it does not
        """
        if rows_of(length) > self._capacity:
            raise ReplayError(
                f'an episode of {length} steps needs {rows_of(length)} rows, and replay_capacity'
                f' is {self._capacity}',
                'raise replay_capacity',
            )

    def has_room(self, length: int) -> bool:
        """Tell whether an episode can be stored without the eviction of another one."""
        first, rows = self._next_row, rows_of(length)
        if first + rows > self._capacity:
            return False
        return not self._episodes or not first <= self._episodes[0].first_row < first + rows

    def make_room(self, length: int) -> tuple[int, list[StoredEpisode]]:
        """
        Evict the oldest episodes until there is room.

        :return: the first free row, and the evicted episodes, oldest first
        """
        first, rows = self._next_row, rows_of(length)
        evicted = []
        if first + rows > self._capacity:
            # The rows left at the end stay empty; episodes that still lie there are the oldest.
            while self._episodes and self._episodes[0].first_row >= first:
                evicted.append(self._episodes.popleft())
            first = 0
        while self._episodes and first <= self._episodes[0].first_row < first + rows:
            evicted.append(self._episodes.popleft())
        return first, evicted

    def append(self, episode: StoredEpisode) -> None:
        """Note an episode, at the first free row."""
        self._episodes.append(episode)
        self._next_row = episode.first_row + rows_of(episode.length)


def rows_of(length: int) -> int:
    """Return the number of rows of an episode: its states, and one for its desired goal."""
    return length + 2
