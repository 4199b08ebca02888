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

"""The render modes of Gymnasium, for a batch of Fetch environments."""

from her_ros.sim.errors import SimError
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.rendering.painter import Painter
from her_ros.sim.rendering.window import Window
import numpy as np
from numpy.typing import NDArray

#: as Gymnasium names them
RENDER_MODES = ('human', 'rgb_array')


class EnvRendering:
    """
    Draws the environments of a batch; the simulation runs as it would without.

    :param mode: one of ``RENDER_MODES``; None: nothing is drawn
    :param size: width and height of pictures, pixels
    :raises SimError: if there is no such mode
    """

    def __init__(self, batch: FetchBatch, mode: str | None, size: tuple[int, int]) -> None:
        if mode not in (None, *RENDER_MODES):
            raise SimError(f'render_mode {mode!r}', f'choose one of {", ".join(RENDER_MODES)}')
        self._batch, self._mode, self._size = batch, mode, size
        self._painter: Painter | None = None
        self._window: Window | None = None

    def pictures(self) -> tuple[NDArray[np.uint8], ...]:
        """Draw every environment; each picture has the shape (height, width, 3)."""
        if self._painter is None:
            self._painter = Painter(self._batch.task, *self._size)
        goals = self._batch.state().desired_goal
        return tuple(
            self._painter.draw(self._batch.qpos(row), goal) for row, goal in enumerate(goals)
        )

    def show(self) -> None:
        """Show the first environment in a window, if that is the mode."""
        if self._mode != 'human':
            return
        if self._window is None:
            self._window = Window(self._batch.task)
        self._window.show(self._batch.qpos(0), self._batch.state().desired_goal[0])

    def close(self) -> None:
        """Close the window and free what pictures need."""
        for each in (self._painter, self._window):
            if each is not None:
                each.close()
        self._painter = self._window = None
