"""``her-ros view``."""

from pathlib import Path
from typing import Annotated

import typer

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import AcceptArm, Arm


@app.command(
    short_help='See a policy in a browser.',
    epilog=examples(
        'her-ros view models/FetchPush/policy.onnx',
        'her-ros view policy.onnx --task Push --accept-arm',
    ),
)
def view(
    target: Annotated[Path, typer.Argument(help='An ONNX policy.')],
    task: Annotated[str, typer.Option(help='Task to do; default: that of the policy.')] = '',
    arm: Arm = '',
    accept_arm: AcceptArm = False,
    host: Annotated[
        str,
        typer.Option(help='Address to serve at; all but those of this machine need a token.'),
    ] = '127.0.0.1',
    port: Annotated[
        int, typer.Option(min=0, max=65535, help='Port; if it is taken, the next free one.')
    ] = 8080,
    dark: Annotated[bool, typer.Option('--dark', help='Begin with a dark page.')] = False,
) -> None:
    """Show a policy that acts, in 3D in a browser: move its goal, and disturb it.

    Serves a page on this machine until Ctrl-C, without a display and without ROS. The page loads
    nothing from elsewhere. Needs `pip install her_ros[view]`.
    """
    from her_ros.view.browser.command import OnTask, PageOptions, view_policy
    from her_ros.view.browser.site import Address

    view_policy(target, OnTask(task, arm, accept_arm), PageOptions(Address(host, port), dark))
