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

"""``her-ros runs``: list training runs."""

from pathlib import Path
from typing import Annotated

from her_ros.cli.examples import examples
import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help='Show runs, without ROS.')


@app.callback()
def _root() -> None:
    pass


@app.command('list', short_help='List runs.', epilog=examples('her-ros runs list'))
def list_runs(
    runs: Annotated[Path, typer.Argument(help='Folder of all runs.')] = Path('runs'),
) -> None:
    """
    List the runs in a folder: how they stand, and what they have reached.

    A run is solved, at its limit, trained (from bags), running, unfinished (the same command goes
    on with it) or damaged. Success is that of the best evaluation.
    """
    from her_ros.analysis.run_list import print_runs

    print_runs(runs)
