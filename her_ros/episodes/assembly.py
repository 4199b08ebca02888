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

"""Assemble episodes from an endless stream of ``step`` rows in bounded memory."""

from collections import OrderedDict
from collections.abc import Sequence

from her_ros.episodes.episode import Episode
from her_ros.episodes.splitting import episode_parts, is_end
from her_ros.wire.rows import joined, Rows

# A recording sorted by stamps lets a clock that was set back interleave this many episodes of an
# environment; in the order of arrival there is never more than one.
_OPEN_EPISODES = 16
# Repeats are distinguished from new episodes as far back as this.
_REMEMBERED_EPISODES = 1 << 16
# Four environment nodes of the largest size. A restarted environment draws a new session, so the
# old one gets no more rows.
_OPEN_ENVIRONMENTS = 4096
# Rows of 1,024 mazes with long episodes take half of it.
_MOST_BYTES = 512 << 20
# Overhead of an episode, and of each of its parts, beside the rows, bytes.
_OVERHEAD = 512
# Rows of an unfinished episode from which on repeats are removed.
_MANY_ROWS = 1024

_Source = tuple[str, int, int]


class EpisodeAssembler:
    """
    Collects the rows of ``step`` topics and returns finished episodes.

    Episodes are identified by (topic, session, env, episode), never by time.
    :func:`her_ros.episodes.splitting.episode_parts` defines which are finished. At most the 16
    most recent unfinished episodes per environment are kept, and those of the 4,096 most recent
    environments; together they take at most ``most_bytes``. Dropped rows are counted in
    ``left_over``.

    :param most_bytes: memory for the rows of unfinished episodes
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._environments: OrderedDict[_Source, _Environment] = OrderedDict()
        # Oldest first; later rows of these episodes are repeats.
        self._finished: OrderedDict[tuple[_Source, int], None] = OrderedDict()
        self._most_bytes, self._held_bytes = most_bytes, 0
        self._dropped = 0

    @property
    def left_over(self) -> int:
        """Return the number of rows so far that belong to no finished episode."""
        return self._dropped + sum(env.left_over for env in self._environments.values())

    @property
    def unfinished(self) -> list[tuple[str, int, int, int]]:
        """Topic, session, env and episode of each unfinished episode."""
        return [
            (*source, number)
            for source, environment in self._environments.items()
            for number in environment.unfinished
        ]

    def take(self, messages: Sequence[Rows], topic: str = '') -> list[Episode]:
        """
        Add the rows of some messages.

        :param messages: structured rows per message, in the order of the recording
        :param topic: topic of the messages
        :return: the episodes that they finish, ordered by (session, episode, env)
        """
        if not messages:
            return []
        found = []
        for part, is_finished in episode_parts(joined(messages)):
            source = topic, int(part['session'][0]), int(part['env'][0])
            key = source, int(part['episode'][0])
            if key in self._finished:
                continue
            rows = self._whole(source, key[1], part, is_finished)
            if rows is not None:
                found.append(Episode(rows))
                self._finished[key] = None
                if len(self._finished) > _REMEMBERED_EPISODES:
                    self._finished.popitem(last=False)
        return found

    def _whole(self, source: _Source, number: int, part: Rows, is_finished: bool) -> Rows | None:
        """Add rows of an episode; return all its rows if they finish it."""
        environment = self._environments.get(source)
        if is_finished and (environment is None or number not in environment.unfinished):
            return part
        if environment is None:
            environment = self._environments[source] = _Environment()
        self._environments.move_to_end(source)
        rows = environment.take(number, part)
        self._held_bytes += environment.grown()
        while self._held_bytes > self._most_bytes or len(self._environments) > _OPEN_ENVIRONMENTS:
            _, ended = self._environments.popitem(last=False)
            self._held_bytes -= ended.size
            self._dropped += ended.left_over
        return rows


class _Environment:
    """The most recent unfinished episodes of one environment."""

    def __init__(self) -> None:
        self.unfinished: OrderedDict[int, _Unfinished] = OrderedDict()
        #: memory when :meth:`grown` was called, bytes
        self.size = 0
        self._dropped = 0

    @property
    def left_over(self) -> int:
        return self._dropped + sum(each.count() for each in self.unfinished.values())

    def grown(self) -> int:
        """Return the growth in bytes since the last call."""
        before = self.size
        self.size = _OVERHEAD + sum(each.size for each in self.unfinished.values())
        return self.size - before

    def take(self, number: int, part: Rows) -> Rows | None:
        """Add rows of an episode; return all its rows if they finish it."""
        if number not in self.unfinished:
            self.unfinished[number] = _Unfinished()
        rows = self.unfinished[number].add(part)
        self.unfinished.move_to_end(number)
        if rows is not None:
            del self.unfinished[number]
        elif len(self.unfinished) > _OPEN_EPISODES:
            self._dropped += self.unfinished.popitem(last=False)[1].count()
        return rows


class _Unfinished:
    """The rows so far of one episode."""

    def __init__(self) -> None:
        self._parts: list[Rows] = []
        self._count, self._limit = 0, _MANY_ROWS
        self._has_end = False
        # Whether the parts hold the steps 0, 1, 2 … each once; nothing has to be sorted then.
        self._is_in_order = True

    @property
    def size(self) -> int:
        """Memory in use, bytes."""
        return self._count * self._parts[0].itemsize + _OVERHEAD * (len(self._parts) + 1)

    def add(self, part: Rows) -> Rows | None:
        """Add rows; return those of the whole episode if it is finished now."""
        # A view would keep the whole array alive that was read with it.
        self._parts.append(joined([part]))
        steps = part['step']
        self._is_in_order &= (
            int(steps[0]) == self._count and int(steps[-1]) - self._count == len(part) - 1
        )
        self._count += len(part)
        self._has_end |= bool(is_end(part).any())
        if self._count >= self._limit:
            # A sender that gets no answers repeats its rows for hours.
            self._limit = max(_MANY_ROWS, 2 * self.count())
        if not self._has_end:
            return None
        rows = joined(self._parts)
        if self._is_in_order:
            return rows if self._count > 1 and is_end(rows[-1:])[0] else None
        ((rows, is_finished),) = episode_parts(rows)
        return rows if is_finished else None

    def count(self) -> int:
        """Return the number of rows, each of them counted once."""
        if len(self._parts) > 1:
            ((rows, _),) = episode_parts(joined(self._parts))
            self._parts, self._count = [rows], len(rows)
        return self._count
