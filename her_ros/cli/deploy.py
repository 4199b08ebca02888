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

"""``her-ros deploy``."""

from pathlib import Path
import sys
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import AcceptArm, Arm, Overrides, Params
from her_ros.orchestration.graph import (
    DEPLOYED_ROBOT,
    DEPLOYED_TASK,
    ROBOT_NAMESPACE,
    ROBOTS,
)
from her_ros.tasks.registry import TASKS
import typer


@app.command(
    short_help='Run a policy on a robot.',
    epilog=examples(
        'her-ros deploy --task FetchPush',
        'her-ros deploy --robot real --params mine.yaml',
        'her-ros deploy --task Push --arm arm.yaml --model p.onnx',
    ),
)
def deploy(
    task: Annotated[str, typer.Option(help=f'Task to do: {", ".join(TASKS)}.')] = DEPLOYED_TASK,
    model: Annotated[
        Path | None, typer.Option(help='ONNX policy; default: the one shipped for the task.')
    ] = None,
    arm: Arm = '',
    accept_arm: AcceptArm = False,
    robot: Annotated[
        str, typer.Option(help=f'Robot to act on: {", ".join(ROBOTS)}.')
    ] = DEPLOYED_ROBOT,
    folder: Annotated[
        Path | None, typer.Option(help='Folder for logs and bags; default: runs/TASK/robot.')
    ] = None,
    record: Annotated[
        bool, typer.Option('--record', help='Record every episode for training.')
    ] = False,
    params: Params = None,
    override: Overrides = None,
    namespace: Annotated[str, typer.Option(help='ROS namespace of the nodes.')] = ROBOT_NAMESPACE,
    remap: Annotated[
        list[str] | None,
        typer.Option(help="Another name of a robot's topic, such as object_pose:=/block."),
    ] = None,
) -> None:
    """
    Run a policy on a robot, behind its safety filter and watchdog.

    Starts policy, robot_bridge and, unless a real robot is used, a simulated robot. Each new goal
    on /robot/goal starts an episode. `--robot none` starts the policy alone.
    """
    from her_ros.orchestration.deploy import deploy as run
    from her_ros.orchestration.deploy import DeployOptions
    from her_ros.orchestration.prepare import arm_overrides

    overrides = [*arm_overrides(arm, accept_arm), *(override or [])]
    options = DeployOptions(task, model, robot, params, overrides, namespace, remap or [])
    sys.exit(run(options, folder, record))
