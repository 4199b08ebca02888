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

"""
``her-ros experiment``: make the runs of a comparison, then its table, curves and summary.

Every run is a ``her-ros train`` process with a run folder like any other, so the comparison
measures what users get, topics and bags included. Parallel runs share the processors, so their
wall clock time means less than their env steps.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
import hashlib
import os
from pathlib import Path
import re
import sys
import time

from her_ros.analysis.experiment_file import EXPERIMENT_FILE, is_experiment_file, read_experiment
from her_ros.analysis.experiments import Experiment, experiment_named, EXPERIMENTS
from her_ros.analysis.report import TABLE, write_report
from her_ros.analysis.results import rows_of, write_table
from her_ros.analysis.run_progress import progress_of
from her_ros.analysis.run_report.experiment import write_experiment_report
from her_ros.analysis.run_report.source import RunSource
from her_ros.analysis.run_report.write import REPORT
from her_ros.config.files import shipped_file
from her_ros.config.schema import ConfigError
from her_ros.orchestration.jobs import Job, run_jobs
from her_ros.orchestration.prepare import (
    check_new,
    checked_values,
    prepare_run,
    Run,
    training_names,
)
from her_ros.orchestration.progress import Progress
from her_ros.orchestration.ray_jobs import Cluster, connected, run_ray_jobs
from her_ros.runtime.files import InUse, locked, write_whole
from her_ros.runtime.output import fitted
from her_ros.runtime.ros_environment import check_ros_environment
from her_ros.runtime.run_folder import RunFolder, RunFolderError
from rich.console import Console
from rich.table import Table

# The nodes of one run keep two cores busy. A ROS domain has room for about 120 participants of one
# machine, and a run takes six of them.
_CORES_PER_RUN, _MOST_AT_ONCE = 2, 16
# Between two looks at how far the runs are, seconds.
_LOOK_S = 5.0


@dataclass(frozen=True)
class ExperimentOptions:
    """Options of ``her-ros experiment``."""

    #: of an experiment, or of a file that describes one
    name: str
    task: str
    seeds: int
    out: Path | None
    #: runs at once; None: as many as the cores allow
    jobs: int | None
    #: for all variants alike
    overrides: Sequence[str]
    #: likewise; None: the file shipped for the task
    params_file: Path | None = None
    #: cluster that makes the runs; None: this machine
    cluster: Cluster | None = None

    @property
    def folder(self) -> Path:
        """Folder of the experiment."""
        return self.out or Path('experiments') / f'{self.name}_{self.task}'


def list_experiments() -> None:
    """Print the built-in experiments."""
    table = Table('experiment', 'compares', 'variants', 'runs of 3 seeds')
    for each in EXPERIMENTS:
        variants = ', '.join(variant.name for variant in each.variants)
        table.add_row(each.name, each.question, variants, str(3 * len(each.variants)))
    Console(markup=False, highlight=False).print(table)


def experiment(options: ExperimentOptions) -> int:
    """
    Run all runs that have not finished, and report; return the exit status.

    :return: 0 if all runs have finished, 1 if some failed, 130 after Ctrl-C
    """
    console = Console(markup=False, highlight=False, soft_wrap=True)

    def say(line: str) -> None:
        console.print(fitted(line, console.width) if console.is_terminal else line)

    check_ros_environment(os.environ, own_log_folder=True)
    file = Path(options.name) if is_experiment_file(options.name) else None
    chosen = experiment_named(options.name) if file is None else read_experiment(file)
    options = replace(options, name=chosen.name)
    folder = options.folder
    _check(chosen, options)
    cluster = options.cluster
    with ExitStack() as stack:
        # First of all: a cluster that cannot be used leaves no folder.
        on_ray = None if cluster is None else stack.enter_context(connected(cluster))
        _claim(folder, stack)
        if file is not None:
            # For the report.
            write_whole(folder / EXPERIMENT_FILE, file.read_bytes())
        jobs = planned(chosen, options)
        unfinished = [job for job in jobs if job.run.result is None]
        at_once = options.jobs or (jobs_allowed() if cluster is None else None)
        place = f'{at_once} at once' if cluster is None else f'on Ray at {cluster.address}'
        say(f'{folder}: {len(jobs)} runs, {len(jobs) - len(unfinished)} finished already, {place}')
        watch = Watch(jobs)
        with Progress('experiment', len(jobs), done=sum(watch.shares())) as progress:
            look = partial(watch.look, progress)
            if on_ray is None:
                interrupted = run_jobs(unfinished, at_once or 1, say, look, watch.end)
            else:
                interrupted = run_ray_jobs(unfinished, on_ray, at_once, say, look, watch.end)
        status = _report(chosen, options.task, folder, console)
    if interrupted:
        console.print('stopped; the same command goes on from here')
        return 130
    return max(status, int(any(job.run.result is None for job in jobs)))


def jobs_allowed() -> int:
    """Return how many runs the cores of this process bear at once."""
    cores = len(os.sched_getaffinity(0))
    return min(_MOST_AT_ONCE, max(1, cores // _CORES_PER_RUN))


class Watch:
    """
    How much of the runs is done: of unfinished ones, by their checkpoints and rollouts.

    :param jobs: all runs, whose folders were made
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs, self._look_at = jobs, 0.0
        sources = [RunSource(job.run.folder) for job in jobs]
        self._limits = [int(source.trainer['stop.env_steps']) for source in sources]
        self._steps_per_bag = [
            int(source.values['sim_env']['num_envs']) * source.task.episode_length
            for source in sources
        ]
        self._failed: set[str] = set()

    def shares(self) -> list[float]:
        """Return how much of each run is done, from 0 to 1."""
        return [
            self._share(*each)
            for each in zip(self._jobs, self._limits, self._steps_per_bag, strict=True)
        ]

    def _share(self, job: Job, limit: int, steps_per_bag: int) -> float:
        if job.run.result is not None or job.name in self._failed:
            return 1.0
        folder = job.run.folder
        # A minute may pass between two checkpoints; a bag is written after every rollout.
        recorded = steps_per_bag * len([*folder.bags.glob('*.mcap')])
        return min(0.99, max(progress_of(folder).env_steps, recorded) / limit)

    def end(self, job: Job) -> None:
        """Take note of a run that has ended; of a failed one nothing is left to do for now."""
        if job.run.result is None:
            self._failed.add(job.name)
        self._look_at = 0.0

    def look(self, progress: Progress) -> None:
        """Show how much is done, every few seconds."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_S
        shares = self.shares()
        failed = len(self._failed)
        finished = f'{shares.count(1.0) - failed} of {len(shares)}'
        progress.update(
            sum(shares), f'{finished}, {failed} failed' if failed else f'{finished} runs'
        )


def _check(chosen: Experiment, options: ExperimentOptions) -> None:
    """
    Check every variant before anything is made.

    :raises HerRosError: naming the first variant that does not fit
    """
    names = training_names()
    is_new = not options.folder.exists()
    checked_values(options.task, options.params_file, options.overrides, names)
    for variant in chosen.variants:
        try:
            overrides = (*options.overrides, *variant.overrides)
            values = checked_values(options.task, options.params_file, overrides, names)
            if is_new:
                check_new(options.task, values)
        except ConfigError as error:
            source = f'experiment {chosen.name}, variant {variant.name}'
            raise ConfigError.of(error, source) from None


def _claim(folder: Path, stack: ExitStack) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'log').mkdir(exist_ok=True)
        stack.enter_context(locked(folder / 'lock', str(os.getpid())))
    except InUse as holder:
        raise RunFolderError(
            f'in use by process {holder}',
            'wait for it, stop it, or choose another --out',
            source=folder,
        ) from None
    except OSError as error:
        raise RunFolderError(
            f'cannot be written ({error.strerror})', 'choose another --out', source=folder
        ) from None


def planned(chosen: Experiment, options: ExperimentOptions) -> list[Job]:
    """
    Make, or find, the folders of all runs; the first seed of every variant comes first.

    :raises HerRosError: if a run was begun with other parameters
    """
    jobs = []
    runs = options.folder / 'runs'
    # Of its folder, as two folders may hold the same experiment, and both be under way.
    place = hashlib.sha256(str(options.folder.resolve()).encode()).hexdigest()[:8]
    for seed in range(options.seeds):
        for variant in chosen.variants:
            name = f'{variant.name}_seed_{seed}'
            namespace = f'experiment_{place}/{name}'
            # Those of the variant come last; those of the user are the same for all variants.
            overrides = (*options.overrides, *variant.overrides, f'seed={seed}')
            command = [
                sys.executable, '-P', '-m', 'her_ros.cli.main', 'train', '--task', options.task,
                '--runs', str(runs), '--name', name,
                '--namespace', namespace, '--no-report',
            ]  # fmt: skip
            if options.params_file is not None:
                command += ['--params', str(options.params_file)]
            for override in overrides:
                command += ['--set', override]
            run = prepare_run(
                options.task,
                runs,
                name,
                # Not what the run began with: all runs of a table are made alike.
                params_file=options.params_file or shipped_file(options.task),
                overrides=overrides,
                may_extend=False,
            )
            log = options.folder / 'log' / f'{name}.log'
            jobs.append(Job(name, run, tuple(command), log, namespace))
    return jobs


def _report(chosen: Experiment, task: str, folder: Path, console: Console) -> int:
    """Gather all runs of the folder that have finished, also of seeds not asked for now."""
    order = {variant.name: number for number, variant in enumerate(chosen.variants)}
    found = []
    for path in (folder / 'runs' / task).iterdir():
        match = re.fullmatch(r'(\w+)_seed_\d+', path.name)
        result = Run(task, RunFolder(path), resumed=True).result
        if match and match[1] in order and result is not None:
            found.append((match[1], result))
    if not found:
        console.print(f'{folder}: no run has finished, so there is nothing to report')
        return 1
    found.sort(key=lambda each: (order[each[0]], each[1]['seed']))
    rows = [row for variant, result in found for row in rows_of(chosen.name, variant, result)]
    write_table(folder / TABLE, rows)
    page = write_experiment_report(folder, folder / REPORT)
    for written in (folder / TABLE, *write_report(folder), page):
        console.print(f'  {written}')
    return 0
