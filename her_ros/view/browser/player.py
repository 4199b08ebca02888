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

"""Episodes of a policy that a person watches and meddles with."""

from collections.abc import Mapping

from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.sim.arm.batch import ArmBatch
from her_ros.sim.disturbed.disturber import Disturber
from her_ros.sim.errors import SimError
from her_ros.sim.evaluate import FIRST_SEED
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.registry import simulation_of
from her_ros.sim.simulation import GoalState
from her_ros.tasks.disturbances import DISTURBANCES, Disturbances
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Player:
    """
    Runs one environment, one control period at a time.

    Episodes are those of evaluations, in their order. An episode ends after the task's time, which
    starts again when the goal is moved.

    :param task: a Fetch task, or one that any arm does
    :raises HerRosError: if the task has no simulation with a scene
    """

    def __init__(self, policy: OnnxPolicy, task: GoalTask) -> None:
        batch = simulation_of(task, [0])
        if not isinstance(batch, FetchBatch | ArmBatch):
            raise SimError(
                'its simulation has no scene to view',
                'view a Fetch task, or one that any arm does',
                source=f'task {task.name}',
            )
        self._policy, self._task, self._batch = policy, task, batch
        self._disturber: Disturber | None = None
        #: number of the present episode, counted from 0
        self.number = 0
        #: how many episodes have ended, and how many of them at their goal
        self.ended, self.reached = 0, 0
        #: the goal of every episode, metres, world frame, shape (3,); None: each has its own
        self.kept_goal: Floats | None = None
        self.restart()

    @property
    def qpos(self) -> Floats:
        """Joint positions, shape (nq,)."""
        return self._batch.qpos(0)

    @property
    def goal(self) -> Floats:
        """Desired goal, metres, world frame, shape (3,)."""
        return self._state.desired_goal[0]

    @property
    def achieved(self) -> Floats:
        """Achieved goal as it is, not as a disturbed policy sees it; as ``goal``."""
        return self._state.achieved_goal[0]

    @property
    def gripper(self) -> Floats:
        """Position of the gripper, metres, world frame, shape (3,)."""
        return self._state.observation[0, :3]

    @property
    def distance_m(self) -> float:
        """Distance that is left to the goal."""
        return float(self._task.distance(self.achieved, self.goal))

    @property
    def is_success(self) -> bool:
        """Whether it is at its goal."""
        return bool(self._task.is_success(self.achieved, self.goal))

    @property
    def is_over(self) -> bool:
        """Whether the present episode has ended."""
        return self.step >= self._task.episode_length

    def disturb(self, strengths: Mapping[str, float]) -> None:
        """
        Disturb this episode, from its start, and those that come.

        :param strengths: by name, see :mod:`her_ros.tasks.disturbances`; 0: off
        """
        on = {name: value for name, value in strengths.items() if value > 0.0}
        # What others left in the physics goes with the simulation.
        self._batch = simulation_of(self._task, [0])  # type: ignore[assignment]
        self._disturber = None
        if on:
            self._disturber = Disturber(self._task, self._batch, Disturbances(on), [0])
        self.restart()

    def next(self) -> None:  # noqa: A003
        """Start the next episode."""
        self.number += 1
        self.restart()

    def restart(self) -> None:
        """Start the present episode again."""
        seeds = [FIRST_SEED + self.number]
        if self._disturber is not None:
            self._disturber.begin(seeds)
        self._state = self._batch.reset(seeds=seeds)
        #: control periods since the start, or since the goal was moved
        self.step = 0
        if self.kept_goal is not None:
            self._set_goal(self.kept_goal)
        self._see()

    def move_goal(self, goal: Floats) -> None:
        """Replace the goal of this episode, metres, world frame, shape (3,)."""
        self._set_goal(goal)
        self.step = 0

    def advance(self) -> None:
        """Let the policy act for one control period; not after the end of an episode."""
        action = self._policy.act(*self._seen, self._state.desired_goal)
        if self._disturber is not None:
            action = self._disturber.act(action)
        self._state = self._batch.step(action)
        self.step += 1
        self._see()
        if self.is_over:
            self.ended += 1
            self.reached += self.is_success

    def _set_goal(self, goal: Floats) -> None:
        self._batch.set_goal(np.asarray(goal, np.float64))
        self._state = self._batch.state()

    def _see(self) -> None:
        state: GoalState = self._state
        self._seen = (state.observation, state.achieved_goal)
        if self._disturber is not None:
            self._seen = self._disturber.see(state)


def disturbances_of(task: GoalTask) -> list[str]:
    """Return the names of the disturbances that act on a task."""
    return [*Disturbances(dict.fromkeys(DISTURBANCES, 1.0)).acting_on(task).strengths]
