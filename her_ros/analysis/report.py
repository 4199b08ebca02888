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

"""Write ``summary.md`` and ``curves`` of an experiment from its table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from her_ros.analysis.experiment_file import EXPERIMENT_FILE, read_experiment
from her_ros.analysis.experiments import Experiment, EXPERIMENTS
from her_ros.analysis.plots import draw_curves, save
from her_ros.analysis.results import (
    Curve,
    curves,
    median_steps,
    read_table,
    Row,
    speed_up,
)
from her_ros.runtime.files import write_whole
from her_ros.tasks.registry import task_named
import numpy as np

TABLE = 'results.csv'
SUMMARY = 'summary.md'
SUCCESSES = (0.3, 0.5, 0.7, 0.9)


def write_report(folder: Path) -> list[Path]:
    """
    Write summary and curves beside the table of an experiment; return their paths.

    :raises ResultsError: if the table cannot be read, or no run has finished yet
    """
    rows = read_table(folder / TABLE)
    variants = curves(rows)
    experiment = described(folder, rows[0].experiment)
    write_whole(folder / SUMMARY, summary(rows, variants, experiment).encode())
    title = f'{rows[0].experiment}, {rows[0].task}'
    return [folder / SUMMARY, *save(draw_curves(variants, title), folder, 'curves')]


def described(folder: Path, name: str) -> Experiment | None:
    """Return the experiment of a table; None if it is unknown."""
    if (path := folder / EXPERIMENT_FILE).exists():
        return read_experiment(path)
    return next((each for each in EXPERIMENTS if each.name == name), None)


HEAD = ('variant', 'seeds', 'last success', *(f'{success:.0%}' for success in SUCCESSES))


def reference_of(variants: Mapping[str, list[Curve]], experiment: Experiment | None) -> str:
    """Return the variant that the others are compared with; it may have no finished run yet."""
    return experiment.variants[0].name if experiment else next(iter(variants))


def explanations(
    rows: Sequence[Row], variants: Mapping[str, list[Curve]], experiment: Experiment | None
) -> tuple[str, str]:
    """
    Return the captions of the curves and of the table of an experiment.

    :param experiment: the experiment; None if unknown, so the first variant is the reference
    """
    counts = sorted({row.judged_episodes for row in rows})
    reference = reference_of(variants, experiment)
    of_curves = (
        f'Success is evaluated over {_several(counts)} deterministic episodes. Lines are medians'
        ' over the seeds; areas reach from the lowest to the highest. A run that ended counts from'
        ' there on with its last success.'
    )
    of_table = (
        'Last success: median (lowest to highest). Under the percentages: episodes until one'
        ' evaluation first reached so much, median over the seeds, and behind it how many times'
        f' sooner than `{reference}`; ≥ where `{reference}` never got there within its steps. A'
        ' median over seeds of which half or more never got there is not reached, or stopped'
        ' before where a run ended because its task counted as solved.'
    )
    if reference not in variants:
        of_table += f'\n\nNo run of `{reference}` has finished yet.'
    return of_curves, of_table


def summary(
    rows: Sequence[Row], variants: Mapping[str, list[Curve]], experiment: Experiment | None
) -> str:
    """
    Return the results of an experiment as Markdown.

    :param experiment: the experiment; None if unknown, so the first variant is the reference
    """
    name, task = rows[0].experiment, rows[0].task
    of_curves, of_table = explanations(rows, variants, experiment)
    lines = [
        f'# {name}, {task}',
        '',
        *([f'Compared: {experiment.question}.', ''] if experiment else []),
        '![Success over env steps](curves.svg)',
        '',
        of_curves,
        '',
        _row(*HEAD),
        _row(*['---'] * len(HEAD)),
        *(_row(*cells) for cells in variant_rows(variants, task, experiment)),
        '',
        of_table,
        '',
    ]
    return '\n'.join(lines)


def variant_rows(
    variants: Mapping[str, list[Curve]], task: str, experiment: Experiment | None
) -> list[tuple[str, ...]]:
    """Return the results of each variant as text, in the columns of ``HEAD``."""
    reference = reference_of(variants, experiment)
    return [_variant_row(variant, variants, task, reference) for variant in variants]


def _variant_row(
    variant: str, variants: Mapping[str, list[Curve]], task: str, reference: str
) -> tuple[str, ...]:
    runs = variants[variant]
    last = sorted(float(curve.success[-1]) for curve in runs)
    cells = []
    for success in SUCCESSES:
        steps = median_steps(runs, success)
        if np.isinf(steps):
            missing = [curve for curve in runs if np.isinf(curve.steps_to(success))]
            word = 'stopped before' if any(curve.solved for curve in missing) else 'not reached'
            cells.append(f'{word} ({len(runs) - len(missing)} of {len(runs)})')
            continue
        cell = f'{steps / task_named(task).episode_length:,.0f}'
        if variant != reference and reference in variants:
            times, is_bound = speed_up(variants[reference], runs, success)
            if np.isfinite(times):
                cell += f', {"≥ " if is_bound else ""}{times:.1f}×'
        cells.append(cell)
    middle = f'{float(np.median(last)):.2f} ({last[0]:.2f} to {last[-1]:.2f})'
    return variant, str(len(runs)), middle, *cells


def _row(*cells: str) -> str:
    return f'| {" | ".join(cells)} |'


def _several(numbers: Sequence[int]) -> str:
    return ' or '.join(f'{number:,}' for number in numbers)
