"""Episode-major replay buffer with Hindsight Experience Replay at sampling time."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from her_ros.core.episode import Episode
from her_ros.core.errors import HerRosError
from her_ros.core.parameters import LearnerParameters
from her_ros.core.task import GoalTask
from her_ros.learning.ring import Ring

# States of one episode compared at a time with all that come later.
_BLOCK = 256


class ReplayError(HerRosError):
    """An episode that cannot be stored, or a buffer that cannot be sampled."""


@dataclass(frozen=True)
class Batch:
    """Transitions whose goal stands in both states; all tensors share their first dimension.

    Shapes: observations (n, O), achieved goals and goal (n, G), action (n, A), reward, terminated
    and steps_to_goal (n,). Goals are float64, in which the environment computes its rewards too.
    """

    observation: Tensor
    achieved_goal: Tensor
    action: Tensor
    next_observation: Tensor
    next_achieved_goal: Tensor
    goal: Tensor
    reward: Tensor
    terminated: Tensor
    #: moves from the observation to the state whose achieved goal became the goal; 0 for all other
    #: goals
    steps_to_goal: Tensor


@dataclass(frozen=True)
class Draws:
    """Uniform random numbers in [0, 1), float64, shape (n,), from which a batch follows."""

    transition: Tensor
    relabel: Tensor
    future: Tensor

    @classmethod
    def random(cls, count: int, generator: torch.Generator) -> 'Draws':
        """Draw for ``count`` transitions on the generator's device."""
        numbers = torch.rand(
            (3, count), dtype=torch.float64, generator=generator, device=generator.device
        )
        return cls(*numbers.unbind())


class Replay:
    """The last states of many episodes of any length, each state stored once.

    An episode of T transitions takes T + 2 consecutive rows: its T + 1 states, and one more row
    that holds nothing but the desired goal. So a goal is always a row of one table: a future
    state's row after relabelling, the row behind the last state otherwise.

    Of k + p + 1 samples, k are relabelled by HER's ``future`` strategy (Andrychowicz et al. 2017,
    section 4.5), p with a goal that any stored episode had (Pitis et al. 2020, arXiv 2007.02832),
    and one keeps its own.

    :param task: gives the sizes and the reward
    :param parameters: capacity, k and p, and the share of samples that moved the achieved goal
    """

    def __init__(
        self, task: GoalTask, parameters: LearnerParameters, device: torch.device | str = 'cpu'
    ) -> None:
        self.task = task
        self.capacity = capacity = parameters.replay_capacity
        relabelled = parameters.future_goals + parameters.past_goals
        self._future_share = parameters.future_goals / (relabelled + 1)
        self._relabelled_share = relabelled / (relabelled + 1)
        self._moved_share = parameters.moved_share
        # An observation, and the action taken on it.
        self._moment = torch.empty(
            (capacity, task.observation_size + task.action_size), device=device
        )
        self._goal = torch.empty((capacity, task.goal_size), dtype=torch.float64, device=device)
        # A row and the one behind it as one long row: a transition is one place in memory.
        self._two_moments, self._two_goals = _in_pairs(self._moment), _in_pairs(self._goal)
        self._terminated = torch.empty(capacity, dtype=torch.bool, device=device)
        self._last_state_row = torch.empty(capacity, dtype=torch.int32, device=device)
        # Rows that start a transition; those among them after which the achieved goal moved; and
        # rows that hold desired goals. The last two only where they are drawn from.
        self._transitions = Ring(capacity, device)
        self._moved = Ring(capacity if parameters.moved_share else 1, device)
        self._desired = Ring(capacity if parameters.past_goals else 1, device)
        self._next_row = 0
        self._episodes: deque[_Stored] = deque()  # oldest first

    def __len__(self) -> int:
        """Return the number of transitions stored."""
        return len(self._transitions)

    @property
    def episodes(self) -> int:
        """Number of episodes stored."""
        return len(self._episodes)

    def add(self, episode: Episode) -> int:
        """Store an episode; the oldest ones go when there is no room.

        :return: the first row of the episode
        :raises ReplayError: if the episode is larger than the buffer
        """
        self.check_fits(episode)
        length = len(episode)
        first = self._make_room(length + 2)
        last = first + length
        device = self._goal.device
        moments = self._moment[first : last + 1]
        moments[:, : self.task.observation_size] = _tensor(episode.observation, device)
        moments[:-1, self.task.observation_size :] = _tensor(episode.action, device)
        self._goal[first : last + 1] = _tensor(episode.achieved_goal, device)
        self._goal[last + 1] = _tensor(episode.desired_goal, device)
        self._terminated[first:last] = _tensor(episode.terminated, device)
        self._last_state_row[first:last] = last
        rows = torch.arange(first, last + 2, dtype=torch.int32, device=device)
        self._transitions.append(rows[:length])
        moved = np.zeros(0, np.int64)
        if self._moved_share:
            moved = np.flatnonzero(moves_on(episode.achieved_goal, self.task))
            self._moved.append(_tensor(first + moved, device).int())
        if self._relabelled_share > self._future_share:
            self._desired.append(rows[-1:])
        self._episodes.append(_Stored(first, length, len(moved)))
        self._next_row = last + 2
        return first

    def check_fits(self, episode: Episode) -> None:
        """Check that there could be room for an episode.

        :raises ReplayError: if it is larger than the whole buffer
        """
        if len(episode) + 2 > self.capacity:
            raise ReplayError(
                f'an episode of {len(episode)} steps needs {len(episode) + 2} rows;'
                f' replay_capacity is {self.capacity}'
            )

    def has_room(self, episode: Episode) -> bool:
        """Tell whether an episode can be stored without another one having to go.

        :raises ReplayError: if it is larger than the whole buffer
        """
        self.check_fits(episode)
        first, rows = self._next_row, len(episode) + 2
        if first + rows > self.capacity:
            return False
        return not self._episodes or not first <= self._episodes[0].first_row < first + rows

    def _make_room(self, rows: int) -> int:
        """Evict the oldest episodes until ``rows`` consecutive rows are free; return the first."""
        first = self._next_row
        if first + rows > self.capacity:
            # What is left at the end stays empty; whatever still lies there is the oldest.
            while self._episodes and self._episodes[0].first_row >= first:
                self._evict()
            first = 0
        while self._episodes and first <= self._episodes[0].first_row < first + rows:
            self._evict()
        return first

    def _evict(self) -> None:
        oldest = self._episodes.popleft()
        self._transitions.forget(oldest.length)
        self._moved.forget(oldest.moved)
        if len(self._desired):
            self._desired.forget(1)

    def sample(self, draws: Draws) -> Batch:
        """Gather the transitions that the draws select.

        :raises ReplayError: if the buffer is empty
        """
        if not self._episodes:
            raise ReplayError('the replay buffer is empty; there is nothing to sample')
        return self.gather(draws)

    def gather(self, draws: Draws) -> Batch:
        """Do as :meth:`sample` does, in a buffer known to hold something.

        Tensors alone decide what happens, so this can be compiled or captured; the cost does not
        depend on how much is stored.
        """
        if not self._moved_share:
            return self._relabelled(self._transitions.pick(draws.transition), draws)
        # One number chooses where to draw from, and what: its share of [0, 1) is stretched again.
        # In double precision like the draws, or the stretched number could reach 1.
        share = self._moved_share * (self._moved.count > 0).double()
        of_moved = draws.transition < share
        uniform = torch.where(
            of_moved, draws.transition / share, (draws.transition - share) / (1 - share)
        )
        row = torch.where(of_moved, self._moved.pick(uniform), self._transitions.pick(uniform))
        return self._relabelled(row, draws)

    def sample_episode(self, first_row: int, length: int, draws: Draws) -> Batch:
        """Gather every transition of one stored episode once, relabelled as in training."""
        row = torch.arange(first_row, first_row + length, device=self._goal.device)
        return self._relabelled(row, draws)

    def _relabelled(self, row: Tensor, draws: Draws) -> Batch:
        last = self._last_state_row.index_select(0, row).long()
        goal_row = last + 1
        if self._relabelled_share > self._future_share:
            is_relabelled = draws.relabel < self._relabelled_share
            goal_row = torch.where(is_relabelled, self._desired.pick(draws.future), goal_row)
        is_future = draws.relabel < self._future_share
        goal_row = torch.where(is_future, future_rows(row, last, draws.future), goal_row)
        goal = self._goal.index_select(0, goal_row)
        achieved_goal, next_achieved_goal = self._two_goals.index_select(0, row).chunk(2, 1)
        sizes = (self.task.observation_size, self.task.action_size)
        moments = self._two_moments.index_select(0, row)
        observation, action, next_observation, _ = moments.split(sizes * 2, 1)
        return Batch(
            observation=observation,
            achieved_goal=achieved_goal,
            action=action,
            next_observation=next_observation,
            next_achieved_goal=next_achieved_goal,
            goal=goal,
            # The reward judges where the action led, so it looks at the *next* achieved goal.
            reward=self.task.reward(next_achieved_goal, goal).float(),
            terminated=self._terminated.index_select(0, row),
            steps_to_goal=torch.where(is_future, goal_row - row, 0),
        )


class _Stored(NamedTuple):
    """Where an episode of ``length`` transitions lies, ``moved`` of which are listed as such."""

    first_row: int
    length: int
    moved: int


def moves_on(achieved_goal: NDArray[np.float64], task: GoalTask) -> NDArray[np.bool]:
    """Tell from which states on the achieved goal still gets away from where it is.

    From the other states every goal that HER puts in is reached already, and nothing is learnt
    (Manela & Biess 2021, arXiv 1905.05498, filter them out).

    :param achieved_goal: of a whole episode, shape (T + 1, G)
    :return: whether any later one is out of tolerance, of every state, shape (T + 1,)
    """
    length = len(achieved_goal)
    moves = np.zeros(length, bool)
    # In blocks, so that an episode of any length takes little memory.
    for first in range(0, length, _BLOCK):
        some = slice(first, first + _BLOCK)
        reached = task.is_success(achieved_goal[some, None], achieved_goal[None, first:])
        moves[some] = np.triu(np.logical_not(reached), 1).any(1)
    return moves


def future_rows(row: Tensor, last: Tensor, uniform: Tensor) -> Tensor:
    """Choose goals uniformly among the states after each transition: row + 1 … last.

    :param row: rows of the states acted in, shape (n,)
    :param last: rows of the last states of their episodes, shape (n,)
    :param uniform: numbers in [0, 1), shape (n,)
    """
    return row + 1 + (uniform * (last - row)).long()


def _in_pairs(table: Tensor) -> Tensor:
    """View a table (n, m) as (n - 1, 2 m): every row with the one behind it."""
    rows, columns = table.shape
    return table.as_strided((rows - 1, 2 * columns), (columns, 1))


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    # Rows interleave their fields, and may be read-only views of a file.
    return torch.from_numpy(np.array(array)).to(device)
