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

"""``her-ros runs list``: print a table of runs."""

from pathlib import Path

from her_ros.analysis.run_progress import find_runs, progress_of, RunProgress
from her_ros.runtime.errors import HerRosError
from rich.console import Console
from rich.table import Table


def print_runs(runs: Path) -> None:
    """
    Print a line for every run in a folder, and the faults of damaged ones.

    :raises HerRosError: if there is none
    """
    found = [progress_of(run) for run in find_runs(runs)]
    if not found:
        raise HerRosError('no runs', '`her-ros train` starts one', source=runs)
    table = Table('run', 'state', 'success', 'env steps', 'updates', 'time')
    for each in found:
        table.add_row(*_cells(runs, each))
    console = Console(markup=False, highlight=False, soft_wrap=True)
    console.print(table)
    for each in found:
        if each.error is not None:
            console.print(str(each.error))


def _cells(runs: Path, run: RunProgress) -> tuple[str, ...]:
    best = run.best_success_rate
    return (
        str(run.folder.path.relative_to(runs.absolute())),
        run.state.value,
        '–' if best is None else f'{best:.2f}',
        f'{run.env_steps:,}',
        f'{run.updates:,}',
        _time(run.wall_s),
    )


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours} h {minutes:02d} min' if hours else f'{minutes} min {rest:02d} s'
