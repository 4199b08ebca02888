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

"""Environment side of the lock-step: make ``step`` rows, apply ``action`` rows."""

from collections.abc import Iterator, Sequence

from her_ros.episodes.splitting import is_end
from her_ros.runtime.pace import Pace
from her_ros.sim.disturbed.disturber import Disturber
from her_ros.sim.errors import SimError
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.registry import simulation_of
from her_ros.sim.simulation import GoalState, Simulation
from her_ros.tasks.disturbances import Disturbances
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import (
    disturbed_step_dtype,
    identity_of,
    require_finite,
    Rows,
    step_dtype,
)
from her_ros.wire.step_rows import fill_move, fill_state, fill_truth
import numpy as np
from numpy.typing import NDArray


class Rollout:
    """
    Steps a batch through rollouts in which all environments start and end together.

    :param session: number drawn at every start of an environment, so that peers notice restarts
    :param first_env: number of the batch's first environment
    :param disturber: disturbs the batch; None: the policy sees the truth
    """

    def __init__(
        self,
        task: GoalTask,
        batch: Simulation,
        session: int,
        first_env: int = 0,
        disturber: Disturber | None = None,
    ) -> None:
        self._task = task
        self._batch = batch
        self._disturber = disturber
        self._actions = np.zeros((len(batch), task.action_size), np.float32)
        self._policy_versions = np.zeros(len(batch), np.uint32)
        self._answered = np.zeros(len(batch), bool)
        self._first_env = first_env
        dtype = step_dtype(task) if disturber is None else disturbed_step_dtype(task)
        self._blank = np.zeros(len(batch), dtype)
        self._blank['session'] = session
        self._blank['env'] = np.arange(first_env, first_env + len(batch))
        self._shapes = [self._blank[name].shape for name in GoalState._fields]
        #: number of the present rollout, counted from 1; 0 before the first
        self.episode = 0
        #: the rows of the present step, shape (N,); never written to once handed out
        self.rows: Rows = self._blank

    @property
    def finished(self) -> bool:
        """Whether all episodes of this rollout have ended, or none has begun."""
        return self.episode == 0 or bool(is_end(self.rows).all())

    def qpos(self, place: int) -> NDArray[np.float64]:
        """Return the joint positions of one Fetch environment, see :meth:`FetchBatch.qpos`."""
        assert isinstance(self._batch, FetchBatch)  # other simulations have no scene
        return self._batch.qpos(place)

    def start(
        self,
        goal: NDArray[np.float64] | None = None,
        seeds: Sequence[int | None] | None = None,
    ) -> Rows:
        """
        Start a rollout: new start states and goals.

        :param goal: goal of all environments, metres, world frame, shape (G,); None: draw goals
        :param seeds: one per environment; None keeps the present state of the generators
        :return: the rows of step 0
        :raises SimError: if the state has other shapes than the task, or is not finite
        """
        if self._disturber is not None:
            self._disturber.begin(seeds)
        state = self._batch.reset(seeds=seeds)
        if goal is not None:
            self._batch.set_goal(goal)
            state = self._batch.state()
        self.episode += 1
        self._actions[:] = 0.0
        self._policy_versions[:] = 0
        return self._show(state, step=0)

    def accept(self, answers: Rows) -> bool:
        """
        Accept actions; those for another session, episode or step are ignored.

        :param answers: ``action`` rows, of any environments
        :return: whether all environments now have an action
        :raises RowError: if an action is not finite
        """
        # Numbers below the first environment wrap around to large values.
        place = answers['env'] - np.uint32(self._first_env)
        ours = place < len(self.rows)
        if not ours.any():
            return False
        answers, place = answers[ours], place[ours]
        wanted = (identity_of(answers) == identity_of(self.rows[place])).all(1)
        answers, place = answers[wanted], place[wanted]
        require_finite(answers, ('action',), 'action')
        self._actions[place] = np.clip(answers['action'], -1.0, 1.0)
        self._policy_versions[place] = answers['policy_version']
        self._answered[place] = True
        return bool(self._answered.all())

    def accept_all(self, actions: NDArray[np.float32], policy_version: int) -> None:
        """Accept an action for every environment, shape (N, A)."""
        self._actions[:] = np.clip(actions, -1.0, 1.0)
        self._policy_versions[:] = policy_version
        self._answered[:] = True

    def advance(self) -> Rows:
        """Apply the accepted actions; return the rows of the next step."""
        assert self._answered.all()
        actions = self._actions
        if self._disturber is not None:
            actions = self._disturber.act(actions)
        return self._show(self._batch.step(actions), int(self.rows['step'][0]) + 1)

    def _check(self, state: GoalState) -> None:
        """Check a state against its task, as the simulation may be the user's own."""
        for name, values, wanted in zip(GoalState._fields, state, self._shapes, strict=True):
            if np.shape(values) != wanted or not np.isfinite(values).all():
                shown = np.array2string(np.asarray(values), threshold=8).replace('\n', '')
                raise SimError(
                    f'its simulation shows {name} {np.shape(values)}: {shown}',
                    f'it must be finite, of shape {wanted}',
                    self._task.name,
                )

    def _show(self, state: GoalState, step: int) -> Rows:
        self._check(state)
        rows = self._blank.copy()
        rows['episode'] = self.episode
        rows['step'] = step
        if self._disturber is None:
            fill_state(rows, *state)
        else:
            fill_state(rows, *self._disturber.see(state), state.desired_goal)
            drawn = self._disturber.drawn
            fill_truth(rows, state.observation, state.achieved_goal, drawn)
        if step:
            fill_move(rows, self._task, self._actions, self._policy_versions)
            # No simulated task terminates; the time limit truncates them.
            rows['truncated'] = step >= self._task.episode_length
        self.rows = rows
        self._answered[:] = False
        return rows


def disturbed_rollout(
    task: GoalTask,
    seeds: Sequence[int | None],
    threads: int,
    session: int,
    first_env: int = 0,
    disturbances: Disturbances | None = None,
) -> Rollout:
    """
    Make a simulation and the rollouts of it, disturbed if there are disturbances.

    :param seeds: one per environment
    """
    batch = simulation_of(task, seeds, threads)
    disturber = Disturber(task, batch, disturbances, seeds) if disturbances else None
    return Rollout(task, batch, session, first_env, disturber)


# Fewest environments per group: smaller groups cost more than the waiting time they hide.
_FEWEST_PER_TURN = 8


class PipelinedRollouts:
    """
    Rollouts in two groups: one group is simulated while the other waits for its actions.

    This hides the time of the policy and of messages behind the simulation.

    :param seeds: one per environment
    :param threads: threads of each simulation
    :param pace: schedule of the moves; None: as fast as possible. With a schedule all
        environments form one group, as there is no waiting time to hide
    :param disturbances: those of the episodes; None: there are none
    """

    def __init__(
        self,
        task: GoalTask,
        seeds: Sequence[int],
        threads: int,
        session: int,
        pace: Pace | None = None,
        disturbances: Disturbances | None = None,
    ) -> None:
        halved = pace is None and len(seeds) >= 2 * _FEWEST_PER_TURN
        middle = len(seeds) // 2 if halved else len(seeds)
        self._pace = pace
        self._rollouts = [
            disturbed_rollout(task, part, threads, session, first, disturbances)
            for first, part in ((0, seeds[:middle]), (middle, seeds[middle:]))
            if len(part)
        ]

    @property
    def finished(self) -> bool:
        """Whether all episodes have ended, or none has begun."""
        return all(rollout.finished for rollout in self._rollouts)

    @property
    def episode(self) -> int:
        """Return the number of the present rollout, counted from 1; 0 before the first."""
        return self._rollouts[0].episode

    @property
    def unanswered(self) -> list[Rows]:
        """Return the rows that wait for actions."""
        return [rollout.rows for rollout in self._rollouts if not rollout.finished]

    def first_qpos(self) -> NDArray[np.float64]:
        """Return the joint positions of environment 0, see :meth:`FetchBatch.qpos`."""
        return self._rollouts[0].qpos(0)

    def start(self, goal: NDArray[np.float64] | None = None) -> Iterator[Rows]:
        """Start a rollout; yield the rows of step 0 of each group, see :meth:`Rollout.start`."""
        for rollout in self._rollouts:
            rows = rollout.start(goal)
            if self._pace is not None:
                self._pace.start()
            yield rows

    def accept(self, answers: Rows) -> Iterator[Rows]:
        """
        Accept actions; move the groups that have all of theirs and yield their rows.

        :raises RowError: if an action is not finite
        """
        for rollout in self._rollouts:
            if not rollout.finished and rollout.accept(answers):
                if self._pace is not None:
                    self._pace.wait()
                yield rollout.advance()
