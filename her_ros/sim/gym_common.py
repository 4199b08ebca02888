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

"""Parts that the single and the batched Gymnasium environment share."""

from typing import Any

from gymnasium import spaces
from her_ros.sim.errors import SimError
from her_ros.sim.simulation import GoalState
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray

Observation = dict[str, NDArray[np.float64]]


def observation_space_of(task: GoalTask) -> spaces.Space[Any]:
    """Return the observation space of one environment."""

    def unbounded(size: int) -> spaces.Box:
        return spaces.Box(-np.inf, np.inf, (size,), np.float64)

    return spaces.Dict(
        {
            'observation': unbounded(task.observation_size),
            'achieved_goal': unbounded(task.goal_size),
            'desired_goal': unbounded(task.goal_size),
        }
    )


def action_space_of(task: GoalTask) -> spaces.Space[Any]:
    """Return the action space of one environment."""
    return spaces.Box(-1.0, 1.0, (task.action_size,), np.float32)


def reward_of(task: GoalTask, achieved_goal: Any, desired_goal: Any) -> Any:
    """Return the sparse reward of goals of shape (..., 3), float32."""
    return task.reward(np.asarray(achieved_goal), np.asarray(desired_goal)).astype(np.float32)


def success_of(task: GoalTask, state: GoalState) -> NDArray[np.float32]:
    """Return 1.0 for each environment that has reached its goal, else 0.0, shape (n,)."""
    return task.is_success(state.achieved_goal, state.desired_goal).astype(np.float32)


def refuse_options(options: dict[str, Any] | None) -> None:
    """
    Refuse options of ``reset``.

    :raises SimError: if there are any
    """
    if options:
        raise SimError(f'options {sorted(options)}', 'leave them out; there are none')
