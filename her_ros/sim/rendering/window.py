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

"""Show a scene in a window on a display."""

import os

from her_ros.runtime.pace import Pace
from her_ros.sim.errors import SimError
from her_ros.sim.observations import Floats
from her_ros.sim.rendering.display_scene import DisplayScene, FPS, look, viewpoint_of
from her_ros.tasks.goal_task import GoalTask


class Window:
    """
    A window on a display, which shows a task's scene in real time and can be turned.

    :raises HerRosError: if the task has no scene to draw, or what it is made of is missing
    :raises SimError: if there is no display
    """

    def __init__(self, task: GoalTask) -> None:
        if not any(os.environ.get(name) for name in ('DISPLAY', 'WAYLAND_DISPLAY')):
            raise SimError(
                'a window needs a display, and there is none',
                "draw pictures with render_mode='rgb_array'",
            )
        # Only now: it brings what windows need.
        from mujoco import viewer

        self._scene = DisplayScene(task)
        self._viewer = viewer.launch_passive(
            self._scene.model, self._scene.data, show_left_ui=False, show_right_ui=False
        )
        with self._viewer.lock():
            look(self._viewer.cam, viewpoint_of(task))
        self._pace = Pace(1.0 / FPS)

    def show(self, qpos: Floats, goal: Floats) -> None:
        """
        Wait for the time of the next picture and show the scene, as :meth:`Painter.draw`.

        Nothing happens once the user has closed the window.
        """
        if not self._viewer.is_running():
            return
        self._pace.wait()
        with self._viewer.lock():
            self._scene.pose(qpos, goal)
        self._viewer.sync()

    def close(self) -> None:
        """Close the window."""
        self._viewer.close()
