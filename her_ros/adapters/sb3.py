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

"""The Fetch simulation as a vector environment of Stable-Baselines3 (installed separately)."""

from collections.abc import Iterable, Sequence
from typing import Any

from gymnasium.vector import AutoresetMode
from her_ros.sim.errors import SimError
from her_ros.sim.gym_common import Observation
from her_ros.sim.gym_vector import FetchVectorEnv
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

Indices = int | Iterable[int] | None


class Sb3VecEnv(VecEnv):
    """
    N environments, stepped together in this process; faster than SB3's own vector environments.

    Behaves as SB3's ``DummyVecEnv`` of N environments ``her_ros/<task>``, bit for bit: an episode
    that ends is followed by the first state of the next one, and its last state is
    ``infos[i]['terminal_observation']``. ``HerReplayBuffer`` works with it.

    :param task: name of a Fetch task, such as ``FetchPush``
    :param num_envs: N
    :param threads: threads of the physics
    :raises TaskError: if there is no such task
    """

    def __init__(self, task: str, num_envs: int = 1, threads: int = 1) -> None:
        self._envs = FetchVectorEnv(
            task, num_envs, threads, autoreset_mode=AutoresetMode.SAME_STEP
        )
        self._actions = np.zeros(0, np.float32)
        super().__init__(
            num_envs, self._envs.single_observation_space, self._envs.single_action_space
        )

    def reset(self) -> Observation:
        """
        Start episodes in all environments; return their first states.

        :raises SimError: if options were set, of which these environments have none
        """
        if any(self._options):
            raise SimError(f'options {self._options}', 'leave them out; there are none')
        states, _ = self._envs.reset(seed=self._seeds)
        self.reset_infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return states

    def step_async(self, actions: NDArray[np.float32]) -> None:
        """
        Keep actions for :meth:`step_wait`.

        :param actions: in [-1, 1], shape (N, A)
        """
        self._actions = actions

    def step_wait(
        self,
    ) -> tuple[Observation, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """
        Move all environments for one control period.

        :return: states, rewards (N,), ends of episodes (N,), and the ``info`` that SB3 expects of
            each environment
        """
        states, rewards, _, truncated, info = self._envs.step(self._actions)
        infos = [self._sb3_info(info, row, over) for row, over in enumerate(truncated.tolist())]
        return states, rewards.astype(np.float32), truncated, infos

    def _sb3_info(self, info: dict[str, Any], row: int, is_over: bool) -> dict[str, Any]:
        source = info['final_info'] if is_over else info
        sb3_info = {'is_success': source['is_success'][row], 'TimeLimit.truncated': is_over}
        if is_over:
            sb3_info['terminal_observation'] = info['final_obs'][row]
        return sb3_info

    def close(self) -> None:
        """Do nothing; the simulation holds nothing but memory."""

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """Return an attribute of the environments, the same for each of them."""
        return [getattr(self._envs, attr_name) for _ in self._rows(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """
        Refuse: the environments are one object, and have nothing to set.

        :raises AttributeError: always
        """
        raise AttributeError(f'{attr_name}: these environments have no attributes to set')

    def env_method(
        self, method_name: str, *arguments: Any, indices: Indices = None, **more: Any
    ) -> list[Any]:
        """Call a method, such as ``compute_reward``; return its result once per environment."""
        method = getattr(self._envs, method_name)
        return [method(*arguments, **more) for _ in self._rows(indices)]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Indices = None) -> list[bool]:
        """Tell whether the environments have a wrapper; they never do."""
        return [False for _ in self._rows(indices)]

    def _rows(self, indices: Indices) -> Sequence[int]:
        if isinstance(indices, int):
            return [indices]
        return range(self.num_envs) if indices is None else [*indices]
