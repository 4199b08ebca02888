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

"""``her-ros arms``: list and check descriptions of arms."""

from typing import Annotated

from her_ros.cli.examples import examples
import typer

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help='List and check arms, without ROS.'
)


@app.callback()
def _root() -> None:
    pass


@app.command(
    'list', short_help='List the arms that are described.', epilog=examples('her-ros arms list')
)
def list_arms() -> None:
    """List the arms that are described, in this package and in others: joints and model."""
    from her_ros.analysis.arms import print_arms

    print_arms()


@app.command(
    short_help='Check the description of an arm.',
    epilog=examples('her-ros arms check franka_panda', 'her-ros arms check my_arm.yaml'),
)
def check(
    arm: Annotated[str, typer.Argument(help='Name of an arm, or a description, a .yaml file.')],
) -> None:
    """
    Check the description of an arm against its model.

    Print one line for everything that is missing or wrong, and what the arm can do: reach,
    manipulability, and the speed that a full action may have. Exit with status 1 after a fault.
    """
    from her_ros.analysis.arms import print_check

    raise typer.Exit(print_check(arm))
