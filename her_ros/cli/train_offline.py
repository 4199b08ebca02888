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

"""``her-ros train-offline``."""

from pathlib import Path
import sys
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import Arm, Overrides, Params, Report, Seed, StartFrom
from her_ros.config.parameters.learner import LearnerParameters
from her_ros.config.schema import parameters_of
import typer

_REGULARIZERS = parameters_of(LearnerParameters)['offline_regularizer'].choices


@app.command(
    'train-offline',
    short_help='Train from bags, without ROS.',
    epilog=examples(
        'her-ros train-offline bags/monday bags/tuesday.mcap',
        'her-ros train-offline bags/monday --from policy.onnx',
    ),
)
def train_offline(
    bags: Annotated[
        list[Path],
        typer.Argument(help='Bags, folders of bags, or run folders.', show_default=False),
    ],
    task: Annotated[str, typer.Option(help='Task; default: what the bags say.')] = '',
    arm: Arm = '',
    out: Annotated[
        Path | None, typer.Option(help='Folder for the results; default: runs/TASK/offline.')
    ] = None,
    updates: Annotated[int, typer.Option(min=1, help='Updates to make.')] = 40_000,
    regularizer: Annotated[
        str | None,
        typer.Option(
            '--offline-regularizer',
            help=f'What keeps the policy close to the bags: {", ".join(_REGULARIZERS)}.',
        ),
    ] = None,
    seed: Seed = None,
    evaluate: Annotated[
        bool,
        typer.Option('--evaluate', help='Evaluate the policy in simulation, up to ten times.'),
    ] = False,
    start_from: StartFrom = None,
    params: Params = None,
    override: Overrides = None,
    report: Report = True,
) -> None:
    """
    Train from bags that exist, without ROS. Only --evaluate runs a simulation.

    Takes bags of this package or of `ros2 bag record`, in any number and form; relabels them with
    HER; leaves the same files as `train`. The same command again resumes.
    """
    from her_ros.analysis.run_report.after_training import report_after_training
    from her_ros.orchestration.prepare import start_override
    from her_ros.orchestration.train_offline import train_offline as run
    from her_ros.orchestration.train_offline import TrainOfflineOptions

    overrides = [
        *([] if seed is None else [f'seed={seed}']),
        *start_override(start_from),
        *(override or []),
        *([] if regularizer is None else [f'trainer.offline_regularizer={regularizer}']),
    ]
    options = TrainOfflineOptions(bags, task, arm, out, updates, params, overrides, evaluate)
    sys.exit(run(options, report_after_training if report else None))
