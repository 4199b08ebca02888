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

"""Interface of a simulation, as rollouts use it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from her_ros.sim.errors import SimError
from her_ros.sim.observations import Floats
import numpy as np
from numpy.typing import ArrayLike, NDArray


class GoalState(NamedTuple):
    """State of environments, in arrays that later calls do not modify."""

    #: shape (n, O); the parts are named by the task's ``observation_fields``
    observation: Floats
    #: metres, world frame, shape (n, G)
    achieved_goal: Floats
    #: metres, world frame, shape (n, G)
    desired_goal: Floats


class Simulation(Protocol):
    """N environments of one task, whose episodes do not end by themselves."""

    def __len__(self) -> int:
        """Return N."""

    def reset(self, *, seeds: Sequence[int | None] | None = None) -> GoalState:
        """Start episodes in all environments; seed None keeps the state of a generator."""

    def set_goal(self, goals: ArrayLike) -> None:
        """Replace the desired goals, metres, world frame, until the next reset."""

    def step(self, actions: NDArray) -> GoalState:
        """Move all environments for one control period by actions in [-1, 1], shape (N, A)."""

    def state(self) -> GoalState:
        """Return the present state."""


#: cure of a wrong number of seeds
ONE_SEED_EACH = 'give one for each'


def checked_goals(goals: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """
    Return goals as numbers, of shape (n, G), or (G,) for the same in every row.

    :param shape: (n, G)
    :raises SimError: if a goal is not finite or has another size
    """
    checked = np.asarray(goals, np.float64)
    if checked.shape not in (shape, shape[1:]) or not np.isfinite(checked).all():
        raise SimError(f'goals are {checked.tolist()}', f'they must be finite, of shape {shape}')
    return checked
