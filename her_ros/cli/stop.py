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
