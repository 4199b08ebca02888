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

"""Step Gymnasium environments one after the other as a batch, for the ``gym:<id>`` tasks."""

from collections.abc import Sequence
import contextlib
import io
import types
from typing import Any

import gymnasium
from her_ros.sim.errors import SimError
from her_ros.sim.simulation import checked_goals, GoalState, ONE_SEED_EACH
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.gymnasium import GYM_PREFIX
import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray


def register_robotics() -> None:
    """Register Gymnasium-Robotics with Gymnasium, and adapt it to the pinned MuJoCo."""
    with contextlib.redirect_stderr(io.StringIO()):  # it warns about environments of other robots
        import gymnasium_robotics
        from gymnasium_robotics.utils import mujoco_utils
    gymnasium.register_envs(gymnasium_robotics)
    # From mujoco 3.12 on, ``mjtJoint == numpy.int32`` is False and an assertion of
    # gymnasium-robotics 1.4.2 fails; plain integers compare as it expects.
    shim = types.SimpleNamespace(**vars(mujoco))
    members = mujoco.mjtJoint.__members__.items()
    shim.mjtJoint = types.SimpleNamespace(**{name: int(member) for name, member in members})
    mujoco_utils.mujoco = shim


# Cure of an environment that does not fit.
_NAME_ANOTHER = 'docs/how_to/gymnasium_tasks.md says which environments fit'


def make_env(env_id: str) -> gymnasium.Env[Any, Any]:
    """
    Make an environment of Gymnasium, without the time limit and other wrappers.

    :raises SimError: if it cannot be made
    """
    register_robotics()
    try:
        return gymnasium.make(env_id, disable_env_checker=True).unwrapped
    except (gymnasium.error.Error, ImportError) as error:
        raise SimError(' '.join(str(error).split()), _NAME_ANOTHER, env_id) from None


class GymBatch:
    """
    N environments of a ``gym:<id>`` task; slower than :class:`FetchBatch`.

    The task computes reward and success from the goals of a state. Where an environment's own
    rewards are 1 and 0, as in mazes, learners see 0 and -1.

    :param seeds: one per environment; None draws one from the operating system
    :param threads: not used; these environments run in one
    :raises SimError: if there are no seeds, or the environment's spaces differ from the task
    """

    def __init__(self, task: GoalTask, seeds: Sequence[int | None], threads: int = 1) -> None:
        if not len(seeds):
            raise SimError('0 seeds', 'there must be one at least')
        self.task = task
        self._envs = [make_env(task.name.removeprefix(GYM_PREFIX)) for _ in seeds]
        self._first_seeds: Sequence[int | None] = seeds
        # NaN until the first reset.
        blank = np.full((len(seeds), task.goal_size), np.nan)
        nothing = np.full((len(seeds), task.observation_size), np.nan)
        self._state = GoalState(nothing, blank, blank.copy())
        self._check(self._envs[0])

    def __len__(self) -> int:
        """Return N, the number of environments."""
        return len(self._envs)

    def reset(self, *, seeds: Sequence[int | None] | None = None) -> GoalState:
        """
        Start episodes in all environments.

        :param seeds: one per environment; None keeps the present state of its generator
        :raises SimError: if there are more or fewer seeds than environments
        """
        seeds = self._first_seeds if seeds is None else seeds
        if len(seeds) != len(self):
            raise SimError(f'{len(seeds)} seeds for {len(self)} environments', ONE_SEED_EACH)
        self._first_seeds = [None] * len(self)
        starts = [env.reset(seed=seed)[0] for env, seed in zip(self._envs, seeds, strict=True)]
        self._state = GoalState(
            *(np.array([start[name] for start in starts]) for name in GoalState._fields)
        )
        return self.state()

    def set_goal(self, goals: ArrayLike) -> None:
        """
        Replace the desired goals of the running episodes.

        :param goals: metres, world frame, shape (G,) for the same everywhere, or (N, G)
        :raises SimError: if a goal is not finite or has another size
        """
        self._state.desired_goal[:] = checked_goals(goals, self._state.desired_goal.shape)

    def step(self, actions: NDArray[Any]) -> GoalState:
        """
        Move every environment for one control period.

        :param actions: clipped to [-1, 1], shape (N, A)
        :return: state after the move; desired goals are those of the start of the episodes
        :raises SimError: if an environment ends an episode before its time
        """
        clipped = np.clip(actions, -1.0, 1.0)
        for row, (env, action) in enumerate(zip(self._envs, clipped, strict=True)):
            found, _, terminated, _, _ = env.step(action)
            if terminated:
                raise SimError(
                    'ended its episode, which only time may do',
                    'let the environment never terminate',
                    self.task.name,
                )
            self._state.observation[row] = found['observation']
            self._state.achieved_goal[row] = found['achieved_goal']
        return self.state()

    def state(self) -> GoalState:
        """Return the present state."""
        return GoalState(*(values.copy() for values in self._state))

    def _check(self, env: gymnasium.Env[Any, Any]) -> None:
        task, space = self.task, env.observation_space
        wanted = {
            'observation': (task.observation_size,),
            'achieved_goal': (task.goal_size,),
            'desired_goal': (task.goal_size,),
        }
        found = {}
        if isinstance(space, gymnasium.spaces.Dict):
            found = {name: part.shape for name, part in space.items() if name in wanted}
        if found != wanted:
            raise SimError(
                f'its observations have the parts {found}, not {wanted}',
                _NAME_ANOTHER,
                task.name,
            )
        box = gymnasium.spaces.Box(-1.0, 1.0, (task.action_size,), np.float32)
        if env.action_space != box:
            raise SimError(
                f'its actions are {env.action_space}, not {box}', _NAME_ANOTHER, task.name
            )
