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

"""``her-ros goal``."""

import sys
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.orchestration.graph import ROBOT_NAMESPACE
import typer


@app.command(
    short_help='Send a goal and report its result.',
    epilog=examples('her-ros goal 1.3 0.85', 'her-ros goal 0.6 -0.2 --frame base_link'),
)
def goal(
    x: Annotated[float, typer.Argument(help='Metres.')],
    y: Annotated[float, typer.Argument(help='Metres.')],
    z: Annotated[
        float, typer.Argument(help='Metres; ignored for objects that stay on the table.')
    ] = 0.425,
    frame: Annotated[str, typer.Option(help='Frame of the point.')] = 'world',
    namespace: Annotated[str, typer.Option(help='Namespace of the goal topic.')] = ROBOT_NAMESPACE,
    wait: Annotated[
        bool, typer.Option(help='Wait for the end of the episode, or only for acceptance.')
    ] = True,
) -> None:
    """
    Send a goal to a running robot or simulation, and report its result.

    Exit status: 0 reached (with --no-wait: accepted), 1 refused, 3 missed, 4 given up or unknown.
    Ctrl-C stops the robot.
    """
    from her_ros.orchestration.goal import send_goal

    sys.exit(send_goal((x, y, z), frame, namespace, wait))
