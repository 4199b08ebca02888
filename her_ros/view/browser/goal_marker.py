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

"""The part of a page that chooses a goal and sends it: by click, by dragging, or in numbers."""

from collections.abc import Callable, Sequence
from typing import Any

from her_ros.view.browser.callback_queue import CallbackQueue
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A click whose ray is flatter than this meets no plane of the goal's height.
_STEEP = 1e-3

_HELP = """
**Click into the scene** to put the goal there, at its present height, or drag its arrows. Then
send it. In a training it is the goal of the next rollout of this worker.
"""


class GoalMarker:
    """
    A goal that is chosen, but not sent yet.

    :param server: of viser
    :param send: called with the goal, metres, world frame
    """

    def __init__(
        self, server: Any, callbacks: CallbackQueue, send: Callable[[Sequence[float]], None]
    ) -> None:
        self._scene, self._callbacks = server.scene, callbacks
        #: the arrows in the scene; None: there is no scene yet
        self.gizmo: Any = None
        self._is_put = False
        # Once, as a new scene does not take it away.
        server.scene.on_click()(self._click)
        with server.gui.add_folder('Goal'):
            self._goal = server.gui.add_vector3('x, y, z (m)', (0.0, 0.0, 0.0), step=0.01)
            self._goal.on_update(callbacks.defer_for_user(self._type))
            self._button = server.gui.add_button('Send goal', icon='send', disabled=True)
            self._button.on_click(callbacks.defer(lambda: send(self.goal)))
            server.gui.add_markdown(_HELP)

    @property
    def goal(self) -> tuple[float, ...]:
        """Return the goal that is chosen, metres, world frame, shape (3,)."""
        return tuple(self._goal.value)

    def add_to_scene(self) -> None:
        """Add the arrows to a new scene."""
        self.gizmo = self._scene.add_transform_controls(
            '/goal_arrows', scale=0.15, disable_rotations=True, depth_test=False
        )
        self.gizmo.on_update(self._callbacks.defer_for_user(self._drag))
        self._is_put, self._button.disabled = False, True

    def begin(self, goal: Floats) -> None:
        """Start from a goal, unless the marker has a place already; shape (3,)."""
        if not self._is_put:
            self.put(goal)

    def put(self, goal: Floats) -> None:
        """Choose a goal, metres, world frame, shape (3,)."""
        self._is_put, self._button.disabled = True, False
        self._goal.value = tuple(np.asarray(goal).round(3).tolist())
        self._move_gizmo()

    def _click(self, event: Any) -> None:
        """Choose where the ray of a click meets the plane of the goal's height."""
        if self.gizmo is None:
            return
        origin, direction = np.array(event.ray_origin), np.array(event.ray_direction)
        if direction[2] < -_STEEP:
            point = origin + direction * (self._goal.value[2] - origin[2]) / direction[2]
            self._callbacks.defer(lambda: self.put(point))(event)

    def _type(self) -> None:
        if self.gizmo is not None:
            self.put(np.array(self._goal.value))

    def _move_gizmo(self) -> None:
        if self.gizmo is not None:
            self.gizmo.position = np.array(self._goal.value)

    def _drag(self) -> None:
        self._goal.value = tuple(np.asarray(self.gizmo.position).round(3).tolist())
