"""``her-ros echo``."""

from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
import typer


@app.command(
    short_help='Print the rows of a step topic.',
    epilog=examples('her-ros echo', 'her-ros echo /robot/step --rows 1'),
)
def echo(
    topic: Annotated[str, typer.Argument(help='A step topic.')] = '/her_ros/worker_0/step',
    rows: Annotated[int, typer.Option(help='Rows to print; 0: until Ctrl-C.', min=0)] = 0,
    timeout: Annotated[
        float, typer.Option(help='Give up after this many seconds without a message.')
    ] = 10.0,
) -> None:
    """Print the rows of a step topic as a table."""
    from her_ros.view.echo import echo as run

    run(topic, rows, timeout)
