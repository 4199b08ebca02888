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

"""Start control periods at fresh measurements instead of at timer ticks."""


class MeasurementClock:
    """
    Starts control periods at measurements, on average one per period.

    The age of a measurement adds to the latency of the control loop. So a period starts when the
    measurement nearest to its scheduled time arrives. If none arrives in time, it starts without.
    The schedule is absolute: a late or early period does not shift later ones.

    :param period_s: time between the starts of two periods, seconds
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._due_s: float | None = None
        self._measured_s = 0.0
        self._interval_s = 0.0  # between the last two measurements

    def measured(self, now_s: float) -> bool:
        """
        Note a measurement; return whether a period starts with it.

        :param now_s: monotonic time
        """
        # After a pause, the interval between two measurements does not predict the next one.
        self._interval_s = min(now_s - self._measured_s, self._period_s)
        self._measured_s = now_s
        if self._due_s is None:
            self._due_s = now_s
        # Otherwise the next measurement is nearer to the scheduled time than this one.
        return self._begins(now_s, self._due_s - self._interval_s / 2)

    def overdue(self, now_s: float) -> bool:
        """
        Return whether a period starts without a measurement, because none arrived in time.

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
