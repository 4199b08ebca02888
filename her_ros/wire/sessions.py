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

"""Selection of one environment process where several publish on one topic."""

from collections.abc import Callable
import time
from typing import Protocol

from her_ros.wire.rows import Rows

# Silence after which a session whose publisher has left may be replaced, seconds.
_SILENCE_S = 0.5
# Silence after which a session may be replaced if its publisher is uncertain, seconds.
_UNCERTAIN_SILENCE_S = 5.0
# A session with fewer messages may come from a sender that was started by mistake.
_FEWEST_MESSAGES = 10
_ASK_INTERVAL_S = 0.2


class Source(Protocol):
    """Knowledge about the publishers of a topic."""

    def remember(self) -> None:
        """Store the current publishers."""

    def left(self) -> bool | None:
        """Return whether the stored publishers have left; None if one of them may have left."""


class UnknownSource:
    """A topic whose publishers are unknown."""

    def remember(self) -> None:
        """Do nothing."""

    def left(self) -> bool | None:
        """Return None: nothing is known."""
        return None


class Sessions:
    """
    Admits one session at a time: the first one stays until its publisher has left.

    An environment draws a session when it starts, so a restarted one has another. The new session
    is admitted as soon as the publisher of the previous one is gone. A silent session, as between
    rollouts, stays admitted; messages of other sessions are refused and counted. A session of
    fewer than ten messages may be replaced after 0.5 s of silence.

    :param source: the publishers of the topic
    :param clock: monotonic time, seconds
    """

    def __init__(
        self, source: Source | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source or UnknownSource()
        self._clock = clock
        self._session: int | None = None
        self._messages = 0
        self._heard_at = self._asked_at = -float('inf')
        #: messages of other sessions refused so far
        self.refused = 0

    def heard(self, rows: Rows) -> Rows:
        """
        Note a message; return its rows if their session is admitted, otherwise none.

        A message is of one session, that of its first row; other rows are left out.
        """
        if not len(rows):
            return rows
        is_own = rows['session'] == rows['session'][0]
        if not self.admits(int(rows['session'][0])):
            return rows[:0]
        return rows if is_own.all() else rows[is_own]

    def admits(self, session: int) -> bool:
        """Note a message; return whether its session is admitted."""
        now = self._clock()
        if session != self._session:
            if self._session is not None and not self._may_end(now):
                self.refused += 1
                return False
            self._session, self._messages = session, 0
            self._source.remember()
        self._messages += 1
        self._heard_at = now
        return True

    def _may_end(self, now: float) -> bool:
        """Return whether another session may replace the current one."""
        silence_s = now - self._heard_at
        if silence_s < _SILENCE_S:
            return False
        if self._messages < _FEWEST_MESSAGES:
            return True
        # Listing publishers takes longer than refusing a message.
        if now - self._asked_at < _ASK_INTERVAL_S:
            return False
        self._asked_at = now
        left = self._source.left()
        return silence_s >= _UNCERTAIN_SILENCE_S if left is None else left
