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
