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

"""``her-ros plot``."""

from pathlib import Path
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
import typer


@app.command(
    short_help='Plot an experiment or runs.',
    epilog=examples(
        'her-ros plot runs/FetchPush/run_001',
        'her-ros plot runs/FetchPush/one runs/FetchPush/two',
    ),
)
def plot(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar='FOLDERS...', help='Folder of an experiment, or of one or more runs.'
        ),
    ],
    out: Annotated[Path, typer.Option(help='Folder for the curves of several runs.')] = Path(
        'plots'
    ),
) -> None:
    """
    Plot the curves of an experiment, the effect of HER in a run, or several runs together.

    For several runs, also unfinished ones: success over env steps. For one run, into its plots/:
    the share of rewards that are 0 before and after relabelling, over the training; the goals
    that HER substitutes in one episode; and the goals that a curriculum draws.
    """
    from her_ros.analysis.plot import plot as draw

    draw(folders, out)
