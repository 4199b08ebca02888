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

"""Convert message stamps to the receiver's monotonic clock, and refuse implausible stamps."""

from her_ros.robot.errors import RobotError

# How long the status shows a problem after the last refused message.
_SHOWN_S = 2.0


class Arrivals:
    """
    Converts the stamps of one topic to monotonic time, and refuses implausible ones.

    :param topic: to name it in errors
    :param limit_s: largest age of a stamp, and largest offset into the future
    """

    def __init__(self, topic: str, limit_s: float) -> None:
        self._topic, self._limit_s = topic, limit_s
        self._counted_from_s, self._count, self._rate_hz = float('-inf'), 0, 0.0
        self._problem, self._problem_s = '', float('-inf')

    def measured_s(self, stamp_ns: int, now_ns: int, now_s: float) -> float:
        """
        Return the time of measurement. A message without a stamp counts as measured on arrival.

        A stamp slightly in the future is kept, so that differences between stamps stay exact.

        :param stamp_ns: wall time of the sender, nanoseconds; 0: none
        :param now_ns: wall time here, nanoseconds
        :param now_s: monotonic time, seconds
        :return: monotonic time, at most ``limit_s`` before or after ``now_s``
        :raises RobotError: if the stamp is outside of this range
        """
        self._note(now_s)
        age_s = (now_ns - stamp_ns) / 1e9 if stamp_ns else 0.0
        if abs(age_s) > self._limit_s:
            side = 'past' if age_s > 0 else 'future'
            rate = f'{self._rate_hz:.0f} per second' if self._rate_hz else 'messages'
            error = RobotError(
                f'{rate} arrive, but stamped'
                f' {abs(age_s):.2f} s in the {side} (limit {self._limit_s:g} s)',
                'synchronise the clocks, or see timeout.input_s',
                self._topic,
            )
            self._problem, self._problem_s = str(error), now_s
            raise error
        return now_s - age_s

    def problem(self, now_s: float) -> str:
        """Return why a message was refused recently; empty if none was."""
        return self._problem if now_s - self._problem_s < _SHOWN_S else ''

    def _note(self, now_s: float) -> None:
        """Measure the rate of the messages, once per second."""
        self._count += 1
        elapsed_s = now_s - self._counted_from_s
        if elapsed_s >= 1.0:
            self._rate_hz = self._count / elapsed_s
            self._counted_from_s, self._count = now_s, 0
