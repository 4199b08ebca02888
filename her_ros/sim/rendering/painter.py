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

"""Draw pictures of a scene, without a display."""

from her_ros.sim.errors import SimError
from her_ros.sim.observations import Floats
from her_ros.sim.rendering.display_scene import (
    DisplayScene,
    LARGEST_PICTURE,
    look,
    viewpoint_of,
)
from her_ros.sim.rendering.gl import gl_context
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np
from numpy.typing import NDArray


class Painter:
    """
    Draws pictures of a task's scene, without a display.

    :param width: pixels
    :param height: pixels
    :raises HerRosError: if the task has no scene to draw, or what it is made of is missing
    :raises SimError: if the size is out of range, or OpenGL is missing
    """

    def __init__(self, task: GoalTask, width: int = 480, height: int = 480) -> None:
        if not (0 < width <= LARGEST_PICTURE and 0 < height <= LARGEST_PICTURE):
            raise SimError(
                f'pictures of {width} × {height} pixels',
                f'both must be from 1 to {LARGEST_PICTURE}',
            )
        self._scene = DisplayScene(task)
        model = self._scene.model
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._camera, self._option = mujoco.MjvCamera(), mujoco.MjvOption()
        look(self._camera, viewpoint_of(task))
        self._gl = gl_context(width, height)
        self._gl.make_current()
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        self._mjr = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._mjr)
        self._shapes = mujoco.MjvScene(model, maxgeom=200)

    def draw(self, qpos: Floats, goal: Floats) -> NDArray[np.uint8]:
        """
        Draw the scene.

        :param qpos: joint positions, see :meth:`FetchBatch.qpos`
        :param goal: desired goal, metres, world frame, shape (3,)
        :return: red, green and blue, shape (height, width, 3)
        """
        model, data = self._scene.model, self._scene.data
        self._scene.pose(qpos, goal)
        picture = np.empty((self._rect.height, self._rect.width, 3), np.uint8)
        self._gl.make_current()
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(
            model, data, self._option, None, self._camera, everything, self._shapes
        )
        mujoco.mjr_render(self._rect, self._shapes, self._mjr)
        mujoco.mjr_readPixels(picture, None, self._rect, self._mjr)
        return picture[::-1]  # OpenGL's first row is the lowest

    def close(self) -> None:
        """Free what OpenGL holds; nothing can be drawn any more."""
        if self._gl is not None:
            self._gl.make_current()
            self._mjr.free()
            self._gl.free()
            self._gl = None
