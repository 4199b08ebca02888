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

"""Episodes of the evaluation of the best version of a policy: which succeeded, and where."""

from collections.abc import Sequence

from her_ros.analysis.run_report.page import (
    BLUE,
    GREEN,
    GREY,
    Picture,
    picture,
    RED,
    Section,
    section,
)
from her_ros.analysis.run_report.source import RunSource
from her_ros.episodes.episode import Episode
from her_ros.tasks.goal_task import GoalTask
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
import numpy as np
from numpy.typing import NDArray

_WORST = 10
_TITLE = 'Evaluated episodes'


def evaluated_section(of: RunSource) -> Section:
    """Show the goals at which the best policy succeeds, and those at which it fails."""
    return section(_TITLE, lambda: _evaluated(of))


def _evaluated(of: RunSource) -> Section:
    episodes, task, best = of.evaluated_episodes, of.task, of.best_evaluation
    missed = sum(not each.is_success for each in episodes)
    text = [
        f'Version {best["version"]} in {len(episodes)} deterministic episodes from start states'
        f' that training never draws: {len(episodes) - missed} succeeded, {missed} missed.'
        f' A goal counts as reached within {100 * task.goal_tolerance_m:g} cm at the last step.'
    ]
    pictures = [
        picture(lambda: _map(episodes, task), _map_caption(task)),
        picture(
            lambda: _distances(episodes, task),
            'How far from the goal episodes began, and how far they ended. The line is the'
            ' tolerance.',
        ),
        _worst_picture(episodes, task),
    ]
    return Section(_TITLE, text, pictures)


def left_m(episode: Episode, task: GoalTask) -> NDArray[np.float64]:
    """Return the distances to the goal over an episode, metres, shape (T + 1,)."""
    distances: NDArray[np.float64] = task.distance(episode.achieved_goal, episode.desired_goal)
    return distances


def plane(goals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first two values of goals, shape (..., 2); 0 for a second one that is not."""
    padded = np.concatenate([goals, np.zeros_like(goals)], axis=-1)
    return padded[..., :2]


def _axis_names(task: GoalTask) -> tuple[str, str]:
    if task.goal_size in (2, 3):
        return 'x, m', 'y, m'
    return 'first value of the goal', 'second value'


def _map_caption(task: GoalTask) -> str:
    seen = ' from above' if task.goal_size == 3 else ''
    return (
        f'Every evaluated episode{seen}: a line leads from its start (dot) to its desired goal'
        ' (ring); green ones succeeded, red ones missed.'
    )


def _map(episodes: Sequence[Episode], task: GoalTask) -> Figure:
    figure = Figure(figsize=(7.0, 5.0), layout='constrained')
    axes = figure.subplots()
    # Missed ones last, so that they lie on top.
    for episode in sorted(episodes, key=lambda each: not each.is_success):
        color = GREEN if episode.is_success else RED
        ends = np.array([plane(episode.achieved_goal[0]), plane(episode.desired_goal)])
        axes.plot(*ends.T, color=color, linewidth=0.8, alpha=0.45)
        axes.plot(*ends[0], '.', color=color, markersize=5)
        axes.plot(*ends[1], 'o', color=color, markersize=5, fillstyle='none')
    x, y = _axis_names(task)
    axes.set(xlabel=x, ylabel=y, aspect='equal')
    return figure


def _distances(episodes: Sequence[Episode], task: GoalTask) -> Figure:
    figure = Figure(figsize=(8.0, 3.0), layout='constrained')
    for axes, step, name in zip(figure.subplots(1, 2), (0, -1), ('first', 'last'), strict=True):
        reached, missed = (
            [100 * left_m(each, task)[step] for each in episodes if each.is_success is wanted]
            for wanted in (True, False)
        )
        bins = np.linspace(0.0, max([*reached, *missed, 100 * task.goal_tolerance_m]), 21)
        shown = [(reached, GREEN, 'succeeded'), (missed, RED, 'missed')]
        axes.hist(
            [values for values, _, _ in shown],
            bins=bins.tolist(),
            stacked=True,
            color=[color for _, color, _ in shown],
            label=[label for _, _, label in shown],
        )
        axes.axvline(100 * task.goal_tolerance_m, color=GREY, linewidth=1.2)
        axes.set(xlabel=f'distance at the {name} step, cm', ylabel='episodes')
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc='outside upper right', ncols=2)
    return figure


def _worst_picture(episodes: Sequence[Episode], task: GoalTask) -> Picture:
    worst = sorted(range(len(episodes)), key=lambda i: -_final_m(episodes[i], task))[:_WORST]
    return picture(
        lambda: _paths([(number, episodes[number]) for number in worst], task),
        f'The {len(worst)} episodes that ended farthest from their goal: the path of what is to'
        ' reach it, from its start (dot). The disc is the goal with its tolerance.',
    )


def _final_m(episode: Episode, task: GoalTask) -> float:
    return float(left_m(episode, task)[-1])


def _paths(episodes: Sequence[tuple[int, Episode]], task: GoalTask) -> Figure:
    columns = 5
    rows = -(-len(episodes) // columns)
    figure = Figure(figsize=(8.5, 2.0 * rows), layout='constrained')
    panels = [*figure.subplots(rows, columns, squeeze=False).flat]
    for axes in panels:
        axes.set_axis_off()
    for axes, (number, episode) in zip(panels, episodes, strict=False):
        _path(axes, episode, task)
        axes.set_title(f'{number + 1}: {100 * _final_m(episode, task):.1f} cm', fontsize=9)
    return figure


def _path(axes: Axes, episode: Episode, task: GoalTask) -> None:
    path, goal = plane(episode.achieved_goal), plane(episode.desired_goal)
    color = GREEN if episode.is_success else RED
    axes.add_patch(Circle((goal[0], goal[1]), task.goal_tolerance_m, color=color, alpha=0.4))
    axes.plot(*path.T, color=BLUE, linewidth=1.3)
    axes.plot(*path[0], '.', color=BLUE, markersize=8)
    # Square, and as large as path and goal need: episodes differ in size.
    points = np.vstack([path, goal])
    middle = (points.max(0) + points.min(0)) / 2
    half = max(float(np.ptp(points, axis=0).max()) / 2 + task.goal_tolerance_m, 1e-3)
    axes.set(
        xlim=(middle[0] - half, middle[0] + half),
        ylim=(middle[1] - half, middle[1] + half),
        aspect='equal',
    )
