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

"""Episode-major replay buffer with Hindsight Experience Replay at sampling time."""

from her_ros.config.parameters.learner import GOAL_STRATEGIES, LearnerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.replay.batch import Batch, NoiseSpec, SampleNoise
from her_ros.learning.replay.curriculum import Curriculum
from her_ros.learning.replay.episode_rows import EpisodeRows, ReplayError, StoredEpisode
from her_ros.learning.replay.goal_offsets import goal_offsets_of
from her_ros.learning.replay.goals import GoalCandidates, GoalStrategy
from her_ros.learning.replay.moves import moves_on
from her_ros.learning.replay.priorities import priorities_of, TdErrorPriorities
from her_ros.learning.replay.ring import Ring
from her_ros.learning.replay.stored_values import stored_values
from her_ros.learning.replay.symmetries import symmetries_of
from her_ros.tasks.goal_task import GoalTask
import numpy as np
import torch
from torch import Tensor

# For batches that no update is made of.
_NO_UPDATES = torch.zeros(())


class Replay:
    """
    The last states of many episodes of any length, each state stored once.

    An episode of T transitions takes T + 2 consecutive rows: its T + 1 states, and one more row
    that holds nothing but the desired goal. So a goal is always a row of one table: a state's row
    after relabelling, the row behind the last state otherwise.

    Of k + p + 1 samples, k are relabelled with an achieved goal
    (:mod:`her_ros.learning.replay.goals`), p with a goal that any stored episode had (Pitis et al.
    2020, arXiv 2007.02832), and one keeps its own.

    :param task: gives the sizes and the reward
    :param parameters: capacity, k and p, which goals become goals, which transitions are drawn
    """

    def __init__(
        self, task: GoalTask, parameters: LearnerParameters, device: torch.device | str = 'cpu'
    ) -> None:
        self.task = task
        self.capacity = capacity = parameters.replay_capacity
        relabelled = parameters.her_k + parameters.her_past_goal_k
        self._hindsight_share = parameters.her_k / (relabelled + 1)
        self._relabelled_share = relabelled / (relabelled + 1)
        self._moved_share = parameters.motion_fraction
        self._strategy: GoalStrategy = GOAL_STRATEGIES[parameters.her_strategy]
        self._curriculum = Curriculum(parameters) if parameters.curriculum_enabled else None
        #: priorities of transitions; None: all are drawn alike
        self.priorities = priorities_of(task, parameters, device)
        #: transformation of samples; None: they are as recorded
        self.symmetries = symmetries_of(task, parameters, device)
        self._goal_offsets = goal_offsets_of(task, parameters, device)
        #: random numbers that a batch uses
        self.noise_spec = NoiseSpec(
            parameters.curriculum_candidates if parameters.curriculum_enabled else 0,
            self.symmetries is not None,
            self._goal_offsets is not None,
        )
        self._truth = parameters.truth
        # An observation, the action taken on it, and what the truth adds to them.
        self._value_sizes = [
            sum(size for _, size in part) for part in stored_values(task, parameters.truth)
        ]
        self._values = torch.empty((capacity, sum(self._value_sizes)), device=device)
        self._goal = torch.empty((capacity, task.goal_size), dtype=torch.float64, device=device)
        # A row and the one behind it as one long row: a transition is one place in memory.
        self._two_values, self._two_goals = _in_pairs(self._values), _in_pairs(self._goal)
        self._terminated = torch.empty(capacity, dtype=torch.bool, device=device)
        self._last_state_row = torch.empty(capacity, dtype=torch.int32, device=device)
        self._first_state_row = torch.empty(
            capacity if self._strategy.needs_first else 0, dtype=torch.int32, device=device
        )
        # Rows that start a transition; those among them after which the achieved goal moved; and
        # rows that hold desired goals. The last two only where they are drawn from.
        self._transitions = Ring(capacity, device)
        self._moved = Ring(capacity if parameters.motion_fraction else 1, device)
        self._desired = Ring(capacity if parameters.her_past_goal_k else 1, device)
        self._episodes = EpisodeRows(capacity)

    def __len__(self) -> int:
        """Return the number of transitions stored."""
        return len(self._transitions)

    @property
    def episodes(self) -> int:
        """Return the number of episodes stored."""
        return len(self._episodes)

    def add(self, episode: Episode) -> int:
        """
        Store an episode; the oldest ones go when there is no room.

        :return: the first row of the episode
        :raises ReplayError: if the episode is larger than the buffer, or disturbed and the truth
            is not used
        """
        self.check_fits(episode)
        length = len(episode)
        first, evicted = self._episodes.make_room(length)
        for old in evicted:
            self._forget(old)
        last = first + length
        end, device = last + 1, self._goal.device
        values = self._values[first:end].split(self._value_sizes, 1)
        values[0][:] = _tensor(episode.observation, device)
        values[1][:-1] = _tensor(episode.action, device)
        truth = (episode.seen_achieved_goal, episode.true_observation)
        for part, true_values in zip(values[2:], truth, strict=False):
            part[:] = _tensor(true_values, device)
        self._goal[first:end] = _tensor(episode.achieved_goal, device)
        self._goal[last + 1] = _tensor(episode.desired_goal, device)
        self._terminated[first:last] = _tensor(episode.terminated, device)
        self._last_state_row[first:last] = last
        if len(self._first_state_row):
            self._first_state_row[first:last] = first
        if self.priorities is not None:
            self.priorities.add(first, episode)
        rows = torch.arange(first, last + 2, dtype=torch.int32, device=device)
        self._transitions.append(rows[:length])
        moved = np.zeros(0, np.int64)
        if self._moved_share:
            moved = np.flatnonzero(moves_on(episode.achieved_goal, self.task))
            self._moved.append(_tensor(first + moved, device).int())
        if self._relabelled_share > self._hindsight_share:
            self._desired.append(rows[-1:])
        self._episodes.append(StoredEpisode(first, length, len(moved)))
        return first

    def check_fits(self, episode: Episode) -> None:
        """
        Check that there could be room for an episode.

        :raises ReplayError: if it is larger than the whole buffer, or disturbed and the truth is
            not used
        """
        if self._truth == 'none' and episode.has_truth:
            raise ReplayError(
                'a disturbed episode, and truth is none', 'set truth to critic or rewards'
            )
        self._episodes.check_fits(len(episode))

    def has_room(self, episode: Episode) -> bool:
        """
        Tell whether an episode can be stored without another one having to go.

        :raises ReplayError: if it is larger than the whole buffer
        """
        self.check_fits(episode)
        return self._episodes.has_room(len(episode))

    def _forget(self, episode: StoredEpisode) -> None:
        self._transitions.forget(episode.length)
        if self.priorities is not None:
            self.priorities.remove(episode.first_row, episode.length)
        self._moved.forget(episode.moved)
        if len(self._desired):
            self._desired.forget(1)

    def sample(self, noise: SampleNoise, updates: Tensor = _NO_UPDATES) -> Batch:
        """
        Gather the transitions that the random numbers select.

        :param updates: number of updates made, a scalar: some choices shift with training
        :raises ReplayError: if the buffer is empty
        """
        if not self._episodes:
            raise ReplayError('the replay buffer is empty', 'add an episode before sampling')
        return self.gather(noise, updates)

    def gather(self, noise: SampleNoise, updates: Tensor = _NO_UPDATES) -> Batch:
        """
        Do as :meth:`sample` does, in a buffer known to hold something.

        Tensors alone decide what happens, so this can be compiled or captured; the cost does not
        depend on how much is stored.
        """
        row = self._picked(noise.transition)
        weight = None
        if isinstance(self.priorities, TdErrorPriorities):
            weight = self.priorities.importance(row, updates)
        return self._relabelled(row, noise, updates, weight)

    def _picked(self, uniform: Tensor) -> Tensor:
        """Choose rows that start transitions, by numbers in [0, 1), shape (n,)."""
        if self.priorities is not None:
            return self.priorities.pick(uniform)
        if not self._moved_share:
            return self._transitions.pick(uniform)
        # One number chooses where to draw from, and what: its share of [0, 1) is stretched again.
        # In double precision like the noise, or the stretched number could reach 1.
        share = self._moved_share * (self._moved.count > 0).double()
        of_moved = uniform < share
        stretched = torch.where(of_moved, uniform / share, (uniform - share) / (1 - share))
        return torch.where(
            of_moved, self._moved.pick(stretched), self._transitions.pick(stretched)
        )

    def sample_episode(self, first_row: int, length: int, noise: SampleNoise) -> Batch:
        """Gather every transition of one stored episode once, relabelled without a curriculum."""
        row = torch.arange(first_row, first_row + length, device=self._goal.device)
        return self._relabelled(row, noise, _NO_UPDATES, None)

    def _relabelled(
        self, row: Tensor, noise: SampleNoise, updates: Tensor, weight: Tensor | None
    ) -> Batch:
        last = self._last_state_row.index_select(0, row).long()
        goal_row = last + 1
        if self._relabelled_share > self._hindsight_share:
            is_relabelled = noise.relabel < self._relabelled_share
            goal_row = torch.where(is_relabelled, self._desired.pick(noise.future), goal_row)
        is_hindsight = noise.relabel < self._hindsight_share
        goal_row = torch.where(is_hindsight, self._goal_rows(row, last, noise, updates), goal_row)
        if not self._strategy.always_later:
            is_later = is_hindsight & (row < goal_row) & (goal_row <= last)
        else:
            is_later = is_hindsight
        goal = self._goal.index_select(0, goal_row)
        if self._goal_offsets is not None and noise.goal_offset is not None:
            goal, is_moved = self._goal_offsets.apply(goal, is_hindsight, noise.goal_offset)
            is_later = is_later & ~is_moved
        goals = self._two_goals.index_select(0, row)
        # The reward is that of the state after the action, so it uses the *next* achieved goal.
        size = self.task.goal_size
        reward = self.task.reward(goals[:, size:], goal).float()
        values = self._two_values.index_select(0, row)
        if self.symmetries is not None and noise.symmetry is not None:
            # Afterwards: rounding must not turn a reached goal into a missed one.
            values, goals, goal = self.symmetries.apply(values, goals, goal, noise.symmetry)
        achieved_goal, next_achieved_goal = goals.chunk(2, 1)
        parts, count = values.split(self._value_sizes * 2, 1), len(self._value_sizes)
        (observation, action, *truth), (next_observation, _, *next_truth) = (
            parts[:count],
            parts[count:],
        )
        seen, true = (*truth, None, None)[:2]
        next_seen, next_true = (*next_truth, None, None)[:2]
        return Batch(
            observation=observation,
            achieved_goal=achieved_goal,
            action=action,
            next_observation=next_observation,
            next_achieved_goal=next_achieved_goal,
            goal=goal,
            reward=reward,
            terminated=self._terminated.index_select(0, row),
            steps_to_goal=torch.where(is_later, goal_row - row, 0),
            row=row,
            weight=weight,
            seen_achieved_goal=seen,
            next_seen_achieved_goal=next_seen,
            true_observation=true,
            next_true_observation=next_true,
        )

    def _goal_rows(self, row: Tensor, last: Tensor, noise: SampleNoise, updates: Tensor) -> Tensor:
        """Choose rows of achieved goals, by the strategy and the curriculum if there is one."""
        if self._curriculum is None or noise.candidates is None:
            return self._by_strategy(row, last, noise.future)
        count, size = noise.candidates.shape
        each = (row.repeat(count), last.repeat(count))
        rows = self._by_strategy(*each, noise.candidates.flatten())
        goals = self._goal.index_select(0, rows).view(count, size, -1)
        desired = self._goal.index_select(0, last + 1)
        chosen = self._curriculum.choose(goals, desired, updates)
        return rows.view(count, size).gather(0, chosen[None])[0]

    def _by_strategy(self, row: Tensor, last: Tensor, uniform: Tensor) -> Tensor:
        first = row
        if len(self._first_state_row):
            first = self._first_state_row.index_select(0, row).long()
        return self._strategy.rows(
            GoalCandidates(row, first, last, uniform, self._transitions.pick)
        )


def _in_pairs(table: Tensor) -> Tensor:
    """View a table (n, m) as (n - 1, 2 m): every row with the one behind it."""
    rows, columns = table.shape
    return table.as_strided((rows - 1, 2 * columns), (columns, 1))


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    # Rows interleave their fields, and may be read-only views of a file.
    return torch.from_numpy(np.array(array)).to(device)
