"""Answer ``step`` messages on a robot, behind the safety filter and the watchdog."""

import time
from collections.abc import Callable

import numpy as np

from her_ros.config.parameters.robot import PolicyParameters
from her_ros.config.schema import ConfigError
from her_ros.episodes.episode import is_end
from her_ros.policy.actor import Actor, asking
from her_ros.policy.answer_times import AnswerTimes
from her_ros.policy.exploration import Exploration
from her_ros.policy.realtime import put_above
from her_ros.policy.safety.filter import SafetyFilter, safe_action
from her_ros.policy.safety.stamps import StampError, StampJudge, Verdict
from her_ros.policy.safety.watchdog import Watchdog
from her_ros.policy.state import State
from her_ros.runtime.states import Recovery
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.cloud import CloudDecoder, encode_cloud, stamp_of
from her_ros.wire.rows import Rows, action_dtype, identity_of, step_dtype
from her_ros.wire.sessions import Sessions

# A deadline of fewer periods would pass between any two steps that are a little uneven.
_FEWEST_PERIODS = 2


class GuardedActor:
    """Answers fresh observations with bounded actions, and everything else with the safe action.

    An episode runs from its first fresh observation to its last row. Within it the safe action is
    brought, naming the last fresh observation: when the watchdog misses one, when something
    fails, and at the end of the activation. All methods but :meth:`deactivate` belong to one
    thread.

    :param exploration: noise to act with, which the filter bounds too; None: none
    :param send: sends an ``action`` message; called from several threads, one at a time
    :param wall_ns: wall time, nanoseconds, by which stamps are judged
    :param clock: monotonic time, seconds, by which deadlines pass
    :param sessions: whom to answer; None: one environment after the other
    """

    def __init__(
        self,
        task: GoalTask,
        parameters: PolicyParameters,
        exploration: Exploration | None,
        generator: np.random.Generator,
        send: Callable[[bytes], None],
        wall_ns: Callable[[], int] = time.time_ns,
        clock: Callable[[], float] = time.monotonic,
        sessions: Sessions | None = None,
    ) -> None:
        p = parameters
        if p.deadline_s < _FEWEST_PERIODS * task.control_period_s:
            raise ConfigError(
                f'policy: deadline_s is {p.deadline_s:g}',
                f'{task.name} has a step every'
                f' {task.control_period_s:g} s, so it must be at least'
                f' {_FEWEST_PERIODS * task.control_period_s:g}',
            )
        self._task = task
        self._parameters = p
        self._send = send
        self._wall_ns, self._clock = wall_ns, clock
        self.sessions = sessions or Sessions(clock=clock)
        self._decoder = CloudDecoder(step_dtype(task))
        self._filter = SafetyFilter(task, p)
        self.actor = Actor(task, exploration, generator, self._filter.apply)
        self._stamps = StampJudge(p.deadline_s, p.clock_tolerance_s)
        latching = p.recovery == Recovery.LATCHED
        self.watchdog = Watchdog(
            p.deadline_s, task.control_period_s, latching, self._bring_safe_action, clock
        )
        self._times = AnswerTimes(clock)
        # Identity of the last fresh observation by env, while its episode runs; with the lock.
        self._running: dict[int, list[int]] = {}
        # The stops that were over when the last fresh observation came.
        self._stops_over = -1
        self._faults = 0

    @property
    def state(self) -> State:
        """Whether actions may leave."""
        return self.watchdog.state

    @property
    def in_episode(self) -> bool:
        """Whether an episode is in progress, by its fresh observations."""
        return bool(self._running)

    def start(self) -> None:
        """Start the thread of the watchdog, which is not to wait for the one it watches."""
        self.watchdog.start()
        if (thread_id := self.watchdog.thread_id) is not None:
            put_above(thread_id, self._parameters)

    def activate(self) -> None:
        """Act from the next fresh observation on."""
        self.watchdog.activate()

    def deactivate(self) -> None:
        """Bring the safe action, and send nothing any more; from any thread."""
        with self.watchdog.lock:
            self.watchdog.deactivate()
            self._running.clear()

    def close(self) -> None:
        """Deactivate, and end the thread of the watchdog."""
        self.deactivate()
        self.watchdog.close()

    def answer(self, message: bytes) -> None:
        """Answer a ``step`` message, and send the answer.

        :raises StampError: if it is not known to be fresh; nothing follows from it
        :raises HerRosError: if it is no ``step``, a state is not finite, or the policy failed;
            the safe action has been sent
        """
        try:
            self._answer(message)
        except StampError:
            raise
        except Exception:
            self._faults += 1
            self.watchdog.stop()
            raise

    def _answer(self, message: bytes) -> None:
        rows = self._decoder.decode([message])[0]
        self._end_episodes(rows[is_end(rows)])
        rows = asking(rows)
        if not self.actor.ready or self.state is State.INACTIVE:
            return
        rows = self.sessions.heard(rows)
        if not len(rows):
            return
        stamp_ns, now_ns = stamp_of(message), self._wall_ns()
        verdict = self._stamps.judge(
            stamp_ns, now_ns, int(rows['session'][0]), self.actor.order(rows)
        )
        age_s, judged_s = (now_ns - stamp_ns) / 1e9, self._clock()
        self._stamps.require_known(verdict, age_s)
        if verdict is Verdict.FRESH and not self._go_on(rows):
            return
        # The lock is open meanwhile: however long this takes, the watchdog sees it.
        answers = self.actor.decide(rows)
        with self.watchdog.lock:
            stopped = self.watchdog.stops != self._stops_over
            if len(answers) and not stopped and self.state is State.ACTING:
                self._send(encode_cloud(answers, self._wall_ns()))
                # A repeated one says nothing: its stamp may be of any time.
                if verdict is Verdict.FRESH:
                    self._times.note(age_s + self._clock() - judged_s)

    def _go_on(self, rows: Rows) -> bool:
        """Note a fresh observation; tell whether it may be acted upon."""
        with self.watchdog.lock:
            identities = identity_of(rows).tolist()
            if any(running[0] != identities[0][0] for running in self._running.values()):
                self._running.clear()  # their session has ended
            self._running.update({identity[1]: identity for identity in identities})
            if not self.watchdog.feed():
                self._bring_safe_action()
                return False
            if self._stops_over != self.watchdog.stops:
                self._stops_over = self.watchdog.stops
                self._filter.restart()
            return True

    def _end_episodes(self, rows: Rows) -> None:
        # Whatever its stamp: an end asks for nothing to be done.
        with self.watchdog.lock:
            for session, env, episode, _ in identity_of(rows).tolist():
                if self._running.get(env, [])[:3] == [session, env, episode]:
                    del self._running[env]
                    if not self._running:
                        self.watchdog.rest()

    def _bring_safe_action(self) -> None:
        if self._running:
            rows = np.zeros(len(self._running), action_dtype(self._task))
            identity_of(rows)[:] = [*self._running.values()]
            rows['action'] = safe_action(self._task)
            self._send(encode_cloud(rows, self._wall_ns()))

    def report(self) -> dict[str, object]:
        """Return what goes on, for the diagnostics."""
        by_cause = self._filter.interventions_by
        counts = self._stamps.counts
        return {
            'state': self.state,
            'answers': self._times.count,
            **self._times.report(),
            'missed_deadlines': self.watchdog.missed_deadlines,
            'faults': self._faults,
            'watchdog_problem': self.watchdog.problem,
            **{str(verdict): counts[verdict] for verdict in Verdict if verdict != Verdict.FRESH},
            'interventions': self._filter.interventions,
            **{f'interventions_{cause}': count for cause, count in by_cause.items()},
        }
