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

"""
Check whether an observation is fresh, from the stamp and the identity of its message.

An observation that is not known to be fresh is neither acted upon nor fed to the watchdog, since
the robot may have moved since. Stamps are wall time, so the clocks of the machines must agree. The
order of observations follows from their identity, which does not depend on clocks.
"""

from collections import Counter
from enum import StrEnum

from her_ros.policy.policy_server import Order
from her_ros.runtime.errors import HerRosError
from her_ros.wire.topics import STEP


class StampError(HerRosError):
    """An observation that is not known to be fresh."""


class Freshness(StrEnum):
    """Freshness of an observation: fresh, or the reason why it is not."""

    FRESH = 'fresh'
    #: its stamp is 0
    UNSTAMPED = 'unstamped'
    #: older than the deadline
    STALE = 'stale'
    #: from the future, by more than the clock tolerance
    FUTURE = 'future'
    #: a later step with an earlier stamp: the sender's clock was set back
    JUMPED_BACK = 'jumped_back'
    #: a later step with the same stamp: the measurement is frozen
    FROZEN = 'frozen'
    #: sent again, as a sender in lock-step does; gets the same answer
    REPEATED = 'repeated'
    #: of an earlier step than one already answered
    OUT_OF_ORDER = 'out_of_order'


# Verdicts that must not pass in silence, and what to do about them.
_CURES = {
    Freshness.STALE: 'is the sender late, or is one of the clocks wrong?',
    Freshness.FUTURE: 'set the clocks of both machines alike',
    Freshness.JUMPED_BACK: 'its clock was set back; the next one is checked by its age again',
    Freshness.FROZEN: 'its source sends the same measurement again; look at the sensor',
}


class FreshnessChecker:
    """
    Checks the freshness of each observation, and counts the results.

    :param max_age_s: age above which an observation is stale
    :param tolerance_s: how far in the future a stamp may be, since clocks differ a little
    """

    def __init__(self, max_age_s: float, tolerance_s: float) -> None:
        self._max_age_s = max_age_s
        self._tolerance_s = tolerance_s
        self._last_ns: int | None = None
        self._session: int | None = None
        self.counts: Counter[Freshness] = Counter(dict.fromkeys(Freshness, 0))

    def check(self, stamp_ns: int, now_ns: int, session: int, order: Order) -> Freshness:
        """
        Check an observation and count the result.

        :param stamp_ns: its stamp, wall time, nanoseconds
        :param now_ns: current wall time, nanoseconds
        :param session: session of its rows; a new session may have another clock
        :param order: position of its rows relative to the last answers
        """
        freshness = self._classify(stamp_ns, now_ns, session, order)
        # After a jump back, only the age counts for the next observations.
        if freshness in (Freshness.FRESH, Freshness.JUMPED_BACK):
            self._last_ns, self._session = stamp_ns, session
        self.counts[freshness] += 1
        return freshness

    def _classify(self, stamp_ns: int, now_ns: int, session: int, order: Order) -> Freshness:
        if order is not Order.NEW:
            return Freshness.REPEATED if order is Order.REPEATED else Freshness.OUT_OF_ORDER
        if not stamp_ns:
            return Freshness.UNSTAMPED
        last_ns = self._last_ns if session == self._session else None
        if last_ns is not None and stamp_ns <= last_ns:
            return Freshness.FROZEN if stamp_ns == last_ns else Freshness.JUMPED_BACK
        age_s = (now_ns - stamp_ns) / 1e9
        if age_s > self._max_age_s:
            return Freshness.STALE
        return Freshness.FUTURE if age_s < -self._tolerance_s else Freshness.FRESH

    def require_known(self, freshness: Freshness, age_s: float) -> None:
        """
        Refuse an observation that is not known to be fresh.

        Repeated and out-of-order ones pass, since senders in lock-step produce them.

        :raises StampError: if the stamp is missing, stale, frozen, in the future or jumped back
        """
        if freshness is Freshness.UNSTAMPED:
            raise StampError(
                'an observation has no stamp (0), so its age is unknown, and it is not acted upon',
                'stamp it with the time of its measurement',
                STEP,
            )
        if freshness in _CURES:
            raise StampError(
                f'an observation is {freshness.replace("_", " ")}, its stamp {age_s:+.3f} s'
                f' behind our clock (watchdog.deadline_s {self._max_age_s:g},'
                f' watchdog.clock_tolerance_s {self._tolerance_s:g}), and not acted upon',
                _CURES[freshness],
                STEP,
            )
