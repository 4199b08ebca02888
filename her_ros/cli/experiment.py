"""``her-ros experiment``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import LEARNABLE, Overrides, Params


@app.command(
    short_help='Compare variants by many trainings.',
    epilog=examples(
        'her-ros experiment her --set trainer.max_env_steps=6000',
        'her-ros experiment my_experiment.yaml --seeds 5',
    ),
)
def experiment(
    name: Annotated[
        str, typer.Argument(help='Which one; --list shows them. Or a YAML file of your own.')
    ] = '',
    show_list: Annotated[bool, typer.Option('--list', help='Show what there is.')] = False,
    task: Annotated[str, typer.Option(help=LEARNABLE)] = 'FetchReach',
    seeds: Annotated[int, typer.Option(min=1, help='Runs per arm, with seeds from 0 on.')] = 3,
    out: Annotated[
        Path | None, typer.Option(help='Folder for everything; default: experiments/NAME_TASK.')
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help='Runs at once; default: one per two cores.')
    ] = None,
    params: Params = None,
    override: Overrides = None,
) -> None:
    """Compare members of the HER family by many trainings, and draw their learning curves.

    Every arm of the experiment is trained with every seed, each a run like those of `train`.
    Leaves results.csv, summary.md and curves. The same command again runs what is missing.
    """
    from her_ros.analysis.experiment import Options, list_experiments
    from her_ros.analysis.experiment import experiment as run

    if show_list or not name:
        list_experiments()
        return
    sys.exit(run(Options(name, task, seeds, out, jobs, override or [], params)))
