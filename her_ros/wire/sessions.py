"""Selection of one environment process where several publish on one topic."""

import time
from collections.abc import Callable
from typing import Protocol

from her_ros.wire.rows import Rows

# A replacement waits so long for the last messages of the session before it, seconds.
_SILENCE_S = 0.5
# A session whose publisher is not known for certain may be replaced after this silence, seconds.
_UNCERTAIN_SILENCE_S = 5.0
# A session of fewer messages may come from a sender that is there by mistake.
_FEWEST_MESSAGES = 10
_ASK_INTERVAL_S = 0.2


class Source(Protocol):
    """What is known about the publishers of a topic."""

    def remember(self) -> None:
        """Note who publishes now."""

    def left(self) -> bool | None:
        """Tell whether those noted have left; None: one of them may have."""


class UnknownSource:
    """A topic whose publishers cannot be told."""

    def remember(self) -> None:
        """Do nothing."""

    def left(self) -> bool | None:
        """Tell that nothing is known."""
        return None


class Sessions:
    """Admits one session at a time: the first one stays until its publisher has left.

    An environment draws a session when it starts, so one that was restarted has another. It is
    admitted as soon as the publisher of the session before is gone. A session that is merely
    silent, as between rollouts, keeps its place; another one that sends meanwhile is refused and
    counted. Fewer than ten messages make no claim: after 0.5 s of silence another session may
    follow.

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
        """Note a message; return its rows if their session is the one to be heard, else none.

        A message is of one session, that of its first row; other rows are left out.
        """
        if not len(rows):
            return rows
        is_own = rows['session'] == rows['session'][0]
        if not self.admits(int(rows['session'][0])):
            return rows[:0]
        return rows if is_own.all() else rows[is_own]

    def admits(self, session: int) -> bool:
        """Note a message; tell whether its session is the one to be heard."""
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
        """Tell whether another session may follow the present one."""
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
