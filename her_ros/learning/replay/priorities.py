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

"""
Priorities that make some stored transitions more likely to be sampled.

The priority of a transition is one leaf of a :class:`SumTree`, indexed by the transition's row in
the replay buffer. A row that starts no transition has the priority 0.
"""

from abc import ABC, abstractmethod
from typing import Any

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.replay.sum_tree import SumTree
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

# Keeps transitions of no error, and episodes of no energy, from never being drawn again.
_LEAST_ERROR = 1e-6
_LEAST_ENERGY_J = 1e-3
_GRAVITY_M_S2 = 9.81
# Zhao & Tresp's limit for a transition of the Fetch tasks (section 4 and their code).
_HIGHEST_TRANSITION_ENERGY_J = 0.5


class Priorities(ABC):
    """Base of both kinds: a tree of priorities to which episodes are added and removed."""

    def __init__(self, capacity: int, device: torch.device | str) -> None:
        self._tree = SumTree(capacity, device)
        self._device = device

    def add(self, first_row: int, episode: Episode) -> None:
        """Give the transitions of a new episode their first priority."""
        self._set_range(first_row, len(episode), self._first_priority(episode))

    def remove(self, first_row: int, length: int) -> None:
        """Let no transition of an episode be drawn any more."""
        self._set_range(first_row, length, torch.zeros((), dtype=torch.float64))

    def _set_range(self, first_row: int, length: int, priority: Tensor) -> None:
        rows = torch.arange(first_row, first_row + length, device=self._device)
        self._tree.set(rows, priority.to(self._device).expand(length))

    @abstractmethod
    def _first_priority(self, episode: Episode) -> Tensor:
        """Return the first priority of the transitions of a new episode, a scalar."""

    def pick(self, uniform: Tensor) -> Tensor:
        """Draw rows in proportion to their priorities, by numbers in [0, 1), shape (n,)."""
        return self._tree.find(uniform)

    def state_dict(self) -> dict[str, Any]:
        """Return the state that does not follow from the episodes alone."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave; the buffer holds the same episodes again."""
        assert not state


class EnergyPriorities(Priorities):
    """
    Episodes in proportion to their energy, and within an episode all transitions alike.

    Energy-based prioritisation, Zhao & Tresp 2018 (arXiv 1810.01363), section 3.3.
    """

    def __init__(self, task: GoalTask, capacity: int, device: torch.device | str) -> None:
        super().__init__(capacity, device)
        self._control_period_s = task.control_period_s

    def _first_priority(self, episode: Episode) -> Tensor:
        energy = trajectory_energy(episode.achieved_goal, self._control_period_s)
        return torch.tensor(max(energy, _LEAST_ENERGY_J) / len(episode), dtype=torch.float64)


def trajectory_energy(achieved_goal: NDArray[np.float64], control_period_s: float) -> float:
    """
    Energy that went into what is moved, for a mass of 1 kg.

    The sum of what each move adds to potential and kinetic energy; what it takes away does not
    count, and a move adds no more than 0.5 J (Zhao & Tresp 2018, eq. 1 to 6). Rotation, of which
    achieved goals that are positions say nothing, is left out.

    :param achieved_goal: positions of a whole episode, metres, world frame, z upwards, shape
        (T + 1, G); several positions one behind the other; G = 2 lies in a plane, without height
    :return: joules
    """
    height = achieved_goal[:, 2::3].sum(1)
    speed = np.diff(achieved_goal, axis=0) / control_period_s
    kinetic = 0.5 * (speed * speed).sum(1)
    # No move led to the first state; it is taken to be at rest.
    energy = _GRAVITY_M_S2 * height + np.concatenate(([0.0], kinetic))
    return float(np.diff(energy).clip(0.0, _HIGHEST_TRANSITION_ENERGY_J).sum())


class TdErrorPriorities(Priorities):
    """
    Transitions by the size of their last temporal-difference error.

    Prioritised replay, proportional variant, Schaul et al. 2016 (arXiv 1511.05952), section 3.3
    and 3.4. The errors are those of relabelled transitions, so a priority tells what its goal of
    last time left to learn.
    """

    def __init__(
        self, parameters: LearnerParameters, capacity: int, device: torch.device | str
    ) -> None:
        super().__init__(capacity, device)
        self._alpha = parameters.priority_alpha
        self._beta = parameters.priority_beta
        self._beta_updates = parameters.priority_beta_updates
        # New transitions are drawn soon, as their error is not known yet.
        self._highest = torch.ones((), dtype=torch.float64, device=device)

    def _first_priority(self, episode: Episode) -> Tensor:
        return self._highest

    def note(self, row: Tensor, td_error: Tensor) -> None:
        """
        Set the priorities of the transitions of a batch.

        :param row: where they are stored, shape (n,)
        :param td_error: of any sign, shape (n,)
        """
        priority = (td_error.abs().double() + _LEAST_ERROR) ** self._alpha
        self._tree.set(row, priority)
        self._highest.copy_(torch.maximum(self._highest, priority.amax()))

    def importance(self, row: Tensor, updates: Tensor) -> Tensor:
        """
        Return weights that make up for drawing some transitions more often than others.

        (N P(i))^-β, where β rises to 1 in a straight line; divided by the largest of the batch, so
        that they only ever make steps smaller.

        :param updates: number of updates made, a scalar on the device
        :return: weights in (0, 1], float32, shape (n,)
        """
        beta = self._beta + (1.0 - self._beta) * (updates.double() / self._beta_updates)
        rarity = 1.0 / self._tree.weights.index_select(0, row)
        return ((rarity / rarity.amax()) ** beta.clamp(max=1.0)).float()

    def state_dict(self) -> dict[str, Any]:
        """Return the priorities of all rows, and that of new transitions."""
        return {'weights': self._tree.weights.clone(), 'highest': self._highest}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave; the buffer holds the same episodes again."""
        self._tree.load(state['weights'])
        self._highest.copy_(state['highest'])


def priorities_of(
    task: GoalTask, parameters: LearnerParameters, device: torch.device | str
) -> Priorities | None:
    """Make the priorities that the parameters ask for; None where all are drawn alike."""
    capacity = parameters.replay_capacity
    if parameters.priority_kind == 'energy':
        return EnergyPriorities(task, capacity, device)
    if parameters.priority_kind == 'td_error':
        return TdErrorPriorities(parameters, capacity, device)
    return None
