"""``her-ros publish``."""

from pathlib import Path
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
import typer


@app.command(
    short_help='Send a policy to a policy node.',
    epilog=examples('her-ros publish runs/FetchPush/run_001/policy.onnx'),
)
def publish(
    model: Annotated[Path, typer.Argument(help='An ONNX policy; MODEL.sig is sent with it.')],
    topic: Annotated[str, typer.Option(help='A policy topic.')] = '/robot/policy',
    timeout: Annotated[float, typer.Option(help='Give up after this many seconds.')] = 10.0,
) -> None:
    """
    Send a policy to a policy node whose parameter accept_policies is true.

    The node uses it from the next episode on. Its diagnostics report whether it was accepted.
    """
    from her_ros.orchestration.publish import publish as run

    run(model, topic, timeout)
