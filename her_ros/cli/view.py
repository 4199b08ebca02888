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

"""``her-ros view``."""

from pathlib import Path
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import AcceptArm, Arm
from her_ros.runtime.errors import HerRosError
import typer


@app.command(
    short_help='See a policy, a run, bags or running nodes in a browser.',
    epilog=examples(
        'her-ros view models/FetchPush/policy.onnx',
        'her-ros view runs/FetchPush/run_001',
        'her-ros view --live',
        'her-ros view policy.onnx --task Push --accept-arm',
    ),
)
def view(
    target: Annotated[
        Path | None,
        typer.Argument(help='An ONNX policy, a run folder, or a bag or folder of bags.'),
    ] = None,
    live: Annotated[bool, typer.Option('--live', help='Show the nodes that run.')] = False,
    namespace: Annotated[str, typer.Option(help='With --live: ROS namespace.')] = 'her_ros',
    task: Annotated[
        str, typer.Option(help='Task; default: that of the policy or of the bags.')
    ] = '',
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
    """
    Show a policy that acts, recorded episodes, or nodes that run, in 3D in a browser.

    A policy: move its goal, and disturb it. Episodes of a run or of bags: how each one went, why
    it missed its goal, and what HER makes of it; of a training that runs, too. With --live, the
    nodes of a training or a robot: how they are, and goals by click. Serves a page on this machine
    until Ctrl-C, without a display, and without ROS but for --live. The page loads nothing from
    elsewhere. Needs `pip install her_ros[view]`.
    """
    from her_ros.view.browser.command import (
        PageOptions,
        TaskOptions,
        view_episodes,
        view_live,
        view_policy,
    )
    from her_ros.view.browser.web_site import Address

    on, options = TaskOptions(task, arm, accept_arm), PageOptions(Address(host, port), dark)
    if live == (target is not None):
        raise HerRosError(
            'nothing to view' if target is None else 'either --live or a file',
            'name a policy, a run or a bag, or give --live alone',
        )
    if target is None:
        view_live(namespace, on, options)
    elif target.suffix == '.onnx':
        view_policy(target, on, options)
    else:
        view_episodes(target, on, options)
