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

"""Count the ticks of a fixed schedule that are due."""


class TickCounter:
    """
    Counts the ticks of an absolute schedule, so that one late tick does not delay later ones.

    :param period_s: from one tick to the next
    :param start_s: monotonic time of tick 0
    :param most_at_once: most ticks returned per call; further due ticks are skipped
    """

    def __init__(self, period_s: float, start_s: float, most_at_once: int) -> None:
        self._period_s, self._start_s, self._most_at_once = period_s, start_s, most_at_once
        self._counted = 0
        #: ticks returned after the following tick was due
        self.late = 0
        #: ticks skipped
        self.skipped = 0

    def due(self, now_s: float) -> int:
        """
        Return the number of ticks to run now, never more than are due.

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
