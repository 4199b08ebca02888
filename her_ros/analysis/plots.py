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

"""Save figures as SVG and PNG, byte for byte reproducible."""

from collections.abc import Mapping
from pathlib import Path

from her_ros.analysis.results import Curve, spread
from her_ros.runtime.files import write_whole
import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write ``<name>.svg`` and ``<name>.png``; return their paths."""
    paths = [folder / f'{name}.svg', folder / f'{name}.png']

    def draw_svg(path: Path) -> None:
        # Without a date and with fixed ids, so that unchanged figures give unchanged files.
        with matplotlib.rc_context({'svg.hashsalt': 'her_ros'}):
            figure.savefig(path, format='svg', metadata={'Date': None})

    write_whole(paths[0], draw_svg)
    write_whole(paths[1], lambda path: figure.savefig(path, format='png', dpi=150))
    return paths


def over_env_steps(title: str, ylabel: str) -> tuple[Figure, Axes]:
    """Make a figure of a share, from 0 to 1, over env steps."""
    figure = Figure(figsize=(6.4, 4.0), layout='constrained')
    axes = figure.subplots()
    axes.set(title=title, xlabel='env steps', ylabel=ylabel, ylim=(0, 1.03))
    axes.xaxis.set_major_formatter('{x:,.0f}')
    axes.grid(alpha=0.3)
    return figure, axes


def draw_curves(variants: Mapping[str, list[Curve]], title: str) -> Figure:
    """
    Draw success over env steps: the median of every variant, and from lowest to highest seed.

    In the SVG the curve of a variant has the id ``curve_<variant>``.
    """
    figure, axes = over_env_steps(title, 'success')
    for number, (variant, of) in enumerate(variants.items()):
        found, color = spread(of), f'C{number}'
        seeds = f'{len(of)} seed{"s" if len(of) > 1 else ""}'
        (line,) = axes.plot(
            found.env_steps, found.median, color=color, linewidth=2, label=f'{variant}, {seeds}'
        )
        line.set_gid(f'curve_{variant}')
        axes.fill_between(
            found.env_steps, found.lowest, found.highest, color=color, alpha=0.2, linewidth=0
        )
    axes.set_xlim(left=0)
    axes.legend()
    return figure
