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

"""Answer ``step`` messages in lock-step with a simulation."""

from collections.abc import Callable
import time

from her_ros.policy.exploration import Exploration
from her_ros.policy.policy_server import awaiting_action, PolicyServer
from her_ros.policy.state import State
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.cloud import CloudDecoder, encode_cloud
from her_ros.wire.rows import step_dtype
from her_ros.wire.sessions import Sessions
import numpy as np


class LockStepPolicyServer:
    """
    Answers every ``step`` message on arrival; the simulation waits for its answer.

    :param exploration: noise to act with; None for none
    :param send: sends an ``action`` message
    :param sessions: selects the session to answer; by default one session at a time
    """

    def __init__(
        self,
        task: GoalTask,
        exploration: Exploration | None,
        generator: np.random.Generator,
        send: Callable[[bytes], None],
        sessions: Sessions | None = None,
    ) -> None:
        self._send = send
        self.sessions = sessions or Sessions()
        self._decoder = CloudDecoder(step_dtype(task))
        self._answered = 0
        self.policy_server = PolicyServer(task, exploration, generator)
        self.state = State.INACTIVE

    @property
    def in_episode(self) -> bool:
        """Whether a step was answered yet."""
        return self._answered > 0

    def start(self) -> None:
        """Do nothing; there is no thread to start."""

    def activate(self) -> None:
        """Answer from now on."""
        self.state = State.ACTING

    def deactivate(self) -> None:
        """Answer nothing any more."""
        self.state = State.INACTIVE

    def close(self) -> None:
        """Answer nothing any more."""
        self.deactivate()

    def answer(self, message: bytes) -> None:
        """
        Answer a ``step`` message, and send the answer.

        :raises HerRosError: if it is no ``step``, a state is not finite, or the policy failed
        """
        if self.state is State.INACTIVE:
            return
        rows = self.sessions.heard(awaiting_action(self._decoder.decode([message])[0]))
        answers = self.policy_server.decide(rows)
        if len(answers):
            self._send(encode_cloud(answers, time.time_ns()))
            self._answered += len(answers)

    def report(self) -> dict[str, object]:
        """Return values for the diagnostics."""
        return {'answers': self._answered}
