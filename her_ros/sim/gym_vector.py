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

"""The simulation as a batch of Gymnasium environments."""

from collections.abc import Sequence
from typing import Any

import gymnasium
from gymnasium.utils import EzPickle, seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.gym_common import (
    action_space_of,
    Observation,
    observation_space_of,
    refuse_options,
    reward_of,
    success_of,
)
from her_ros.sim.rendering.display_scene import FPS
from her_ros.sim.rendering.env_rendering import EnvRendering, RENDER_MODES
from her_ros.sim.simulation import GoalState
from her_ros.tasks.registry import task_named
import numpy as np
from numpy.typing import NDArray


def _masked(key: str, values: NDArray[Any], mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Return an entry of a vector environment's info, for the rows that have it."""
    return {key: np.where(mask, values, values.dtype.type(0)), f'_{key}': mask.copy()}


def _final(
    state: GoalState, success: NDArray[np.float32], over: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return what Gymnasium tells of the last states of episodes, for the rows that end one."""
    observations = np.full(len(over), None, dtype=object)
    for row in np.flatnonzero(over).tolist():
        observations[row] = {name: values[row] for name, values in state._asdict().items()}
    return {
        'final_obs': observations,
        '_final_obs': over.copy(),
        'final_info': _masked('is_success', success, over),
        '_final_info': over.copy(),
    }


class FetchVectorEnv(VectorEnv[Observation, NDArray[np.float32], NDArray[Any]], EzPickle):
    """
    N environments, as ``SyncVectorEnv`` of N :class:`FetchEnv` would be, stepped together.

    In ``AutoresetMode.NEXT_STEP``, Gymnasium's default, the step after the last one of an episode
    starts the next and ignores the row's action. As in Gymnasium its reward is 0, which here is
    also the reward of success: leave out the rows that follow a truncated one, or use
    ``SAME_STEP``, which has none. Unpickling makes a new environment.

    :param task: name of the task, such as ``FetchPush``
    :param threads: threads of the physics
    :param max_episode_steps: steps before truncation; the task's episode length by default
    :param autoreset_mode: when the next episode starts; see Gymnasium
    :param render_mode: ``rgb_array`` draws a picture of each environment, which needs no display;
        ``human`` shows the first one in a window, in real time
    :param width: of pictures, pixels
    :param height: of pictures, pixels
    :raises SimError: if there is no such mode
    """

    metadata = {  # noqa: RUF012 (gymnasium's declaration)
        'render_modes': [*RENDER_MODES],
        'render_fps': FPS,
        'autoreset_mode': AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        task: str,
        num_envs: int = 1,
        threads: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        width: int = 480,
        height: int = 480,
    ) -> None:
        EzPickle.__init__(
            self,
            task,
            num_envs,
            threads,
            max_episode_steps,
            autoreset_mode,
            render_mode,
            width,
            height,
        )
        self._task = task_named(task)
        self._seeds = [seeding.np_random()[1] for _ in range(num_envs)]
        self._batch = FetchBatch(self._task, self._seeds, threads)
        self._length = max_episode_steps or self._task.episode_length
        self._steps = np.zeros(num_envs, np.int64)
        self._mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.metadata, 'autoreset_mode': self._mode}
        self.render_mode = render_mode
        self._rendering = EnvRendering(self._batch, render_mode, (width, height))
        self.num_envs = num_envs
        self.single_observation_space = observation_space_of(self._task)
        self.single_action_space = action_space_of(self._task)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """Return the environments' generators."""
        return tuple(self._batch.generators)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """Return the seeds of the environments' generators."""
        return tuple(self._seeds)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """
        Start episodes in all environments, or in those of ``options['reset_mask']``.

        :param seed: seed of the first environment, increased by 1 for each further; or one each
        :param options: ``reset_mask``, bool, shape (N,), and nothing else
        :raises SimError: if there are other options
        :raises ValueError: if the number of seeds is not N, or the mask has
            another shape or is false everywhere
        :raises TypeError: if the mask is no array of bool
        """
        seeds = [seed] * self.num_envs if seed is None else seed
        if isinstance(seeds, int):
            seeds = [seeds + i for i in range(self.num_envs)]
        if len(seeds) != self.num_envs:
            raise ValueError(f'{len(seeds)} seeds for {self.num_envs} environments')
        rows = np.flatnonzero(self._reset_mask(dict(options or {})))
        for row in rows.tolist():
            if seeds[row] is not None:
                self._batch.generators[row], self._seeds[row] = seeding.np_random(seeds[row])
        self._batch.reset(rows)
        self._steps[rows] = 0
        self._rendering.show()
        return self._batch.state()._asdict(), {}

    def _reset_mask(self, options: dict[str, Any]) -> NDArray[np.bool_]:
        mask = options.pop('reset_mask', np.ones(self.num_envs, bool))
        refuse_options(options)
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask'] must be a numpy array of bool, not {mask!r}")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"options['reset_mask'] must have shape ({self.num_envs},) and one True at least,"
                f' not {mask!r}'
            )
        return mask

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """
        Move every environment for one control period; never terminates.

        :param actions: shape (N, 4), clipped to [-1, 1]; see :meth:`FetchBatch.step`
        :raises gymnasium.error.ResetNeeded: if an episode is over and autoreset is disabled
        """
        over = self._steps >= self._length
        if self._mode is AutoresetMode.DISABLED and over.any():
            raise gymnasium.error.ResetNeeded(
                f'the episodes of {np.flatnonzero(over).tolist()} are over; reset them first'
            )
        state = self._advance(np.asarray(actions), over)
        self._steps = np.where(over, 0, self._steps + 1)
        reward = np.where(over, 0.0, self._task.reward(state.achieved_goal, state.desired_goal))
        truncated = self._steps >= self._length
        success, info = success_of(self._task, state), {}
        self._rendering.show()
        if self._mode is AutoresetMode.SAME_STEP and truncated.any():
            info = _final(state, success, truncated)
            state = self._restart(truncated)
            over = truncated
        if not over.all():
            info |= _masked('is_success', success, ~over)
        return state._asdict(), reward, np.zeros(self.num_envs, bool), truncated, info

    def _restart(self, over: NDArray[np.bool_]) -> GoalState:
        self._batch.reset(np.flatnonzero(over))
        self._steps[over] = 0
        return self._batch.state()

    def _advance(self, actions: NDArray[Any], over: NDArray[np.bool_]) -> GoalState:
        """Step the running episodes and restart the others."""
        if not over.any():
            return self._batch.step(actions)
        if not over.all():
            going = np.flatnonzero(~over)
            self._batch.step(actions[going], going)
        self._batch.reset(np.flatnonzero(over))
        return self._batch.state()

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Any:
        """Return the sparse reward of goals of shape (..., 3), float32; ``info`` is not used."""
        return reward_of(self._task, achieved_goal, desired_goal)

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """
        Draw every environment; each picture has the shape (height, width, 3).

        :raises SimError: if pictures cannot be drawn on this machine
        """
        return self._rendering.pictures() if self.render_mode == 'rgb_array' else None

    def close_extras(self, **kwargs: Any) -> None:
        """Free what pictures need."""
        self._rendering.close()
