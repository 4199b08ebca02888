"""``her-ros plot``."""

from pathlib import Path
from typing import Annotated

import typer

from her_ros.cli.app import app
from her_ros.cli.examples import examples


@app.command(
    short_help='Draw an experiment or runs.',
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
    """Draw the curves of an experiment again, what HER did in a run, or runs beside each other.

    Of several runs: success over env steps, also of unfinished runs. Of one run: the share of
    rewards that are 0 before and after relabelling, over the training; the goals that HER puts in
    along one of its episodes; and where a curriculum draws its goals, into its plots/.
    """
    from her_ros.analysis.plot import plot as draw

    draw(folders, out)
