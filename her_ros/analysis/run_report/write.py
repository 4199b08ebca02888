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

"""``her-ros report``: write the page of one run, or of several beside each other."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from her_ros.analysis.run_report.evaluated_episodes import evaluated_section
from her_ros.analysis.run_report.hindsight import hindsight_section
from her_ros.analysis.run_report.learning import (
    curve_section,
    result_section,
    time_section,
)
from her_ros.analysis.run_report.page import Page, render, Section, section, Table
from her_ros.analysis.run_report.record import (
    compared_parameters,
    origin_section,
    parameters_section,
    repeat_command,
    safety_section,
)
from her_ros.analysis.run_report.source import RunSource
from her_ros.orchestration.progress import tracked
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import write_whole
from her_ros.runtime.run_folder import RunFolder

#: name of the page in the folder of its run
REPORT = 'report.html'


def write_run_report(run: RunFolder, out: Path | None = None, thorough: bool = True) -> Path:
    """
    Write the page of a run; what cannot be shown is left out with a line that says so.

    :param out: its file; None: ``report.html`` in the folder of the run
    :param thorough: whether to show all that HER did, which takes some seconds more
    :return: the file
    :raises HerRosError: if the folder is no run, or the page cannot be written
    """
    of = RunSource(run)
    parts = (
        lambda: result_section(of),
        lambda: curve_section([of]),
        lambda: evaluated_section(of),
        lambda: hindsight_section(of, thorough),
        lambda: time_section(of),
        lambda: safety_section(of),
        lambda: parameters_section(of),
        lambda: origin_section(of, thorough),
    )
    sections = [make() for make in tracked(parts, 'report', len(parts))]
    page = Page(of.name, _state(of), _highlights(of), sections)
    path = out or run.path / REPORT
    write_whole(path, render(page).encode())
    return path


def write_comparison(runs: Sequence[RunFolder], out: Path) -> Path:
    """
    Write a page that shows several runs beside each other; return its file.

    :raises HerRosError: if a folder is no run, two are one, or the page cannot be written
    """
    sources = [RunSource(run) for run in runs]
    if len({run.path for run in runs}) < len(runs):
        raise HerRosError('two of these folders are one run', 'name others')
    page = Page(
        f'{len(runs)} runs compared',
        ', '.join(each.name for each in sources),
        [],
        [
            _overview(sources),
            curve_section(sources),
            compared_parameters(sources),
            section('Commands', lambda: _commands(sources)),
        ],
    )
    write_whole(out, render(page).encode())
    return out


def _commands(runs: Sequence[RunSource]) -> Section:
    return Section('Commands', commands=[repeat_command(each) for each in runs])


def _state(of: RunSource) -> str:
    words = {
        'solved': 'solved its task',
        'limit': 'reached its limit first',
        'trained': 'made all its updates, from bags',
        'running': 'still running',
        'unfinished': 'not finished; the same command goes on with it',
    }
    return f'{of.folder.path}: {words[of.progress.state.value]}'


def _highlights(of: RunSource) -> list[tuple[str, str]]:
    progress = of.progress
    rates = [each['success_rate'] for each in progress.evaluations]
    shown = [
        ('state', progress.state.value),
        ('best success', f'{max(rates):.2f}' if rates else '–'),
        ('last success', f'{rates[-1]:.2f}' if rates else '–'),
        ('env steps', f'{progress.env_steps:,}'),
        ('updates', f'{progress.updates:,}'),
        ('wall clock', _time(progress.wall_s)),
    ]
    with suppress(HerRosError):  # parameters of another version; their section says so
        shown += [('agent', str(of.trainer['agent'])), ('seed', str(of.seed))]
    return shown


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours} h {minutes:02d} min' if hours else f'{minutes} min {rest:02d} s'


def _overview(runs: Sequence[RunSource]) -> Section:
    columns = [dict(_highlights(run)) for run in runs]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [(name, *(column.get(name, '–') for column in columns)) for name in names]
    return Section('Runs', tables=[Table(('', *(run.name for run in runs)), rows)])
