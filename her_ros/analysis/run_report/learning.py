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

"""Result, learning curve and time of a run."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from her_ros.analysis.plots import over_env_steps
from her_ros.analysis.results import wilson_interval
from her_ros.analysis.run_report.page import (
    BLUE,
    GREEN,
    GREY,
    picture,
    Section,
    section,
    SERIES,
    Table,
)
from her_ros.analysis.run_report.published import PUBLISHED, Published
from her_ros.analysis.run_report.source import LATER, RunSource
from her_ros.runtime.errors import HerRosError
from matplotlib.figure import Figure
import numpy as np
from numpy.typing import NDArray


def result_section(of: RunSource) -> Section:
    """Compare the run with what is published of its task."""
    return section('Result', lambda: _result(of))


def _result(of: RunSource) -> Section:
    best, published = of.best_evaluation, PUBLISHED.get(of.task.name)
    successes = round(best['success_rate'] * best['episodes'])
    low, high = wilson_interval(successes, best['episodes'])
    text = [
        f'Best policy: success {best["success_rate"]:.3f} (95 % interval {low:.3f} … {high:.3f},'
        f' {best["episodes"]} episodes), after {best["env_steps"]:,} env steps,'
        f' {best["updates"]:,} updates and {best["wall_s"]:.0f} s.'
    ]
    if of.disturb:
        text.append(f'The evaluations were disturbed by `{of.disturb}`.')
        why = 'The published results are left out: they are of undisturbed evaluations.'
        return Section('Result', text, missing=[why])
    if published is None:
        return Section('Result', text, missing=['There is no published result of this task.'])
    wanted = published.success_rate
    reached = next(
        (each for each in of.progress.evaluations if each['success_rate'] >= wanted), None
    )
    own = (
        ['not reached', '–']
        if reached is None
        else [f'{reached["env_steps"]:,}', f'{reached["wall_s"]:.0f} s']
    )
    head = ('', f'env steps to success {wanted:.2f}', 'wall clock')
    rows = [('this run', *own), ('published', f'{published.env_steps:,}', published.wall_clock)]
    text.append(
        'Published are the medians of three seeds with the task’s parameter file on two cores.'
        f' The shipped policy succeeds in {published.success_of_1000:.3f} of 1,000 episodes.'
    )
    return Section('Result', text, tables=[Table(head, rows)])


def curve_section(runs: Sequence[RunSource]) -> Section:
    """Draw the success of evaluations over env steps, of one run or of several."""
    return section('Learning curve', lambda: _curve(runs))


def _curve(runs: Sequence[RunSource]) -> Section:
    if not any(run.progress.evaluations for run in runs):
        raise HerRosError('there is no evaluation yet', LATER)
    caption = 'Success of the evaluations; the bars are 95 % intervals.'
    if _published_of(runs) is not None:
        caption += ' The cross is the published result of the task.'
    disturbed = [f'{run.name} by {run.disturb}' for run in runs if run.disturb]
    if disturbed:
        caption += f' Disturbed evaluations, without a published result: {"; ".join(disturbed)}.'
    return Section('Learning curve', pictures=[picture(lambda: _draw_curve(runs), caption)])


def _published_of(runs: Sequence[RunSource]) -> Published | None:
    """Return the published result of runs of one task, unless evaluations were disturbed."""
    if len({run.task.name for run in runs}) > 1 or any(run.disturb for run in runs):
        return None
    return PUBLISHED.get(runs[0].task.name)


def _draw_curve(runs: Sequence[RunSource]) -> Figure:
    figure, axes = over_env_steps('', 'success')
    figure.set_size_inches(8.0, 3.6)
    for number, run in enumerate(runs):
        evaluations = run.progress.evaluations
        if not evaluations:
            continue
        rates = np.array([each['success_rate'] for each in evaluations])
        ends = np.array(
            [
                wilson_interval(round(each['success_rate'] * each['episodes']), each['episodes'])
                for each in evaluations
            ]
        )
        axes.errorbar(
            [each['env_steps'] for each in evaluations],
            rates,
            yerr=np.abs(ends.T - rates),
            color=SERIES[number % len(SERIES)],
            marker='o',
            markersize=4,
            capsize=2,
            elinewidth=0.8,
            label=run.name if len(runs) > 1 else 'this run',
        )
    if (published := _published_of(runs)) is not None:
        axes.plot(published.env_steps, published.success_rate, 'x', color=GREY, label='published')
    axes.set_xlim(left=0)
    axes.legend(loc='lower right')
    return figure


class _Scalar(NamedTuple):
    """A named value over a run."""

    steps: list[int]
    values: list[float]
    #: when each was written, seconds since 1970
    written_s: list[float]


def _scalars(of: RunSource) -> dict[str, _Scalar]:
    """
    Read the run's TensorBoard files.

    :raises HerRosError: if there are none
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    if not of.folder.tensorboard.is_dir() or not any(of.folder.tensorboard.iterdir()):
        raise HerRosError('the run has no TensorBoard files', 'copy the whole run folder')
    events = EventAccumulator(str(of.folder.tensorboard), size_guidance={'scalars': 0})
    events.Reload()
    return {
        tag: _Scalar(
            *map(list, zip(*((e.step, e.value, e.wall_time) for e in found), strict=True))
        )
        for tag in events.Tags()['scalars']
        if (found := events.Scalars(tag))
    }


def time_section(of: RunSource) -> Section:
    """Show the shares of the run's time."""
    return section('Time', lambda: _time(of))


def _time(of: RunSource) -> Section:
    scalars = _scalars(of)
    steps, updates = scalars.get('speed/env_steps_per_s'), scalars.get('speed/updates_per_s')
    if updates is None:
        raise HerRosError('the run has not recorded its speeds', 'copy the whole run folder')
    written = np.array(updates.written_s)
    spans = np.diff(written, prepend=written[0])
    updating = np.array(updates.values) > 0
    collecting = np.array(steps.values)[: len(spans)] > 0 if steps else np.zeros(len(spans), bool)
    if len(collecting) < len(spans):
        collecting = np.pad(collecting, (0, len(spans) - len(collecting)))
    parts = {
        'simulation and updates beside each other': collecting & updating,
        'updates alone: the simulation waited for the trainer': ~collecting & updating,
        'simulation alone: no updates yet, or too few steps for more': collecting & ~updating,
        'neither: start-up, evaluations, compiling': ~collecting & ~updating,
    }
    total = float(spans.sum()) or 1.0
    rows = [
        (name, f'{spans[mask].sum():.0f} s', f'{spans[mask].sum() / total:.0%}')
        for name, mask in parts.items()
        if spans[mask].sum() > 0
    ]
    text = [
        f'{of.progress.wall_s:.0f} s of training in all, by the clock of the trainer. The table is'
        f' made of {len(spans)} measurements of its speeds, between'
        f' {datetime.fromtimestamp(written[0]):%Y-%m-%d %H:%M:%S} and'
        f' {datetime.fromtimestamp(written[-1]):%H:%M:%S}; pauses of a resumed run are in it.'
    ]
    return Section(
        'Time',
        text,
        [
            picture(
                lambda: _draw_speeds(steps, updates),
                'Speeds over the time of the run, as means over nine measurements.',
            )
        ],
        [Table(('', 'time', 'share'), rows)],
    )


def _smooth(values: Sequence[float]) -> NDArray[np.float64]:
    """Return running means of at most 9 values; rollouts come in bursts."""
    width = min(9, len(values))
    weights = np.ones(width)
    return np.convolve(values, weights, 'same') / np.convolve(
        np.ones(len(values)), weights, 'same'
    )


def _draw_speeds(steps: _Scalar | None, updates: _Scalar) -> Figure:
    figure = Figure(figsize=(8.0, 2.6), layout='constrained')
    axes = figure.subplots()
    start = updates.written_s[0]
    for scalar, color, name in ((updates, BLUE, 'updates/s'), (steps, GREEN, 'env steps/s')):
        if scalar is not None:
            values = _smooth(scalar.values)
            axes.plot(np.array(scalar.written_s) - start, values, color=color, label=name)
    axes.set(xlabel='time since the first measurement, s', ylabel='per second')
    # A burst at the start would hide all else.
    top = max(
        np.percentile(_smooth(each.values), 95) for each in (updates, steps) if each is not None
    )
    axes.set_ylim(0, 1.3 * top + 1)
    axes.legend()
    return figure
