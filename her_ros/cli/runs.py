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
