"""``her-ros experiment``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import LEARNABLE, Overrides, Params


@app.command(
    short_help='Compare variants of training.',
    epilog=examples(
        'her-ros experiment her --set trainer.stop.env_steps=6000',
        'her-ros experiment my_experiment.yaml --seeds 5',
    ),
)
def experiment(
    name: Annotated[
        str, typer.Argument(help='Name of an experiment, see --list, or your own YAML file.')
    ] = '',
    show_list: Annotated[bool, typer.Option('--list', help='List the experiments.')] = False,
    task: Annotated[str, typer.Option(help=LEARNABLE)] = 'FetchReach',
    seeds: Annotated[int, typer.Option(min=1, help='Runs per variant, with seeds from 0 on.')] = 3,
    out: Annotated[
        Path | None, typer.Option(help='Folder for all results; default: experiments/NAME_TASK.')
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help='Runs at once; default: one per two cores.')
    ] = None,
    params: Params = None,
    override: Overrides = None,
) -> None:
    """Train variants of HER with several seeds, and draw their learning curves.

    Each variant is trained with each seed, in a run like those of `train`. The results are
    results.csv, summary.md and curves. Repeat the command to run what is missing.
    """
    from her_ros.analysis.experiment import ExperimentOptions, list_experiments
    from her_ros.analysis.experiment import experiment as run

    if show_list or not name:
        list_experiments()
        return
    sys.exit(run(ExperimentOptions(name, task, seeds, out, jobs, override or [], params)))
