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

"""Latency and rate of the answers."""

from collections.abc import Callable
import time

import numpy as np

_WINDOW = 1000


class AnswerTimes:
    """
    Latencies of the last thousand answers, and the rate of answers.

    :param clock: monotonic time, seconds
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latencies_s = np.zeros(_WINDOW)
        self._reported = (clock(), 0)
        self.count = 0

    def note(self, latency_s: float) -> None:
        """Note an answer: seconds from the stamp of the observation to sending the action."""
        self._latencies_s[self.count % _WINDOW] = latency_s
        self.count += 1

    def report(self) -> dict[str, float]:
        """Return answers per second since the last report, and latencies in milliseconds."""
        (then, count), now = self._reported, self._clock()
        self._reported = (now, self.count)
        known = self._latencies_s[: self.count] if self.count else np.zeros(1)
        p50, p99 = (1e3 * np.percentile(known, (50, 99))).round(3).tolist()
        return {
            'answers_per_s': round((self.count - count) / max(now - then, 1e-9), 2),
            'latency_p50_ms': p50,
            'latency_p99_ms': p99,
        }
