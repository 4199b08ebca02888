"""Check whether an observation is fresh, from the stamp and the identity of its message.

An observation that is not known to be fresh is neither acted upon nor fed to the watchdog, since
the robot may have moved since. Stamps are wall time, so the clocks of the machines must agree. The
order of observations follows from their identity, which does not depend on clocks.
"""

from collections import Counter
from enum import StrEnum

from her_ros.policy.actor import Order
from her_ros.runtime.errors import HerRosError


class StampError(HerRosError):
    """An observation that is not known to be fresh."""


class Verdict(StrEnum):
    """What an observation is."""

    FRESH = 'fresh'
    #: its stamp is 0
    UNSTAMPED = 'unstamped'
    #: older than the deadline
    STALE = 'stale'
    #: from the future, by more than clocks are apart
    FUTURE = 'future'
    #: a later step with an earlier stamp: the sender's clock was set back
    JUMPED_BACK = 'jumped_back'
    #: a later step with the same stamp: what is observed has frozen
    FROZEN = 'frozen'
    #: sent once more, as a sender in lock-step does; gets the same answer
    REPEATED = 'repeated'
    #: of an earlier step than one already answered
    OUT_OF_ORDER = 'out_of_order'


# Verdicts that must not pass in silence, and what to do about them.
_CURES = {
    Verdict.STALE: 'is the sender late, or is one of the clocks wrong?',
    Verdict.FUTURE: 'set the clocks of both machines alike',
    Verdict.JUMPED_BACK: 'its clock was set back; the next one is judged by its age again',
    Verdict.FROZEN: 'its source sends the same measurement again; look at the sensor',
}


class StampJudge:
    """Judges one observation after the other, and counts the verdicts.

    :param max_age_s: what is older is stale
    :param tolerance_s: how far in the future a stamp may lie, as clocks are never quite alike
    """

    def __init__(self, max_age_s: float, tolerance_s: float) -> None:
        self._max_age_s = max_age_s
        self._tolerance_s = tolerance_s
        self._last_ns: int | None = None
        self._session: int | None = None
        self.counts: Counter[Verdict] = Counter(dict.fromkeys(Verdict, 0))

    def judge(self, stamp_ns: int, now_ns: int, session: int, order: Order) -> Verdict:
        """Judge an observation, and count it.

        :param stamp_ns: its stamp, wall time, nanoseconds
        :param now_ns: the time now, by the same clock
        :param session: of its rows; a new one may have another clock
        :param order: how its identity stands to what was answered
        """
        verdict = self._verdict(stamp_ns, now_ns, session, order)
        # After a jump the age alone decides, as soon as it is right again.
        if verdict in (Verdict.FRESH, Verdict.JUMPED_BACK):
            self._last_ns, self._session = stamp_ns, session
        self.counts[verdict] += 1
        return verdict

    def _verdict(self, stamp_ns: int, now_ns: int, session: int, order: Order) -> Verdict:
        if order is not Order.NEW:
            return Verdict.REPEATED if order is Order.REPEATED else Verdict.OUT_OF_ORDER
        if not stamp_ns:
            return Verdict.UNSTAMPED
        last_ns = self._last_ns if session == self._session else None
        if last_ns is not None and stamp_ns <= last_ns:
            return Verdict.FROZEN if stamp_ns == last_ns else Verdict.JUMPED_BACK
        age_s = (now_ns - stamp_ns) / 1e9
        if age_s > self._max_age_s:
            return Verdict.STALE
        return Verdict.FUTURE if age_s < -self._tolerance_s else Verdict.FRESH

    def require_known(self, verdict: Verdict, age_s: float) -> None:
        """Refuse what is not known to be fresh, apart from what senders do in lock-step.

        :raises StampError: saying what is wrong with the stamp
        """
        if verdict is Verdict.UNSTAMPED:
            raise StampError(
                'step: an observation has no stamp (0), so its age is unknown, and it is not acted'
                ' upon: stamp it with the time of its measurement'
            )
        if verdict in _CURES:
            raise StampError(
                f'step: an observation is {verdict.replace("_", " ")}, its stamp {age_s:+.3f} s'
                f' behind our clock (deadline_s {self._max_age_s:g}, clock_tolerance_s'
                f' {self._tolerance_s:g}), and not acted upon: {_CURES[verdict]}'
            )
