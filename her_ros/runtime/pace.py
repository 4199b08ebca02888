"""Fixed-rate timing and rate limiting in wall time."""

import time
from collections.abc import Callable


class Pace:
    """Ticks once per period; who comes too late for a tick goes at once, and the ticks with it.

    :param period_s: seconds from one tick to the next
    :param clock: gives the time, seconds; it must never go back
    :param sleep: waits so many seconds, or longer
    """

    def __init__(
        self,
        period_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._period_s, self._clock, self._sleep = period_s, clock, sleep
        #: how often somebody came too late
        self.late = 0
        self.start()

    def start(self) -> None:
        """Begin the schedule anew: the next tick is one period from now."""
        self._tick = self._clock() + self._period_s

    def wait(self) -> None:
        """Wait for the next tick; where it has passed already, count that and start anew."""
        left = self._tick - self._clock()
        if left < 0.0:
            self.late += 1
            self.start()
            return
        self._sleep(left)
        # From tick to tick, not from now: what the waking up took would add up.
        self._tick += self._period_s


class Throttle:
    """Allows something once per period on average, however often it is asked.

    What comes once per period, now early and now late, is allowed every time but the first few.

    :param period_s: seconds
    :param clock: gives the time, seconds; it must never go back
    """

    def __init__(self, period_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._period_s, self._clock = period_s, clock
        self._due = clock()

    def allows(self) -> bool:
        """Tell whether it is time, and if so note that it is being done."""
        now = self._clock()
        if now < self._due:
            return False
        self._due = max(self._due + self._period_s, now)
        return True
