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
