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

"""The application ``her-ros``, to which the commands are added."""

from typing import Annotated

from her_ros import __version__
from her_ros.cli.arms import app as arms_app
from her_ros.cli.bags import app as bags_app
from her_ros.cli.runs import app as runs_app
import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # a table would cut what a narrow terminal does not hold
    help='Teach a robot arm to reach goals from failures: DDPG with Hindsight Experience Replay,'
    ' over real ROS 2 topics and bags.',
)
app.add_typer(arms_app, name='arms', short_help='List and check arms.')
app.add_typer(bags_app, name='bags', short_help='Inspect, check and repair bags.')
app.add_typer(runs_app, name='runs', short_help='List runs.')


def _version(asked: bool) -> None:
    if asked:
        print(f'her-ros {__version__}')
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option('--version', callback=_version, is_eager=True, help='Show the version.')
    ] = False,
) -> None:
    pass
