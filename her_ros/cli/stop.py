"""``her-ros stop``."""

from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.orchestration.graph import ROBOT_NAMESPACE
import typer


@app.command(short_help='Stop a robot and drop its goals.', epilog=examples('her-ros stop'))
def stop(
    namespace: Annotated[str, typer.Option(help='Namespace of the bridge.')] = ROBOT_NAMESPACE,
) -> None:
    """Stop a robot, and drop its goals; another goal moves it again."""
    from her_ros.orchestration.goal import stop_robot

    stop_robot(namespace)
