"""Watchdog thread that stops a robot when observations cease."""

import math
import threading
import time
from collections.abc import Callable

from her_ros.policy.state import State

#: a due time that never comes, and how long the thread sleeps then
_NEVER = math.inf


class Watchdog:
    """Brings the safe action when nothing has fed it for too long, and again until that ends.

    It holds :attr:`lock` while it does, and counts the stop in :attr:`stops`. Whoever takes time
    over an action notes that number first, and lets the action go only with the lock held and the
    number unchanged: so no action follows a stop that it does not know of.

    :param deadline_s: stop when nothing fed it for so long
    :param period_s: time from one safe action to the next, seconds
    :param latching: whether only an activation ends a stop
    :param bring_safe_action: called with the lock held, from the thread or from who stops it
    :param clock: monotonic time, seconds
    """

    def __init__(
        self,
        deadline_s: float,
        period_s: float,
        latching: bool,
        bring_safe_action: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deadline_s = deadline_s
        self._period_s = period_s
        self._latching = latching
        self._bring_safe_action = bring_safe_action
        self._clock = clock
        self._changed = threading.Condition()
        self._due = _NEVER
        self._closed = False
        self._thread: threading.Thread | None = None
        self.lock = self._changed
        self.state = State.INACTIVE
        #: stops for any reason; how many of them because a deadline passed
        self.stops = 0
        self.missed_deadlines = 0
        #: why the last safe action could not be brought; empty: it could
        self.problem = ''

    def activate(self) -> None:
        """Let actions leave; nothing is due before something fed it."""
        with self.lock:
            self.state, self._due = State.ACTING, _NEVER

    def deactivate(self) -> None:
        """Bring the safe action, and let nothing leave any more."""
        with self.lock:
            if self.state is State.INACTIVE:
                return
            self.stops += 1
            self.state, self._due = State.INACTIVE, _NEVER
            self._bring_safe_action()

    def feed(self) -> bool:
        """Note a fresh observation; tell whether it may be acted upon."""
        with self.lock:
            if self.state is State.STOPPED:
                self.state = State.ACTING
            if self.state is not State.ACTING:
                return False
            was_due, self._due = self._due, self._clock() + self._deadline_s
            if was_due == _NEVER:
                # Only then: to wake the thread for every observation would cost more than it does.
                self._changed.notify()
            return True

    def rest(self) -> None:
        """Expect nothing until it is fed again: the episode has ended."""
        with self.lock:
            self._due = _NEVER
            if self.state is State.STOPPED:
                self.state = State.ACTING

    def stop(self) -> None:
        """Stop now, whatever was fed."""
        with self.lock:
            if self.state is State.INACTIVE:
                return
            self.stops += 1
            self.state = State.LATCHED if self._latching else State.STOPPED
            if self._due != _NEVER:
                self._due = self._clock() + self._period_s
                self._changed.notify()
            self._bring_safe_action()

    def tick(self) -> float:
        """Look at the clock, and stop if it is time; return the seconds until the next look."""
        with self.lock:
            if self._clock() >= self._due:
                if self.state is State.ACTING:
                    self.missed_deadlines += 1
                    self.stop()
                else:
                    self._due = self._clock() + self._period_s
                    self._bring_safe_action()
            return self._due - self._clock()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name='watchdog', daemon=True)
        self._thread.start()

    @property
    def thread_id(self) -> int | None:
        """The thread, as the operating system numbers it, once it is started."""
        return None if self._thread is None else self._thread.native_id

    def close(self) -> None:
        """Deactivate, and end the thread."""
        self.deactivate()
        with self.lock:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with self.lock:
            while not self._closed:
                try:
                    wait_s, self.problem = self.tick(), ''
                except Exception as error:
                    # Whatever went wrong, the next period may go right; giving up cannot.
                    wait_s, self.problem = self._period_s, f'no safe action: {error!r}'
                self._changed.wait(None if wait_s == _NEVER else max(wait_s, 0.0))
