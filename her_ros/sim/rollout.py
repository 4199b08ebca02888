"""The environment's side of the lock-step: ``step`` rows out, ``action`` rows in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from her_ros.core.rows import Rows, identity_of, require_finite, step_dtype
from her_ros.core.task import GoalTask
from her_ros.sim.fetch import FetchBatch, FetchState


class Rollout:
    """Steps a batch through rollouts in which all environments start and end together.

    :param session: drawn anew whenever an environment starts, so that its partners know
    """

    def __init__(self, task: GoalTask, batch: FetchBatch, session: int) -> None:
        self._task = task
        self._batch = batch
        self._actions = np.zeros((len(batch), task.action_size), np.float32)
        self._policy_versions = np.zeros(len(batch), np.uint32)
        self._answered = np.zeros(len(batch), bool)
        self._session = session
        #: number of the present rollout, counted from 1; 0 before the first
        self.episode = 0
        #: the rows of the present step, shape (N,); never written to once handed out
        self.rows: Rows = np.zeros(len(batch), step_dtype(task))

    @property
    def finished(self) -> bool:
        """Whether all episodes of this rollout have ended, or none has begun."""
        return self.episode == 0 or bool(self.rows['truncated'].all())

    def start(
        self,
        goal: NDArray[np.float64] | None = None,
        seeds: Sequence[int | None] | None = None,
    ) -> Rows:
        """Start a rollout: new start states and goals.

        :param goal: goal of all environments, metres, world frame, shape (G,); None: drawn
        :param seeds: one per environment; None: their generators go on
        :return: the rows of step 0
        """
        state = self._batch.reset(seeds=seeds)
        if goal is not None:
            self._batch.set_goal(goal)
            state = self._batch.state()
        self.episode += 1
        self._actions[:] = 0.0
        self._policy_versions[:] = 0
        return self._show(state, step=0)

    def accept(self, answers: Rows) -> bool:
        """Take in actions; those for another session, episode or step are ignored.

        :param answers: ``action`` rows, of any environments
        :return: whether all environments have theirs now
        :raises RowError: if an action is not finite
        """
        answers = answers[answers['env'] < len(self.rows)]
        answers = answers[(identity_of(answers) == identity_of(self.rows[answers['env']])).all(1)]
        require_finite(answers, ('action',), 'action')
        self._actions[answers['env']] = np.clip(answers['action'], -1.0, 1.0)
        self._policy_versions[answers['env']] = answers['policy_version']
        self._answered[answers['env']] = True
        return bool(self._answered.all())

    def accept_all(self, actions: NDArray[np.float32], policy_version: int) -> None:
        """Take in an action for every environment, shape (N, A)."""
        self._actions[:] = np.clip(actions, -1.0, 1.0)
        self._policy_versions[:] = policy_version
        self._answered[:] = True

    def advance(self) -> Rows:
        """Apply the actions that came; return the rows of the next step."""
        assert self._answered.all()
        return self._show(self._batch.step(self._actions), int(self.rows['step'][0]) + 1)

    def _show(self, state: FetchState, step: int) -> Rows:
        rows = np.zeros(len(self._batch), step_dtype(self._task))
        rows['session'] = self._session
        rows['env'] = np.arange(len(rows))
        rows['episode'] = self.episode
        rows['step'] = step
        rows['observation'] = state.observation
        rows['achieved_goal'] = state.achieved_goal
        rows['desired_goal'] = state.desired_goal
        if step:
            goals = (state.achieved_goal, state.desired_goal)
            rows['action'] = self._actions
            rows['policy_version'] = self._policy_versions
            rows['reward'] = self._task.reward(*goals)
            rows['is_success'] = self._task.is_success(*goals)
            # Fetch tasks never terminate; the time limit truncates them.
            rows['truncated'] = step >= self._task.episode_length
        self.rows = rows
        self._answered[:] = False
        return rows
