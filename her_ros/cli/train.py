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

"""``her-ros train``."""

import json
from pathlib import Path
import sys
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import (
    Arm,
    DiscoveryServer,
    LEARNABLE,
    Overrides,
    Params,
    Report,
    Seed,
    StartFrom,
)
import typer

# Undisturbed episodes keep the policy good without disturbances (docs/how_to/robust.md).
_DISTURBED_SHARE = 0.75


@app.command(
    short_help='Train a task through ROS 2 nodes.',
    epilog=examples(
        'her-ros train',
        'her-ros train --task FetchPush --new --seed 3',
        'her-ros train --task PickAndPlace --arm ur5e_2f85',
        'her-ros train --set trainer.batch_size=512',
        'her-ros train --task FetchPush --disturb robot',
        'her-ros train --task FetchPush --new --from policy.onnx',
        'her-ros train --set trainer.stop.env_steps=2000000',
    ),
)
def train(
    task: Annotated[str, typer.Option(help=LEARNABLE)] = 'FetchReach',
    runs: Annotated[Path, typer.Option(help='Folder of all runs.')] = Path('runs'),
    name: Annotated[
        str,
        typer.Option(help='Name of the run, to start or to go on with; default: the last one.'),
    ] = '',
    new: Annotated[bool, typer.Option('--new', help='Start another run.')] = False,
    seed: Seed = None,
    arm: Arm = '',
    workers: Annotated[int, typer.Option(min=1, max=100, help='Simulation workers.')] = 1,
    start_from: StartFrom = None,
    params: Params = None,
    disturb: Annotated[
        str,
        typer.Option(
            help='Disturbances to train and evaluate with, such as robot or robot:0.5,push_mps;'
            ' critics then see the truth.'
        ),
    ] = '',
    override: Overrides = None,
    namespace: Annotated[str, typer.Option(help='ROS namespace of the run.')] = 'her_ros',
    report: Report = True,
    recorders: Annotated[
        int,
        typer.Option(
            min=0,
            max=100,
            help='Recorders for workers that join from where the run folder is not.',
        ),
    ] = 0,
    discovery_server: DiscoveryServer = '',
) -> None:
    """
    Train a task through real ROS 2 nodes, and write a policy.

    Starts simulation, policy, recorder, evaluator and trainer as processes, shows how they do,
    and stops by the task's stop rule. Without --new, the last run of
    the task goes on, with the parameters that it began with. Only its stop rule may change:
    trainer.stop.env_steps, trainer.stop.success_rate, trainer.stop.evaluations. The exit
    status is 0 if the task is solved, and 1 if the run reaches its limit first.
    """
    from her_ros.analysis.run_report.after_training import report_after_training
    from her_ros.orchestration.prepare import arm_overrides, start_override
    from her_ros.orchestration.train import train as run

    overrides = [f'seed={seed}'] if seed is not None else []
    overrides += arm_overrides(arm) + start_override(start_from)
    if disturb:
        overrides += [f'{node}.disturb={json.dumps(disturb)}' for node in ('sim_env', 'evaluator')]
        overrides += ['trainer.truth=critic', f'sim_env.disturb_share={_DISTURBED_SHARE}']
    overrides += override or []
    write_report = report_after_training if report else None
    joined = (recorders, discovery_server)
    sys.exit(
        run(task, runs, name, new, params, overrides, workers, namespace, write_report, *joined)
    )
