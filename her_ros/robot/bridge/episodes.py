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

"""Make ``step`` rows from a robot's episodes, one per control period."""

from her_ros.episodes.splitting import is_end
from her_ros.robot.frames import Floats
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.observed import Observed
from her_ros.wire.rows import identity_of, require_finite, Rows, step_dtype
from her_ros.wire.step_rows import fill_move, fill_state
import numpy as np
from numpy.typing import NDArray


class RobotEpisodes:
    """
    Makes one row per control period, whether or not the last one was answered in time.

    Only the first row waits for its answer and is updated until then, so that no episode runs
    without a policy. An episode ends truncated: after ``episode_steps``, after ``success_steps``
    successes, or by :meth:`end`.

    :param session: number drawn at every start of the bridge
    :param episode_steps: control periods per episode
    :param success_steps: consecutive successful periods that end the episode early; 0: disabled
    """

    def __init__(
        self, task: GoalTask, session: int, episode_steps: int, success_steps: int
    ) -> None:
        self._task = task
        self._episode_steps = episode_steps
        self._success_steps = success_steps
        self._blank = np.zeros(1, step_dtype(task))
        self._blank['session'] = session
        self._goal = np.zeros(task.goal_size)
        self._action = np.zeros(task.action_size, np.float32)
        self._policy_version = 0
        self._successes_in_row = 0
        self._ending = False
        #: whether an episode runs
        self.running = False
        #: number of the present episode, counted from 1
        self.episode = 0
        #: whether the present step has its action
        self.answered = False
        #: the present row, shape (1,); never written to once handed out
        self.rows: Rows = self._blank

    def start(self, goal: Floats) -> None:
        """
        Start an episode; the next row is its first.

        :param goal: metres, world frame, shape (G,)
        """
        self.episode += 1
        self._goal = np.array(goal, np.float64)
        self._successes_in_row = 0
        self._ending = False
        self._forget_action()
        self.running, self.answered = True, False

    def abandon(self) -> None:
        """Abandon the episode without a last row; a recorder drops it."""
        self.running = False

    def end(self) -> None:
        """End the episode with the next row; abandon it if the first action is still missing."""
        if self.waiting:
            self.abandon()
        self._ending = True

    def show(self, state: Observed) -> Rows:
        """
        Make the next row from the present state and the action that led to it.

        :return: one ``step`` row; the last one of the episode is truncated
        """
        rows = self._blank.copy()
        step = self._next_step()
        rows['episode'], rows['step'] = self.episode, step
        fill_state(rows, state.observation, state.achieved_goal, self._goal)
        if step:
            fill_move(rows, self._task, self._action, self._policy_version)
            is_success = bool(rows['is_success'][0])
            self._successes_in_row = self._successes_in_row + 1 if is_success else 0
            rows['truncated'] = self._ending or self._is_over(step)
        self.running = not is_end(rows)[0]
        self._forget_action()
        self.rows, self.answered = rows, False
        return rows

    @property
    def waiting(self) -> bool:
        """Whether the policy has not yet answered the first row."""
        begun = self.rows['episode'][0] == self.episode
        return self.running and not self.answered and (not begun or self.rows['step'][0] == 0)

    def _next_step(self) -> int:
        begun = self.rows['episode'][0] == self.episode
        return int(self.rows['step'][0]) + 1 if begun and not self.waiting else 0

    def _is_over(self, step: int) -> bool:
        held = 0 < self._success_steps <= self._successes_in_row
        return held or step >= self._episode_steps

    def _forget_action(self) -> None:
        """Record zeros as the applied action until the next answer."""
        self._action[:] = 0.0
        self._policy_version = 0

    def accept(self, answers: Rows) -> NDArray[np.float32] | None:
        """
        Accept action rows.

        A later answer to the same step replaces the first: this is how a policy stops the robot.

        :param answers: ``action`` rows
        :return: the action for the present step, in [-1, 1], shape (A,); None if there is none
        :raises RowError: if it is not finite
        """
        ours = answers[(identity_of(answers) == identity_of(self.rows)).all(1)]
        if not self.running or not len(ours):
            return None
        require_finite(ours, ('action',), 'action')
        self._action[:] = np.clip(ours['action'][-1], -1.0, 1.0)
        self._policy_version = int(ours['policy_version'][-1])
        self.answered = True
        return self._action.copy()
