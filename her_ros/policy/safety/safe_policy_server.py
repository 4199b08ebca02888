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

"""Answer ``step`` messages on a robot, behind the safety filter and the watchdog."""

from collections.abc import Callable
import time

from her_ros.config.parameters.policy import PolicyParameters
from her_ros.config.schema import ConfigError
from her_ros.episodes.splitting import is_end
from her_ros.policy.answer_times import AnswerTimes
from her_ros.policy.exploration import Exploration
from her_ros.policy.policy_server import awaiting_action, PolicyServer
from her_ros.policy.realtime import put_above
from her_ros.policy.safety.filter import safe_action, SafetyFilter
from her_ros.policy.safety.freshness import Freshness, FreshnessChecker, StampError
from her_ros.policy.safety.watchdog import Watchdog
from her_ros.policy.state import State
from her_ros.runtime.states import Recovery
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.cloud import CloudDecoder, encode_cloud, stamp_of
from her_ros.wire.rows import action_dtype, identity_of, Rows, step_dtype
from her_ros.wire.sessions import Sessions
import numpy as np

# Shortest deadline in control periods; a shorter one would pass between slightly uneven steps.
_FEWEST_PERIODS = 2


class SafePolicyServer:
    """
    Answers fresh observations with bounded actions, and sends the safe action on a stop.

    An episode runs from its first fresh observation to its last row. Within an episode the safe
    action is sent when the watchdog misses an observation, when an answer fails, and on
    deactivation. It names the last fresh observation. All methods except :meth:`deactivate` must
    be called from one thread.

    :param exploration: noise to act with, which the filter bounds too; None for none
    :param send: sends an ``action`` message; called from several threads, one at a time
    :param wall_ns: wall time, nanoseconds, with which stamps are compared
    :param clock: monotonic time, seconds, used for deadlines
    :param sessions: selects the session to answer; by default one session at a time
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
        if p.watchdog_deadline_s < _FEWEST_PERIODS * task.control_period_s:
            raise ConfigError(
                f'policy: watchdog.deadline_s is {p.watchdog_deadline_s:g}',
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
        self.policy_server = PolicyServer(task, exploration, generator, self._filter.apply)
        self._stamps = FreshnessChecker(p.watchdog_deadline_s, p.watchdog_clock_tolerance_s)
        latching = p.watchdog_recovery == Recovery.LATCHED
        self.watchdog = Watchdog(
            p.watchdog_deadline_s, task.control_period_s, latching, self._bring_safe_action, clock
        )
        self._times = AnswerTimes(clock)
        # Identity of the last fresh observation by env, during its episode; guarded by the lock.
        self._running: dict[int, list[int]] = {}
        # Number of stops when the last fresh observation came.
        self._stops_over = -1
        self._faults = 0

    @property
    def state(self) -> State:
        """Whether actions are sent."""
        return self.watchdog.state

    @property
    def in_episode(self) -> bool:
        """Whether an episode is in progress, by its fresh observations."""
        return bool(self._running)

    def start(self) -> None:
        """Start the thread of the watchdog, with a priority above the thread that it watches."""
        self.watchdog.start()
        if (thread_id := self.watchdog.thread_id) is not None:
            put_above(thread_id, self._parameters)

    def activate(self) -> None:
        """Act from the next fresh observation on."""
        self.watchdog.activate()

    def deactivate(self) -> None:
        """Send the safe action, then nothing until the next activation; from any thread."""
        with self.watchdog.lock:
            self.watchdog.deactivate()
            self._running.clear()

    def close(self) -> None:
        """Deactivate, and end the thread of the watchdog."""
        self.deactivate()
        self.watchdog.close()

    def answer(self, message: bytes) -> None:
        """
        Answer a ``step`` message, and send the answer.

        :raises StampError: if it is not known to be fresh; it is ignored then
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
        rows = awaiting_action(rows)
        if not self.policy_server.ready or self.state is State.INACTIVE:
            return
        rows = self.sessions.heard(rows)
        if not len(rows):
            return
        stamp_ns, now_ns = stamp_of(message), self._wall_ns()
        freshness = self._stamps.check(
            stamp_ns, now_ns, int(rows['session'][0]), self.policy_server.order(rows)
        )
        age_s, checked_s = (now_ns - stamp_ns) / 1e9, self._clock()
        self._stamps.require_known(freshness, age_s)
        if freshness is Freshness.FRESH and not self._go_on(rows):
            return
        # Without the lock, so that the watchdog can stop however long this takes.
        answers = self.policy_server.decide(rows)
        with self.watchdog.lock:
            stopped = self.watchdog.stops != self._stops_over
            if len(answers) and not stopped and self.state is State.ACTING:
                self._send(encode_cloud(answers, self._wall_ns()))
                # A repeated one is not counted: its stamp may be old.
                if freshness is Freshness.FRESH:
                    self._times.note(age_s + self._clock() - checked_s)

    def _go_on(self, rows: Rows) -> bool:
        """Feed the watchdog a fresh observation; return whether it may be answered."""
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
        # Stale ends count too, since they are not acted upon.
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
        """Return values for the diagnostics."""
        by_cause = self._filter.interventions_by
        counts = self._stamps.counts
        return {
            'state': self.state,
            'answers': self._times.count,
            **self._times.report(),
            'missed_deadlines': self.watchdog.missed_deadlines,
            'faults': self._faults,
            'watchdog_problem': self.watchdog.problem,
            **{str(each): counts[each] for each in Freshness if each != Freshness.FRESH},
            'interventions': self._filter.interventions,
            **{f'interventions_{cause}': count for cause, count in by_cause.items()},
        }
