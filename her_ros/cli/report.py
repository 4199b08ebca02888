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

"""``her-ros report``."""

from pathlib import Path
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
import typer


@app.command(
    short_help='Write a page about a run, runs or an experiment.',
    epilog=examples(
        'her-ros report runs/FetchPush/run_001',
        'her-ros report runs/FetchPush/one runs/FetchPush/two',
    ),
)
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar='RUNS...', help='Folder of one or more runs, or of an experiment.'),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help='The page; default: report.html in the folder named, or here for several runs.'
        ),
    ] = None,
) -> None:
    """
    Write a page of HTML that shows what a run learned, or that compares runs or variants.

    It shows the result beside what is published, the learning curve, where the policy succeeds
    and its worst episodes, what HER did, what the time went into, and how to repeat the run. The
    page loads nothing and works without a network. Unfinished runs have one, too.
    """
    from her_ros.analysis.run_report.experiment import is_experiment, write_experiment_report
    from her_ros.analysis.run_report.write import REPORT, write_comparison, write_run_report
    from her_ros.runtime.run_folder import RunFolder

    first = runs[0]
    if len(runs) > 1:
        print(write_comparison([RunFolder(run) for run in runs], out or Path(REPORT)))
    elif is_experiment(first):
        print(write_experiment_report(first, out or first / REPORT))
    else:
        print(write_run_report(RunFolder(first), out))
