"""Count the ticks of a fixed schedule that are due."""


class TickCounter:
    """Counts the ticks of an absolute schedule, so that being late once delays nothing after it.

    :param period_s: from one tick to the next
    :param start_s: monotonic time of tick 0
    :param most_at_once: ticks to make up for at a time; what is due beyond them is skipped
    """

    def __init__(self, period_s: float, start_s: float, most_at_once: int) -> None:
        self._period_s, self._start_s, self._most_at_once = period_s, start_s, most_at_once
        self._counted = 0
        #: ticks that came after the one that followed them was due
        self.late = 0
        #: ticks that never came
        self.skipped = 0

    def due(self, now_s: float) -> int:
        """Return how many ticks to do now, never more than have become due.

        :param now_s: monotonic time
        """
        # A timer may fire some microseconds early; the tick it was for counts.
        total = int((now_s - self._start_s) / self._period_s + 0.1)
        waiting = max(total - self._counted, 0)
        self._counted += waiting
        ticks = min(waiting, self._most_at_once)
        self.skipped += waiting - ticks
        self.late += max(ticks - 1, 0)
        return ticks
