"""Write ``summary.md`` and ``curves`` of an experiment from its table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from her_ros.analysis.experiment_file import EXPERIMENT_FILE, read_experiment
from her_ros.analysis.experiments import EXPERIMENTS, Experiment
from her_ros.analysis.plots import draw_curves, save
from her_ros.analysis.results import (
    Curve,
    Row,
    curves,
    median_steps,
    read_table,
    speed_up,
)
from her_ros.runtime.files import write_whole
from her_ros.tasks.registry import task_named

TABLE = 'results.csv'
SUMMARY = 'summary.md'
SUCCESSES = (0.3, 0.5, 0.7, 0.9)


def write_report(folder: Path) -> list[Path]:
    """Write summary and curves beside the table of an experiment; return their paths.

    :raises ResultsError: if the table cannot be read, or no run has finished yet
    """
    rows = read_table(folder / TABLE)
    variants = curves(rows)
    experiment = _described(folder, rows[0].experiment)
    write_whole(folder / SUMMARY, summary(rows, variants, experiment).encode())
    title = f'{rows[0].experiment}, {rows[0].task}'
    return [folder / SUMMARY, *save(draw_curves(variants, title), folder, 'curves')]


def _described(folder: Path, name: str) -> Experiment | None:
    """Return the experiment of a table; None if it is unknown."""
    if (path := folder / EXPERIMENT_FILE).exists():
        return read_experiment(path)
    return next((each for each in EXPERIMENTS if each.name == name), None)


def summary(
    rows: Sequence[Row], variants: Mapping[str, list[Curve]], experiment: Experiment | None
) -> str:
    """Return the results of an experiment as Markdown.

    :param experiment: the experiment; None if unknown, so the first variant is the reference
    """
    name, task = rows[0].experiment, rows[0].task
    judged = sorted({row.judged_episodes for row in rows})
    # It may not be there yet.
    reference = experiment.variants[0].name if experiment else next(iter(variants))
    lines = [
        f'# {name}, {task}',
        '',
        *([f'Compared: {experiment.question}.', ''] if experiment else []),
        '![Success over env steps](curves.svg)',
        '',
        f'Success is judged by {_several(judged)} deterministic episodes. Lines are medians over'
        ' the seeds; areas reach from the lowest to the highest. A run that ended counts from'
        ' there on with its last success.',
        '',
        _row('variant', 'seeds', 'last success', *(f'{success:.0%}' for success in SUCCESSES)),
        _row(*['---'] * (3 + len(SUCCESSES))),
        *(_variant_row(variant, variants, task, reference) for variant in variants),
        '',
        'Last success: median (lowest to highest). Under the percentages: episodes until one'
        ' evaluation first reached so much, median over the seeds, and behind it how many times'
        f' sooner than `{reference}`; ≥ where `{reference}` never got there within its steps. A'
        ' median over seeds of which half or more never got there is not reached, or stopped'
        ' before where a run ended because its task counted as solved.',
        *([] if reference in variants else ['', f'No run of `{reference}` has finished yet.']),
        '',
    ]
    return '\n'.join(lines)


def _variant_row(
    variant: str, variants: Mapping[str, list[Curve]], task: str, reference: str
) -> str:
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
    return _row(variant, str(len(runs)), middle, *cells)


def _row(*cells: str) -> str:
    return f'| {" | ".join(cells)} |'


def _several(numbers: Sequence[int]) -> str:
    return ' or '.join(f'{number:,}' for number in numbers)
