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

"""Watchdog thread that stops a robot when observations cease."""

from collections.abc import Callable
import math
import threading
import time

from her_ros.policy.state import State

# A due time that never comes.
_NEVER = math.inf


class Watchdog:
    """
    Sends the safe action when it was not fed for too long, and repeats it until the stop ends.

    It holds :attr:`lock` while it sends, and counts the stop in :attr:`stops`. Code that computes
    an action reads that number first, and sends the action only if it holds the lock and the
    number is unchanged. So no action computed before a stop is sent after it.

    :param deadline_s: longest time between two calls of :meth:`feed`, seconds
    :param period_s: time from one safe action to the next, seconds
    :param latching: whether only an activation ends a stop
    :param bring_safe_action: sends the safe action; called with the lock held, from the watchdog's
        thread or from the thread that stops it
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
        #: number of stops, and how many of them because a deadline passed
        self.stops = 0
        self.missed_deadlines = 0
        #: reason why the last safe action could not be sent; empty if it was sent
        self.problem = ''

    def activate(self) -> None:
        """Allow actions; the deadline starts with the first call of :meth:`feed`."""
        with self.lock:
            self.state, self._due = State.ACTING, _NEVER

    def deactivate(self) -> None:
        """Send the safe action, and allow no actions until the next activation."""
        with self.lock:
            if self.state is State.INACTIVE:
                return
            self.stops += 1
            self.state, self._due = State.INACTIVE, _NEVER
            self._bring_safe_action()

    def feed(self) -> bool:
        """Note a fresh observation; return whether it may be acted upon."""
        with self.lock:
            if self.state is State.STOPPED:
                self.state = State.ACTING
            if self.state is not State.ACTING:
                return False
            was_due, self._due = self._due, self._clock() + self._deadline_s
            if was_due == _NEVER:
                # Only then, since waking the thread for every observation would be expensive.
                self._changed.notify()
            return True

    def rest(self) -> None:
        """Expect nothing until it is fed again, because the episode has ended."""
        with self.lock:
            self._due = _NEVER
            if self.state is State.STOPPED:
                self.state = State.ACTING

    def stop(self) -> None:
        """Stop now."""
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
        """Stop if the deadline has passed; return the seconds until the next check."""
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
        """Thread id of the operating system; None before the thread is started."""
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
                    # Try again in the next period instead of ending the thread.
                    wait_s, self.problem = self._period_s, f'no safe action: {error!r}'
                self._changed.wait(None if wait_s == _NEVER else max(wait_s, 0.0))
