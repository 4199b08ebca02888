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

"""Fixed-rate timing and rate limiting in wall time."""

from collections.abc import Callable
import time


class Pace:
    """
    Waits for ticks at a fixed rate.

    If a deadline has passed, it returns immediately and restarts the schedule from now.

    :param period_s: seconds from one tick to the next
    :param clock: returns the time, seconds; it must never go back
    :param sleep: waits for the given seconds, or longer
    """

    def __init__(
        self,
        period_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._period_s, self._clock, self._sleep = period_s, clock, sleep
        #: number of ticks that were missed
        self.late = 0
        self.start()

    def start(self) -> None:
        """Restart the schedule: the next tick is one period from now."""
        self._tick = self._clock() + self._period_s

    def wait(self) -> None:
        """Wait for the next tick; if it has passed, count it and restart the schedule."""
        left = self._tick - self._clock()
        if left < 0.0:
            self.late += 1
            self.start()
            return
        self._sleep(left)
        # From tick to tick, not from now, since delays of the waking up would add up.
        self._tick += self._period_s


class Throttle:
    """
    Rate limiter: allows an event once per period on average.

    Events that come once per period with jitter are all allowed, except for the first few.

    :param period_s: seconds
    :param clock: returns the time, seconds; it must never go back
    """

    def __init__(self, period_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._period_s, self._clock = period_s, clock
        self._due = clock()

    def allows(self) -> bool:
        """Return whether the event is allowed now; if so, count it."""
        now = self._clock()
        if now < self._due:
            return False
        self._due = max(self._due + self._period_s, now)
        return True
