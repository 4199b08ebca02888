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

"""The scene of a task on a page: shapes, goal and paths."""

from collections.abc import Sequence
from typing import Any

from her_ros.runtime.errors import HerRosError
from her_ros.sim.rendering.display_scene import viewpoint_of
from her_ros.sim.rendering.shapes import Poses
from her_ros.sim.rendering.view_scene import ViewScene
from her_ros.tasks.goal_task import GoalTask
from her_ros.view.browser.colors import Color, GREEN
from her_ros.view.browser.web_site import Site
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# The view is farther than MuJoCo's by this factor, since the panel covers a part.
_DISTANCE_FACTOR = 1.25
# How bright the light from all sides is.
_LIGHT = 2.0
# Width of paths and size of points, metres.
_PATH_M, _POINT_M = 0.005, 0.012
# A move that is not seen is not sent.
_UNSEEN = 1e-5


class Stage:
    """
    What is drawn of a task, in place of all that was drawn before.

    :raises HerRosError: if the task has no scene of three dimensions
    """

    def __init__(self, site: Site, task: GoalTask) -> None:
        if task.goal_size != 3:
            raise HerRosError(
                f'a goal of {task.goal_size} values cannot be drawn',
                'name a task whose goal is a position',
                f'task {task.name}',
            )
        self._site, self._task = site, task
        server = site.server
        self._scene = ViewScene(task)
        server.scene.reset()
        server.scene.set_up_direction('+z')
        # Shadows and reflections cost a phone most of its frames.
        server.scene.configure_default_lights(cast_shadow=False)
        server.scene.configure_environment_map(None)
        server.scene.add_light_hemisphere('/light', intensity=_LIGHT)
        self._handles = [self._add(each) for each in self._scene.shapes]
        self._sent: Poses | None = None
        self._paths: dict[str, Any] = {}
        self._goal = server.scene.add_icosphere(
            '/goal', task.goal_tolerance_m, color=GREEN, opacity=0.4, cast_shadow=False
        )
        self._look()

    def show(self, qpos: Floats) -> None:
        """Draw the scene in a state, shape (nq,)."""
        poses = self._scene.poses(qpos)
        sent = self._sent
        for i, handle in enumerate(self._handles):
            if sent is None or np.abs(poses.positions[i] - sent.positions[i]).max() > _UNSEEN:
                handle.position = poses.positions[i]
            if sent is None or np.abs(poses.quaternions[i] - sent.quaternions[i]).max() > _UNSEEN:
                handle.wxyz = poses.quaternions[i]
        self._sent = poses

    def show_observed(self, observation: Floats) -> None:
        """Draw the scene as it was observed, shape (O,)."""
        self.show(self._scene.observed(observation))

    def show_goal(self, goal: Floats) -> None:
        """Draw the desired goal, metres, world frame, shape (3,)."""
        self._goal.position = goal

    def show_path(self, name: str, points: Floats, color: Color) -> None:
        """Draw a line through points, metres, world frame, shape (n, 3), instead of the last."""
        pairs = np.stack([points[:-1], points[1:]], axis=1).astype(np.float32)
        handle = self._paths.get(name)
        if handle is None:
            pairs = pairs if len(pairs) else np.zeros((1, 2, 3), np.float32)
            self._paths[name] = self._site.server.scene.add_line_segments(
                f'/paths/{name}', pairs, color, thickness=_PATH_M
            )
            return
        handle.visible = len(pairs) > 0
        if len(pairs):
            handle.points = pairs

    def show_points(self, name: str, points: Sequence[Floats] | Floats, color: Color) -> None:
        """Draw points, metres, world frame, shape (n, 3), instead of the last ones."""
        self._site.server.scene.add_point_cloud(
            f'/points/{name}',
            np.asarray(points, np.float32).reshape(-1, 3),
            color,
            point_size=_POINT_M,
            point_shape='circle',
        )

    def _add(self, shape: Any) -> Any:
        red, green, blue, opacity = shape.color
        return self._site.server.scene.add_mesh_simple(
            f'/scene/{shape.name}',
            shape.vertices,
            shape.faces,
            color=(red, green, blue),
            opacity=None if opacity == 1.0 else float(opacity),
            flat_shading=shape.is_flat,
        )

    def _look(self) -> None:
        viewpoint = viewpoint_of(self._task)
        azimuth, elevation = np.deg2rad([viewpoint.azimuth, viewpoint.elevation])
        forward = np.array(
            [
                np.cos(elevation) * np.cos(azimuth),
                np.cos(elevation) * np.sin(azimuth),
                np.sin(elevation),
            ]
        )
        lookat = np.array(viewpoint.lookat_m)
        self._site.look(lookat, lookat - forward * viewpoint.distance_m * _DISTANCE_FACTOR)
