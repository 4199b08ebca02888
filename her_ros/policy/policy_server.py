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

"""Answer ``step`` rows with ``action`` rows."""

from collections.abc import Callable
from enum import Enum

from her_ros.episodes.splitting import is_end
from her_ros.policy.exploration import Exploration, Explorer
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import (
    action_dtype,
    IDENTITY,
    require_few_environments,
    require_finite,
    Rows,
    with_room,
)
import numpy as np
from numpy.typing import NDArray

#: bounds actions: (``step`` rows, actions) to actions
Bound = Callable[[Rows, NDArray[np.float32]], NDArray[np.float32]]


class Order(Enum):
    """Position of a message of states relative to the last answers."""

    #: at least one state was not answered yet
    NEW = 1
    #: the last answered states, sent again
    REPEATED = 2
    #: only states before the last answered ones
    OLD = 3


class PolicyServer:
    """
    Answers each state once; a repeated state gets the same action again.

    The caller selects the session (:class:`~her_ros.wire.sessions.Sessions`); a new session
    resets the answers.

    :param exploration: noise to act with; None to act deterministically, and not before there is
        a policy
    :param bound: function that bounds the actions, such as a safety filter; None for no bounds
    """

    def __init__(
        self,
        task: GoalTask,
        exploration: Exploration | None,
        generator: np.random.Generator,
        bound: Bound | None = None,
    ) -> None:
        self._bound = bound
        self.policy: OnnxPolicy | None = None
        self._offered: OnnxPolicy | None = None
        self._explorer = None
        if exploration is not None:
            self._explorer = Explorer(exploration, task.action_size, generator)
        self._answers = np.zeros(0, action_dtype(task))  # the last answer, by env
        self._answered = np.zeros(0, bool)
        self._session: int | None = None
        self._episode = -1

    @property
    def ready(self) -> bool:
        """Whether actions can be chosen: there is a policy, or exploration."""
        return self._explorer is not None or self.has_policy

    @property
    def has_policy(self) -> bool:
        """Whether a policy acts, or takes effect with the next rollout."""
        return (self.policy or self._offered) is not None

    def offer(self, policy: OnnxPolicy) -> None:
        """Set the policy that takes effect with the next rollout."""
        self._offered = policy

    def swap(self) -> bool:
        """Make the offered policy take effect now; return whether there was one."""
        if self._offered is None:
            return False
        self.policy, self._offered = self._offered, None
        return True

    def answer(self, rows: Rows) -> Rows:
        """
        Choose actions.

        :param rows: ``step`` rows of one session, any subset of the environments
        :return: ``action`` rows; last states of episodes, and states older than one already
            answered, get none
        :raises RowError: if a state is not finite, or its env is out of range
        """
        return self.decide(awaiting_action(rows))

    def decide(self, rows: Rows) -> Rows:
        """Choose actions for rows of one session that :func:`awaiting_action` returned."""
        if not len(rows) or not self.ready:
            return self._answers[:0]
        self._enter_session(int(rows['session'][0]))
        self._swap_policy(int(rows['episode'].max()))
        self._answers = with_room(self._answers, rows['env'])
        self._answered = with_room(self._answered, rows['env'])
        fresh, repeated = self._compared(rows)
        if fresh.any():
            self._decide(rows[fresh])
        return self._answers[rows['env'][fresh | repeated]]

    def order(self, rows: Rows) -> Order:
        """Compare rows of one session from :func:`awaiting_action` with the last answers."""
        is_known = int(rows['env'].max()) < len(self._answers)
        if int(rows['session'][0]) != self._session or not is_known:
            return Order.NEW
        fresh, repeated = self._compared(rows)
        if fresh.any():
            return Order.NEW
        return Order.REPEATED if repeated.any() else Order.OLD

    def _compared(self, rows: Rows) -> tuple[NDArray[np.bool], NDArray[np.bool]]:
        """Return which rows of the current session are new, and which repeat the last ones."""
        env = rows['env']
        last = self._answers[env]
        same_episode = rows['episode'] == last['episode']
        newer = (rows['episode'] > last['episode']) | (
            same_episode & (rows['step'] > last['step'])
        )
        return newer | ~self._answered[env], same_episode & (rows['step'] == last['step'])

    def _enter_session(self, session: int) -> None:
        if session != self._session:
            self._session = session
            self._episode = -1
            self._answered[:] = False

    def _swap_policy(self, episode: int) -> None:
        if episode > self._episode:
            self._episode = episode
            self.swap()

    def _decide(self, rows: Rows) -> None:
        answers = np.zeros(len(rows), self._answers.dtype)
        for name in IDENTITY:
            answers[name] = rows[name]
        actions = self._actions(rows)
        answers['action'] = actions if self._bound is None else self._bound(rows, actions)
        answers['policy_version'] = self.policy.version if self.policy else 0
        self._answers[rows['env']] = answers
        self._answered[rows['env']] = True

    def _actions(self, rows: Rows) -> NDArray[np.float32]:
        states = (rows['observation'], rows['achieved_goal'], rows['desired_goal'])
        actions = self.policy.act(*states) if self.policy else None
        if self._explorer is not None:
            return self._explorer.explore(actions, rows['env'], rows['step'] == 0)
        assert actions is not None  # without exploration nothing is answered before a policy
        return actions


def awaiting_action(rows: Rows) -> Rows:
    """
    Return the ``step`` rows that await an action: all but the last states of episodes.

    :raises RowError: if a state is not finite, or its env is out of range
    """
    require_finite(rows, ('observation', 'achieved_goal', 'desired_goal'), 'step')
    rows = rows[~is_end(rows)]
    require_few_environments(rows['env'])
    return rows
