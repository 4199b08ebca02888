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

"""``her-ros simulate``."""

from pathlib import Path
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import AcceptArm, Arm, LEARNABLE, Overrides, Params
import typer


@app.command(
    short_help='Run a policy in simulation, with ROS.',
    epilog=examples(
        'her-ros simulate --real-time --publish-scene',
        'her-ros simulate --model my_model/policy.onnx',
        'her-ros simulate --task Push --arm panda.yaml',
    ),
)
def simulate(
    task: Annotated[str, typer.Option(help=LEARNABLE)] = 'FetchReach',
    model: Annotated[
        Path | None, typer.Option(help='ONNX policy; default: the one shipped for the task.')
    ] = None,
    arm: Arm = '',
    accept_arm: AcceptArm = False,
    real_time: Annotated[
        bool, typer.Option('--real-time', help='Move as fast as a robot.')
    ] = False,
    publish_scene: Annotated[
        bool, typer.Option('--publish-scene', help='Show environment 0 in RViz and Foxglove.')
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help='Folder for logs and bags; default: runs/TASK/simulation.')
    ] = None,
    record: Annotated[
        bool, typer.Option('--record', help='Record every episode, to learn from.')
    ] = False,
    params: Params = None,
    override: Overrides = None,
    namespace: Annotated[str, typer.Option(help='ROS namespace of the nodes.')] = 'her_ros',
) -> None:
    """
    Run a policy in simulation through ROS 2 nodes, until Ctrl-C.

    Starts simulation and policy, as simulate.launch.py does, for machines without the ros2
    command. To measure a policy without ROS, use evaluate.
    """
    from her_ros.orchestration.prepare import arm_overrides
    from her_ros.orchestration.simulate import simulate as run
    from her_ros.orchestration.simulate import SimulateOptions

    overrides = [*arm_overrides(arm, accept_arm), *(override or [])]
    more = (folder, record, params, overrides, namespace)
    run(SimulateOptions(task, model, real_time, publish_scene, *more))
