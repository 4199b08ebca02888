"""Start control periods at fresh measurements instead of at timer ticks."""


class MeasurementClock:
    """Begins control periods with measurements, on average one per period.

    What is decided upon a measurement that is old by some milliseconds comes late by as much. So a
    period begins when the measurement nearest to its schedule comes, and only where none comes
    without one. The schedule is absolute: a period that began late or early changes no later one.

    :param period_s: from one beginning to the next
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._due_s: float | None = None
        self._measured_s = 0.0
        self._interval_s = 0.0  # between the last two measurements

    def measured(self, now_s: float) -> bool:
        """Note that a measurement came; tell whether a period begins with it.

        :param now_s: monotonic time
        """
        # After a pause the distance of two measurements says nothing of the next.
        self._interval_s = min(now_s - self._measured_s, self._period_s)
        self._measured_s = now_s
        if self._due_s is None:
            self._due_s = now_s
        # The next one would come later than the schedule by more than this one comes too early.
        return self._begins(now_s, self._due_s - self._interval_s / 2)

    def overdue(self, now_s: float) -> bool:
        """Tell whether a period begins although the measurement for it did not come.

        :param now_s: monotonic time
        """
        if self._due_s is None:
            self._due_s = now_s + self._period_s
        return self._begins(now_s, self._due_s + self._period_s / 2)

    def _begins(self, now_s: float, from_s: float) -> bool:
        if now_s < from_s:
            return False
        assert self._due_s is not None
        self._due_s += self._period_s
        if self._due_s <= now_s:
            self._due_s = now_s + self._period_s
        return True
