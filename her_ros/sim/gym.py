"""The simulation as Gymnasium environments, one at a time or batched."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from her_ros.core.task import GoalTask, task_named
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.simulation import GoalState

Observation = dict[str, NDArray[np.float64]]


def _observation_space(task: GoalTask) -> spaces.Space[Any]:
    def unbounded(size: int) -> spaces.Box:
        return spaces.Box(-np.inf, np.inf, (size,), np.float64)

    return spaces.Dict(
        {
            'observation': unbounded(task.observation_size),
            'achieved_goal': unbounded(task.goal_size),
            'desired_goal': unbounded(task.goal_size),
        }
    )


def _action_space(task: GoalTask) -> spaces.Space[Any]:
    return spaces.Box(-1.0, 1.0, (task.action_size,), np.float32)


def _reward(task: GoalTask, achieved_goal: Any, desired_goal: Any) -> Any:
    return task.reward(np.asarray(achieved_goal), np.asarray(desired_goal)).astype(np.float32)


def _success(task: GoalTask, state: GoalState) -> NDArray[np.float32]:
    return task.is_success(state.achieved_goal, state.desired_goal).astype(np.float32)


class FetchEnv(gymnasium.Env[Observation, NDArray[np.float32]]):
    """One environment; the time limit comes from the registration.

    :param task: name of the task, such as ``FetchPush``
    """

    metadata = {'render_modes': [], 'render_fps': 25}  # noqa: RUF012 (gymnasium's declaration)

    def __init__(self, task: str) -> None:
        self._task = task_named(task)
        self._batch = FetchBatch(self._task, [None])
        self.observation_space = _observation_space(self._task)
        self.action_space = _action_space(self._task)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; there are no options."""
        super().reset(seed=seed)
        self._batch.generators[0] = self.np_random
        return self._observation(self._batch.reset()), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Move for one control period of 40 ms; never terminates.

        :param action: shape (4,), clipped to [-1, 1]; see :meth:`FetchBatch.step`
        """
        state = self._batch.step(np.asarray(action)[None])
        info = {'is_success': _success(self._task, state)[0]}
        reward = _reward(self._task, state.achieved_goal[0], state.desired_goal[0])
        return self._observation(state), float(reward), False, False, info

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Any:
        """Return the sparse reward of goals of shape (..., 3), float32; ``info`` is not used."""
        return _reward(self._task, achieved_goal, desired_goal)

    @staticmethod
    def _observation(state: GoalState) -> Observation:
        return {name: values[0] for name, values in state._asdict().items()}


class FetchVectorEnv(VectorEnv[Observation, NDArray[np.float32], NDArray[Any]]):
    """N environments, as ``SyncVectorEnv`` of N :class:`FetchEnv` would be, stepped together.

    Autoreset is ``AutoresetMode.NEXT_STEP``, Gymnasium's default: the step after the last one of
    an episode starts the next, ignores the row's action, and returns reward 0 for it.

    :param task: name of the task, such as ``FetchPush``
    :param threads: threads of the physics
    :param max_episode_steps: when to truncate; the task's own length by default
    """

    metadata = {  # noqa: RUF012 (gymnasium's declaration)
        'render_modes': [],
        'render_fps': 25,
        'autoreset_mode': AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        task: str,
        num_envs: int = 1,
        threads: int = 1,
        max_episode_steps: int | None = None,
    ) -> None:
        self._task = task_named(task)
        self._batch = FetchBatch(self._task, [None] * num_envs, threads)
        self._length = max_episode_steps or self._task.episode_length
        self._steps = np.zeros(num_envs, np.int64)
        self.num_envs = num_envs
        self.single_observation_space = _observation_space(self._task)
        self.single_action_space = _action_space(self._task)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The environments' generators."""
        return tuple(self._batch.generators)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """Start episodes in all environments, or in those of ``options['reset_mask']``.

        :param seed: the first environment's, the others' follow; or one per environment
        """
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
        mask = (options or {}).get('reset_mask', np.ones(self.num_envs, bool))
        rows = np.flatnonzero(mask).tolist()
        self._batch.reset(rows, None if seeds is None else [seeds[row] for row in rows])
        self._steps[rows] = 0
        return self._batch.state()._asdict(), {}

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Move every environment for one control period; never terminates.

        :param actions: shape (N, 4), clipped to [-1, 1]; see :meth:`FetchBatch.step`
        """
        over = self._steps >= self._length
        state = self._advance(np.asarray(actions), over)
        self._steps = np.where(over, 0, self._steps + 1)
        reward = np.where(over, 0.0, self._task.reward(state.achieved_goal, state.desired_goal))
        info = {}
        if not over.all():
            success = np.where(over, np.float32(0.0), _success(self._task, state))
            info = {'is_success': success, '_is_success': ~over}
        terminated = np.zeros(self.num_envs, bool)
        return state._asdict(), reward, terminated, self._steps >= self._length, info

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
        return _reward(self._task, achieved_goal, desired_goal)
