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

"""Plot the goals that HER sampled in a run."""

from collections.abc import Mapping

from her_ros.analysis.hindsight import PickedGoals, Rewards
from her_ros.analysis.plots import over_env_steps
import matplotlib
from matplotlib.figure import Figure
import numpy as np
from numpy.typing import NDArray


def draw_rewards(rewards: Rewards, title: str) -> Figure:
    """Draw how many rewards of a batch are 0, before and after relabelling, over env steps."""
    figure, axes = over_env_steps(title, 'share of rewards that are 0')
    for name, shares in (('before', rewards.before), ('after', rewards.after)):
        (line,) = axes.plot(rewards.env_steps, shares, linewidth=2, label=f'{name} relabelling')
        line.set_gid(f'share_{name}')
    axes.set_xlim(left=0)
    axes.legend()
    return figure


def draw_goals(picked: PickedGoals, title: str) -> Figure:
    """
    Draw from above, a panel per strategy, which goals it puts in for one state.

    Of goals that are no positions the first two values are drawn, or the only one.
    """
    count = len(picked.goals)
    figure = Figure(figsize=(2.4 + 3.0 * count, 3.6), layout='constrained')
    panels = figure.subplots(1, count, squeeze=False, sharex=True, sharey=True)[0]
    path, state = _plane(picked.achieved_goal), _plane(picked.achieved_goal[picked.step])
    desired = _plane(picked.desired_goal)
    is_position = picked.achieved_goal.shape[-1] in (2, 3)
    ink = matplotlib.rcParams['text.color']  # seen on a dark page, too
    labels = ('x, m', 'y, m') if is_position else ('goal, first value', 'second value')
    for axes, (strategy, goals) in zip(panels, picked.goals.items(), strict=True):
        axes.plot(*path.T, color='0.6', label='achieved goals')
        dots = axes.scatter(*_plane(goals).T, s=14, alpha=0.5, zorder=2.5, label='goals put in')
        dots.set_gid(f'goals_{strategy}')
        axes.scatter(*state, color=ink, marker='s', zorder=3, label=f'state {picked.step}')
        axes.scatter(*desired, color='C3', marker='*', s=90, label='desired goal')
        axes.set(title=strategy, xlabel=labels[0], aspect='equal')
        axes.grid(alpha=0.3)
    panels[0].set_ylabel(labels[1])
    panels[-1].legend(loc='center left', bbox_to_anchor=(1.03, 0.5))
    figure.suptitle(title)
    return figure


def _plane(goals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first two values of goals, shape (..., 2); 0 for a second one that is not."""
    padded = np.concatenate([goals, np.zeros_like(goals)], axis=-1)
    return padded[..., :2]


def draw_curriculum(distances: Mapping[str, NDArray[np.float64]], title: str) -> Figure:
    """Draw how far from the desired goals those lie that are put in, per weight of proximity."""
    figure = Figure(figsize=(6.4, 4.0), layout='constrained')
    axes = figure.subplots()
    for number, (name, of) in enumerate(distances.items()):
        shares = np.arange(1, len(of) + 1) / len(of)
        (line,) = axes.plot(of, shares, linewidth=2, label=name)
        line.set_gid(f'curriculum_{number}')
    axes.set(
        title=title,
        xlabel='distance of the goal put in from the desired one, m',
        ylabel='share of goals not farther',
        ylim=(0, 1.03),
    )
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
