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

"""``her-ros train``: prepare a run folder, supervise the training, print its result."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
import os
from pathlib import Path
import shlex
from typing import Any, TYPE_CHECKING

from her_ros.config.files import read_run_file
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.config.schema import configured
from her_ros.orchestration.dds_environment import discovery_server
from her_ros.orchestration.discovery_server import running_server
from her_ros.orchestration.graph import training_nodes
from her_ros.orchestration.prepare import claimed, extended, prepare_run, removed_if_refused, Run
from her_ros.orchestration.session import supervise
from her_ros.orchestration.worker import write_join_file
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.process import end_at_signals
from her_ros.runtime.ros_environment import check_ros_environment, checked_namespace
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.run_result import is_solved
from her_ros.runtime.torchrun import is_restarted, rank_and_count
from rich.console import Console

if TYPE_CHECKING:
    from her_ros.view.display import Display

_SERVER_LOG = 'discovery_server.log'


def train(
    task: str,
    runs: Path,
    name: str,
    new: bool,
    params_file: Path | None,
    overrides: Sequence[str],
    workers: int,
    namespace: str,
    write_report: Callable[[RunFolder], str] | None = None,
    recorders: int = 0,
    server: str = '',
) -> int:
    """
    Train until the stop rule ends the run; return the exit status.

    :param recorders: number of recorders for workers that join without the run folder
    :param server: address of a discovery server of Fast DDS; empty: none
    :param write_report: writes a report of the finished run; returns its path, or why there is
        none
    :return: 0 if the task is solved, also by a run that has finished already; 1 if the limit came
        first, but 0 for several processes of torchrun, which takes 1 for a failure; 130
        after Ctrl-C
    """
    rank, ranks = rank_and_count()
    if rank > 0:
        end_at_signals()  # nothing is lost before the processes have found each other
        # Imported only here: it needs torch, which is slow to load.
        from her_ros.orchestration.train_ranks import follow_trainer

        return follow_trainer()
    if new and is_restarted():
        raise HerRosError(
            '--new would begin another training, now that torchrun has started this one again',
            'give --name without --new, which goes on with the run',
        )
    console = Console(markup=False)  # a path may hold brackets
    if server:
        os.environ.update(discovery_server(server))
    check_ros_environment(os.environ, own_log_folder=True)
    checked_namespace(namespace)
    run = prepare_run(task, runs, name, new, params_file, overrides)
    if run.result is not None:
        console.print(
            f'{run.folder.path}: finished already; --new starts another run, and'
            ' --set trainer.stop.env_steps=… or another stop rule goes on with this one',
            soft_wrap=True,
        )
        if ranks > 1:
            from her_ros.orchestration.train_ranks import release_followers

            release_followers()
        return _report(console, run, run.result)
    with ExitStack() as stack:
        with removed_if_refused(run.folder, is_new=not run.resumed), ExitStack() as begun:
            begun.enter_context(claimed(run, namespace))
            note = begun.enter_context(running_server(server, run.folder.log / _SERVER_LOG))
            stack.enter_context(begun.pop_all())
        if note:
            console.print(note, soft_wrap=True)
        run = extended(run)
        write_join_file(run, namespace)
        console.print(
            f'{"resuming" if run.resumed else "starting"} {run.folder.path}', soft_wrap=True
        )
        nodes = training_nodes(namespace, workers, str(run.folder.path), recorders, ranks)
        interrupted = supervise(
            nodes, run.folder, lambda console: _display(run, namespace, console), console
        )
    result = run.result
    if result is None:
        resume = _resuming(run, runs, workers, namespace, recorders, server)
        console.print(f'stopped; `{resume}` goes on from here', soft_wrap=True)
        return 130 if interrupted else 1
    status = _report(console, run, result)
    if write_report is not None:
        console.print(f'  report      {write_report(run.folder)}', highlight=False, soft_wrap=True)
    return status


def _resuming(
    run: Run, runs: Path, workers: int, namespace: str, recorders: int, server: str
) -> str:
    """Return the command that resumes a run; its parameters are in its folder."""
    words = ['train', '--task', run.task, '--name', run.folder.path.name]
    if runs != Path('runs'):
        words += ['--runs', str(runs)]
    if workers != 1:
        words += ['--workers', str(workers)]
    if namespace != 'her_ros':
        words += ['--namespace', namespace]
    if recorders:
        words += ['--recorders', str(recorders)]
    if server:
        words += ['--discovery-server', server]
    program = 'her-ros' if rank_and_count()[1] == 1 else 'torchrun … -m her_ros.cli.main'
    return f'{program} {shlex.join(words)}'


def _display(run: Run, namespace: str, console: Console) -> 'Display':
    from her_ros.view.display import Display
    from her_ros.view.training_progress import StopRule

    values = read_run_file(run.folder.params)['trainer']
    parameters = configured(TrainerParameters, 'trainer', values)
    stop = StopRule(
        parameters.stop_success_rate, parameters.stop_evaluations, parameters.stop_env_steps
    )
    return Display(f'{run.task}, {run.folder.path.name}', namespace, console, stop)


def _report(console: Console, run: Run, result: dict[str, Any]) -> int:
    solved = is_solved(result)
    state = 'solved' if solved else 'not solved within its limit'
    folder = run.folder
    console.print(
        f'{run.task}: {state}; success {result["success_rate"]:.2f} (best'
        f' {result["best_success_rate"]:.2f}) after {result["env_steps"]} env steps,'
        f' {result["updates"]} updates, {result["wall_s"]} s\n'
        f'  policy      {folder.policy}\n  bags        {folder.bags}\n'
        f'  log         {folder.log}\n  checkpoint  {folder.checkpoint}',
        highlight=False,
        soft_wrap=True,
    )
    # torchrun reports any other status as a failure, and may start the training again.
    return 0 if solved or rank_and_count()[1] > 1 else 1
