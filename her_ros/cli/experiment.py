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

"""``her-ros experiment``."""

from pathlib import Path
import sys
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import Arm, LEARNABLE, Overrides, Params
import typer


@app.command(
    short_help='Compare variants of training.',
    epilog=examples(
        'her-ros experiment her --set trainer.stop.env_steps=6000',
        'her-ros experiment my_experiment.yaml --seeds 5',
        'her-ros experiment k --task FetchPush --ray auto',
    ),
)
def experiment(
    name: Annotated[
        str, typer.Argument(help='Name of an experiment, see --list, or your own YAML file.')
    ] = '',
    show_list: Annotated[bool, typer.Option('--list', help='List the experiments.')] = False,
    task: Annotated[str, typer.Option(help=LEARNABLE)] = 'FetchReach',
    arm: Arm = '',
    seeds: Annotated[int, typer.Option(min=1, help='Runs per variant, with seeds from 0 on.')] = 3,
    out: Annotated[
        Path | None, typer.Option(help='Folder for all results; default: experiments/NAME_TASK.')
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help='Runs at once; default: one per two cores.')
    ] = None,
    params: Params = None,
    override: Overrides = None,
    ray: Annotated[
        str,
        typer.Option(help='Address of a Ray cluster that makes the runs, such as 10.0.0.1:6379.'),
    ] = '',
    resources: Annotated[
        str | None,
        typer.Option(
            help='What a run takes of the Ray cluster, such as CPU=4,GPU=0.5; default: CPU=2.'
        ),
    ] = None,
) -> None:
    """
    Train variants of HER with several seeds, and draw their learning curves.

    Each variant is trained with each seed, in a run like those of `train`. The results are
    report.html, results.csv, summary.md and curves. Repeat the command to run what is missing.
    """
    from her_ros.analysis.experiment import experiment as run
    from her_ros.analysis.experiment import ExperimentOptions, list_experiments
    from her_ros.orchestration.prepare import arm_overrides, described
    from her_ros.orchestration.ray_jobs import Cluster, parse_resources
    from her_ros.runtime.errors import HerRosError

    if show_list or not name:
        list_experiments()
        return
    if resources is not None and not ray:
        raise HerRosError('--resources is for a Ray cluster only', 'name the cluster by --ray')
    wanted = 'CPU=2' if resources is None else resources
    cluster = Cluster(ray, parse_resources(wanted)) if ray else None
    overrides = [*arm_overrides(described(arm) if arm else ''), *(override or [])]
    options = ExperimentOptions(name, task, seeds, out, jobs, overrides, params, cluster)
    sys.exit(run(options))
