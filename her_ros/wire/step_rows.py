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

"""Fill ``step`` rows from states and from the moves that led to them."""

from typing import Any

from her_ros.tasks.disturbances import Drawn
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import DRAWN_FIELDS, Rows, true_achieved_goal
from numpy.typing import ArrayLike


def fill_state(
    rows: Rows, observation: ArrayLike, achieved_goal: ArrayLike, desired_goal: ArrayLike
) -> None:
    """
    Write the states of environments into their rows.

    :param rows: ``step`` rows, shape (n,)
    :param observation: shape (n, O)
    :param achieved_goal: metres, world frame, shape (n, G)
    :param desired_goal: metres, world frame, shape (n, G), or (G,) for the same in every row
    """
    rows['observation'] = observation
    rows['achieved_goal'] = achieved_goal
    rows['desired_goal'] = desired_goal


def fill_truth(rows: Rows, observation: ArrayLike, achieved_goal: ArrayLike, drawn: Drawn) -> None:
    """
    Write the truth behind disturbed states, and what their episodes drew, into their rows.

    :param rows: rows of :func:`~her_ros.wire.rows.disturbed_step_dtype`, shape (n,)
    :param observation: shape (n, O)
    :param achieved_goal: metres, world frame, shape (n, G)
    :param drawn: shape (n,)
    """
    rows['true_observation'] = observation
    rows['true_achieved_goal'] = achieved_goal
    for name, field in DRAWN_FIELDS.items():
        rows[field] = drawn[name]


def fill_move(rows: Rows, task: GoalTask, action: ArrayLike, policy_version: Any = 0) -> None:
    """
    Write the moves that led to the states of rows, with their reward and success.

    This does not set whether the episode ends with them.

    :param rows: ``step`` rows that hold their states, shape (n,)
    :param action: as applied, in [-1, 1], shape (n, A)
    :param policy_version: of the policy that acted, shape (n,) or one for all; 0: none did
    """
    goals = true_achieved_goal(rows), rows['desired_goal']
    rows['action'] = action
    rows['policy_version'] = policy_version
    rows['reward'] = task.reward(*goals)
    rows['is_success'] = task.is_success(*goals)
