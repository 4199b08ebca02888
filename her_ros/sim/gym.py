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

"""The simulation as a Gymnasium environment."""

from typing import Any

import gymnasium
from gymnasium.utils import EzPickle
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


class FetchEnv(gymnasium.Env[Observation, NDArray[np.float32]], EzPickle):
    """
    One environment; the time limit comes from the registration.

    Unpickling makes a new environment, as for Gymnasium's own environments.

    :param task: name of the task, such as ``FetchPush``
    :param render_mode: ``rgb_array`` draws pictures, which needs no display; ``human`` shows the
        episodes in a window, in real time
    :param width: of pictures, pixels
    :param height: of pictures, pixels
    :raises SimError: if there is no such mode
    """

    metadata = {  # noqa: RUF012 (gymnasium's declaration)
        'render_modes': [*RENDER_MODES],
        'render_fps': FPS,
    }

    def __init__(
        self, task: str, render_mode: str | None = None, width: int = 480, height: int = 480
    ) -> None:
        EzPickle.__init__(self, task, render_mode, width, height)
        self._task = task_named(task)
        self._batch = FetchBatch(self._task, [None])
        self.render_mode = render_mode
        self._rendering = EnvRendering(self._batch, render_mode, (width, height))
        self.observation_space = observation_space_of(self._task)
        self.action_space = action_space_of(self._task)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """
        Start an episode.

        :raises SimError: if options are given, as there are none
        """
        refuse_options(options)
        super().reset(seed=seed)
        self._batch.generators[0] = self.np_random
        state = self._batch.reset()
        self._rendering.show()
        return self._observation(state), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """
        Move for one control period of 40 ms; never terminates.

        :param action: shape (4,), clipped to [-1, 1]; see :meth:`FetchBatch.step`
        """
        state = self._batch.step(np.asarray(action)[None])
        self._rendering.show()
        info = {'is_success': success_of(self._task, state)[0]}
        reward = reward_of(self._task, state.achieved_goal[0], state.desired_goal[0])
        return self._observation(state), float(reward), False, False, info

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Any:
        """Return the sparse reward of goals of shape (..., 3), float32; ``info`` is not used."""
        return reward_of(self._task, achieved_goal, desired_goal)

    def render(self) -> NDArray[np.uint8] | None:
        """
        Draw the present state, shape (height, width, 3); ``human`` mode shows it by itself.

        :raises SimError: if pictures cannot be drawn on this machine
        """
        return self._rendering.pictures()[0] if self.render_mode == 'rgb_array' else None

    def close(self) -> None:
        """Close the window and free what pictures need."""
        self._rendering.close()

    @staticmethod
    def _observation(state: GoalState) -> Observation:
        return {name: values[0] for name, values in state._asdict().items()}
