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

"""Curves of an episode over its steps, one below the other."""

from typing import Any

from her_ros.episodes.episode import Episode
from her_ros.tasks.goal_task import GoalTask
from her_ros.view.browser.colors import BLUE, Color, GREEN, ORANGE, PURPLE, RED
from her_ros.view.browser.text import rgb
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HEIGHT = 150
_ACTION_RANGE = (-1.1, 1.1)
# All curves show the step that the mouse is at.
_CURSOR = {'sync': {'key': 'step'}}
_ACTION_COLORS = (RED, GREEN, BLUE, ORANGE)
_ACTION_NAMES = ('x', 'y', 'z', 'fingers')


class Charts:
    """
    Distance, reward and value, and action of one episode.

    :param gui: of viser
    """

    def __init__(self, gui: Any, action_size: int) -> None:
        names = _ACTION_NAMES[:action_size] if action_size == 4 else ()
        self._action_names = names or tuple(f'{i + 1}' for i in range(action_size))
        self._distance = self._add(
            gui,
            'distance to the goal (cm)',
            [('distance', BLUE), ('tolerance', GREEN)],
        )
        self._reward = self._add(gui, 'reward and value', [('reward', ORANGE), ('Q', PURPLE)])
        colors = [_ACTION_COLORS[i % len(_ACTION_COLORS)] for i in range(action_size)]
        self._action = self._add(gui, 'action', [*zip(self._action_names, colors, strict=True)])

    def show(self, episode: Episode, task: GoalTask, value: Floats | None = None) -> None:
        """
        Draw an episode.

        :param value: Q of each move, shape (T,); None: not known
        """
        steps, moves = np.arange(len(episode) + 1.0), len(episode)
        distance = 100 * np.asarray(task.distance(episode.achieved_goal, episode.desired_goal))
        tolerance = np.full(len(steps), 100 * task.goal_tolerance_m)
        unknown = np.full(len(steps), np.nan)
        # A move is drawn at the state that it starts from; none starts from the last one.
        reward, q = unknown.copy(), unknown.copy()
        reward[:moves] = episode.reward
        if value is not None:
            q[:moves] = value
        action = np.full((len(steps), len(self._action_names)), np.nan)
        action[:moves] = episode.action
        self._parts = [
            (self._distance, [steps, distance, tolerance]),
            (self._reward, [steps, reward, q]),
            (self._action, [steps, *action.T]),
        ]
        # Curves with gaps have no range of their own, and a page keeps the range of steps that
        # it first drew.
        self._distance.scales = _scales(moves, 0.0, 1.15 * max(distance.max(), tolerance[0]))
        lowest = min(-1.0, float(np.nanmin([reward, q])))
        # The label of 0 needs room above it.
        self._reward.scales = _scales(moves, 1.1 * lowest, -0.3 * lowest)
        self._action.scales = _scales(moves, *_ACTION_RANGE)
        self.mark(0)

    def remove(self) -> None:
        """Take the curves off the page."""
        for chart in (self._distance, self._reward, self._action):
            chart.remove()

    def mark(self, step: int) -> None:
        """Mark a step on every curve."""
        for chart, parts in self._parts:
            first = parts[1]
            mark = np.full(len(first), np.nan)
            # No move starts from the last state.
            mark[step] = first[step - 1 if np.isnan(first[step]) else step]
            chart.data = (*parts, mark)

    def _add(
        self,
        gui: Any,
        title: str,
        curves: list[tuple[str, Color]],
    ) -> Any:
        empty = tuple(np.zeros(2) for _ in range(len(curves) + 2))
        series: list[dict[str, Any]] = [{'label': 'step'}]
        series += [
            {'label': name, 'stroke': rgb(color), 'width': 2, 'points': {'show': False}}
            for name, color in curves
        ]
        point = {'show': True, 'size': 9, 'fill': rgb(RED)}
        series.append({'label': 'now', 'stroke': rgb(RED), 'width': 0, 'points': point})
        return gui.add_uplot(
            empty,
            tuple(series),
            title=title,
            scales=_scales(1, *_ACTION_RANGE),
            cursor=_CURSOR,
            legend={'show': True},
            height=_HEIGHT,
        )


def _scales(moves: int, low: float, high: float) -> dict[str, Any]:
    """Return the scales of a chart over steps."""
    steps = {'time': False, 'range': [0.0, float(moves)]}
    return {'x': steps, 'y': {'range': [float(low), float(high)]}}
