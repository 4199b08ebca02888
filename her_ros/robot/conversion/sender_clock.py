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

"""Compare the clock that stamped a recorded topic with the recorder's clock."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A stamp whose offset differs from the median by more belongs to another clock setting.
_JUMP_S = 1.0


class SenderClock:
    """
    Converts stamps of one topic to times of the recording.

    Differences between stamps are exact. Their absolute times are valid only if the sender's clock
    agrees with the recorder's; otherwise all stamps are shifted by the median difference.

    :param ages_s: time of recording minus stamp of every stamped message, seconds, shape (n,)
    :param unstamped: number of messages stamped 0
    :param limit_s: largest difference of clocks that agree, in either direction
    """

    def __init__(self, ages_s: Floats, unstamped: int, limit_s: float) -> None:
        self._count, self._unstamped, self._limit_s = len(ages_s), unstamped, limit_s
        #: median of ``ages_s``, seconds
        self.behind_s = float(np.median(ages_s)) if len(ages_s) else 0.0
        self.agrees = abs(self.behind_s) <= limit_s
        self._shift_s = 0.0 if self.agrees else self.behind_s
        off_s = np.abs(ages_s - self.behind_s)
        self._jumped = int((off_s > _JUMP_S).sum())
        self._farthest_s = float(off_s.max(initial=0.0))

    def time_s(self, stamp_ns: int, recorded_ns: int, start_ns: int) -> float:
        """
        Return the time of a measurement: seconds since ``start_ns`` of the recording.

        :param stamp_ns: by the sender's clock, nanoseconds; 0: none
        :param recorded_ns: by the recorder's clock, nanoseconds
        """
        age_s = (recorded_ns - stamp_ns) / 1e9
        if not stamp_ns or abs(age_s - self.behind_s) > _JUMP_S:
            return (recorded_ns - start_ns) / 1e9
        return (stamp_ns - start_ns) / 1e9 + self._shift_s

    @property
    def notes(self) -> list[str]:
        """Every disagreement of the clocks, with its size."""
        found = []
        if not self.agrees:
            side = 'behind' if self.behind_s > 0 else 'ahead of'
            found.append(
                f'stamps are {abs(self.behind_s):.3f} s {side} the recording (median of'
                f' {self._count} messages, limit {self._limit_s:g} s); times of recording count'
            )
        if self._jumped:
            found.append(
                f'stamps of {self._jumped} of {self._count} messages are up to'
                f' {self._farthest_s:.3f} s off the others: a clock was set; times of recording'
                ' count for them'
            )
        if self._unstamped:
            total = self._unstamped + self._count
            found.append(
                f'{self._unstamped} of {total} messages are stamped 0; times of recording count'
                ' for them'
            )
        return found
