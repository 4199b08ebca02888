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

"""One recorded episode, and the checks that episodes pass."""

from collections.abc import Sequence
from dataclasses import dataclass

from her_ros.runtime.errors import HerRosError
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import (
    finite_fields,
    has_truth,
    IDENTITY,
    identity_of,
    joined,
    require_finite,
    Rows,
    step_dtype,
    true_achieved_goal,
)
from her_ros.wire.step_rows import fill_move, fill_state
import numpy as np
from numpy.typing import ArrayLike, NDArray

# Rows that are checked together, about a megabyte.
_GROUP_ROWS = 4096


class EpisodeError(HerRosError):
    """Rows that do not make up a whole episode."""


@dataclass(frozen=True)
class Episode:
    """
    T moves between T + 1 states: the ``step`` rows 0 … T of one environment, in order.

    The properties are views of the rows; row t holds state t and the move that led to it.
    """

    rows: Rows

    @classmethod
    def from_arrays(
        cls,
        task: GoalTask,
        observation: ArrayLike,
        achieved_goal: ArrayLike,
        desired_goal: ArrayLike,
        action: ArrayLike,
        terminated: bool = False,
    ) -> 'Episode':
        """
        Make an episode from plain arrays. Rewards and successes are computed by the task.

        :param observation: observations 0 … T, shape (T + 1, O)
        :param achieved_goal: achieved goals 0 … T, metres, shape (T + 1, G)
        :param desired_goal: the goal of the whole episode, metres, shape (G,)
        :param action: actions 0 … T - 1, in [-1, 1], shape (T, A)
        :param terminated: whether the last move ended the task itself; false: the time limit did
        :raises EpisodeError: if an array does not have the task's shape, or an action lies out of
            [-1, 1]
        :raises RowError: if a value is not finite
        """
        moves = len(_numbers('action', action, (None, task.action_size)))
        rows = np.zeros(moves + 1, step_dtype(task))
        rows['step'] = np.arange(moves + 1)
        fill_state(
            rows,
            _numbers('observation', observation, (moves + 1, task.observation_size)),
            _numbers('achieved_goal', achieved_goal, (moves + 1, task.goal_size)),
            _numbers('desired_goal', desired_goal, (task.goal_size,)),
        )
        with np.errstate(over='ignore'):  # too large for float32: infinity, which is refused
            fill_move(rows[1:], task, action)
        rows['terminated' if terminated else 'truncated'][-1] = 1
        episode = cls(rows)
        episode.check(task)
        return episode

    def __len__(self) -> int:
        """Return T, the number of transitions."""
        return len(self.rows) - 1

    @property
    def observation(self) -> NDArray[np.float64]:
        """Observations 0 … T, as the policy saw them, shape (T + 1, O)."""
        return self.rows['observation']

    @property
    def achieved_goal(self) -> NDArray[np.float64]:
        """
        Achieved goals 0 … T, metres, world frame, shape (T + 1, G).

        Of a disturbed episode they are the truth, from which rewards follow.
        """
        return true_achieved_goal(self.rows)

    @property
    def has_truth(self) -> bool:
        """Whether the episode is disturbed, and holds the truth beside what the policy saw."""
        return has_truth(self.rows)

    @property
    def true_observation(self) -> NDArray[np.float64]:
        """Return the true observations 0 … T; without disturbances, those that were seen."""
        return self.rows['true_observation' if self.has_truth else 'observation']

    @property
    def seen_achieved_goal(self) -> NDArray[np.float64]:
        """Achieved goals 0 … T, as the policy saw them, metres, shape (T + 1, G)."""
        return self.rows['achieved_goal']

    @property
    def desired_goal(self) -> NDArray[np.float64]:
        """Return the goal of the whole episode, metres, world frame, shape (G,)."""
        return self.rows['desired_goal'][0]

    @property
    def action(self) -> NDArray[np.float32]:
        """Actions 0 … T - 1 as applied, in [-1, 1], shape (T, A)."""
        return self.rows['action'][1:]

    @property
    def reward(self) -> NDArray[np.float32]:
        """Rewards of the moves 0 … T - 1, shape (T,)."""
        return self.rows['reward'][1:]

    @property
    def terminated(self) -> NDArray[np.bool_]:
        """Whether move t ended the task itself, shape (T,); only this cuts the bootstrap."""
        return self.rows['terminated'][1:].astype(bool)

    @property
    def is_success(self) -> bool:
        """Whether the goal was reached in the last state."""
        return bool(self.rows['is_success'][-1])

    def check(self, task: GoalTask) -> None:
        """
        Check that this is one whole, finite episode.

        :raises EpisodeError: if rows are missing, mixed, or carry another goal, or an action lies
            out of [-1, 1]
        :raises RowError: if a value is not finite
        """
        rows = self.rows
        if len(rows) < 2:
            raise EpisodeError(f'an episode of {len(rows)} states', 'it needs 2 at least')
        name = f'episode {rows["episode"][0]} of env {rows["env"][0]}'
        if not np.array_equal(rows['step'], np.arange(len(rows))):
            raise EpisodeError(
                f'steps are {rows["step"].tolist()}', 'they must be 0 … T', source=name
            )
        for key in ('session', 'env', 'episode'):
            if (rows[key] != rows[key][0]).any():
                raise EpisodeError(
                    f'rows of more than one {key}', 'divide them into episodes', source=name
                )
        if (rows['desired_goal'] != rows['desired_goal'][0]).any():
            raise EpisodeError(
                'the goal changes within the episode', 'start an episode with each goal', name
            )
        require_finite(rows, finite_fields(rows), name)
        if (beyond := np.abs(rows['action']) > 1).any():
            raise EpisodeError(
                f'an action is {rows["action"][beyond][0]:g}',
                'expected within [-1, 1]',
                source=name,
            )
        if rows['observation'].shape[1] != task.observation_size:
            raise EpisodeError(
                f'observations have {rows["observation"].shape[1]} values,'
                f' {task.name} has {task.observation_size}',
                'name the task that they are of',
                source=name,
            )


def _numbers(name: str, values: ArrayLike, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
    """
    Return an array of numbers.

    :param shape: what it must have; None: any length
    :raises EpisodeError: if it holds no numbers, or has another shape
    """
    wanted = '(' + ', '.join('T' if size is None else str(size) for size in shape) + ')'
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise EpisodeError(
            f'not an array of numbers ({error})', f'give one of shape {wanted}', name
        ) from None
    fits = len(array.shape) == len(shape) and all(
        size in (None, found) for size, found in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise EpisodeError(f'{name} has shape {array.shape}', f'it must be {wanted}')
    return array


def faults_of(episodes: Sequence[Episode], task: GoalTask) -> list[HerRosError | None]:
    """
    Check many episodes; this is fast as long as they are valid.

    :return: for each episode the error that :meth:`Episode.check` raises, or None
    """
    faults: list[HerRosError | None] = []
    group: list[Episode] = []
    size = 0
    for episode in episodes:
        group.append(episode)
        size += len(episode.rows)
        if size >= _GROUP_ROWS:
            faults += _faults_of_group(group, task)
            group, size = [], 0
    return faults + _faults_of_group(group, task)


def _faults_of_group(episodes: list[Episode], task: GoalTask) -> list[HerRosError | None]:
    if not episodes or _are_sound(episodes, task):
        return [None] * len(episodes)
    return [_fault_of(episode, task) for episode in episodes]


def _fault_of(episode: Episode, task: GoalTask) -> HerRosError | None:
    try:
        episode.check(task)
    except HerRosError as error:
        return error
    return None


def _are_sound(episodes: list[Episode], task: GoalTask) -> bool:
    """Tell whether all episodes pass :meth:`Episode.check`."""
    lengths = np.array([len(episode.rows) for episode in episodes])
    if lengths.min() < 2:
        return False
    rows = joined([episode.rows for episode in episodes])
    begins = lengths.cumsum() - lengths
    steps = np.arange(len(rows)) - begins.repeat(lengths)
    goals, identities = rows['desired_goal'], identity_of(rows)[:, : IDENTITY.index('step')]
    is_later = steps[1:, None] > 0
    return bool(
        rows['observation'].shape[1] == task.observation_size
        and (rows['step'] == steps).all()
        and not any((is_later & (each[1:] != each[:-1])).any() for each in (goals, identities))
        and all(np.isfinite(rows[name]).all() for name in finite_fields(rows))
        and (np.abs(rows['action']) <= 1).all()
    )
