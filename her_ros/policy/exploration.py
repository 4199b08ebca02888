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

"""Exploration noise on top of a deterministic policy."""

from dataclasses import dataclass

from her_ros.wire.rows import with_room
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Exploration:
    """
    Parameters of exploration: Gaussian noise and occasional uniformly random actions.

    As in Plappert et al. 2018 (arXiv 1802.09464, appendix A) and OpenAI baselines' HER, where
    ``hold_steps`` is 1. Random actions that are held longer reach farther, since independent ones
    cancel each other (temporally extended exploration, Dabney et al. 2021, arXiv 2006.01782).

    :param noise_std: standard deviation of the noise, in units of the action limit
    :param random_probability: share of the actions that are uniformly random instead
    :param hold_steps: steps for which a random action is held
    """

    noise_std: float
    random_probability: float
    hold_steps: int = 1


class Explorer:
    """Explores in many environments at once, and stores the actions that are held."""

    def __init__(
        self, exploration: Exploration, action_size: int, generator: np.random.Generator
    ) -> None:
        self._exploration = exploration
        self._generator = generator
        self._held = np.zeros((0, action_size), np.float32)  # by env
        self._steps_left = np.zeros(0, np.int64)

    def explore(
        self,
        actions: NDArray[np.float32] | None,
        env: NDArray[np.uint32],
        begins: NDArray[np.bool],
    ) -> NDArray[np.float32]:
        """
        Return explored actions in [-1, 1], shape (n, A).

        :param actions: deterministic actions, shape (n, A); None for random actions only
        :param env: numbers of the environments, each once, shape (n,)
        :param begins: where an episode begins, which ends a held action, shape (n,)
        """
        self._held = with_room(self._held, env)
        self._steps_left = with_room(self._steps_left, env)
        share = 1.0 if actions is None else self._exploration.random_probability
        left = np.where(begins, 0, self._steps_left[env])
        # With this probability of starting, the requested share of all actions is random.
        hold = self._exploration.hold_steps
        starts = (left == 0) & (
            self._generator.random(len(env)) < share / (hold - share * (hold - 1))
        )
        drawn = self._generator.uniform(-1.0, 1.0, (len(env), self._held.shape[1]))
        held = np.where(starts[:, None], drawn.astype(np.float32), self._held[env])
        left = np.where(starts, hold, left)
        self._held[env] = held
        self._steps_left[env] = np.maximum(left - 1, 0)
        if actions is None:
            return held
        noise = self._generator.standard_normal(actions.shape, np.float32)
        noisy = np.clip(actions + self._exploration.noise_std * noise, -1.0, 1.0)
        return np.where(left[:, None] > 0, held, noisy)
