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

"""``her-ros worker``: a worker that joins a run, also from another machine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
import math
import os
from pathlib import Path
import secrets
from socket import gethostname
from typing import NamedTuple, TYPE_CHECKING

from her_ros import __version__
from her_ros.arms.digest import arm_digest
from her_ros.arms.registry import arm_named
from her_ros.config.files import read_run_file
from her_ros.config.run_parameters import renew_names
from her_ros.orchestration.dds_environment import (
    discovery_server,
    is_open,
    member_environment,
)
from her_ros.orchestration.discovery_server import check_server
from her_ros.orchestration.graph import FIRST_JOINED, joined_nodes, MOST_JOINED
from her_ros.orchestration.prepare import Run
from her_ros.orchestration.session import supervise
from her_ros.runtime.files import sha256, write_whole
from her_ros.runtime.join_file import JoinError, JoinFile, read_join_file
from her_ros.runtime.ros_environment import check_ros_environment, checked_namespace, domain_id
from her_ros.runtime.run_folder import RoleTaken, RunFolder
from her_ros.tasks.registry import task_named
from rich.console import Console

if TYPE_CHECKING:
    from her_ros.orchestration.members import Members
    from her_ros.view.display import Display

# Clocks that differ by more are reported, seconds; the stamps of bags would disagree.
_CLOCK_TOLERANCE_S = 1.0
# Packages whose versions all workers of a run must have in common.
_PACKAGES = ('mujoco', 'mujoco-menagerie', 'gymnasium-robotics')


class Options(NamedTuple):
    """Options of the command."""

    #: folder of the run, or a folder with a copy of its ``join.json``
    join: Path
    #: of the physics; None: as in the parameters of the run
    threads: int | None
    #: address of the discovery server of Fast DDS; empty: the one of the run
    discovery_server: str


def write_join_file(run: Run, namespace: str) -> None:
    """
    Write the run's ``join.json`` for workers on other machines.

    Call it with the environment in which the run's nodes start.
    """
    folder, environ = run.folder, os.environ
    JoinFile(
        folder.identity,
        run.task,
        checked_namespace(namespace),
        domain_id(environ),
        gethostname(),
        is_open(),
        environ.get('ROS_DISCOVERY_SERVER', ''),
        environ.get('RMW_IMPLEMENTATION', ''),
        _versions(),
        _digests(run.task, folder.params),
        folder.params.read_text('utf-8'),
    ).write(folder.join)


def work(options: Options) -> int:
    """
    Simulate for a run until it has finished or the user interrupts; return the exit status.

    :raises HerRosError: if the run cannot be joined, before anything is started
    """
    console = Console(markup=False)  # a path may hold brackets
    check_ros_environment(os.environ, own_log_folder=True)
    folder = RunFolder(options.join)
    run = read_join_file(folder.join)
    is_shared = folder.bags.is_dir()
    _check(run, folder, options.discovery_server)
    if is_shared and folder.result.exists():
        console.print(f'{folder.path}: finished already', soft_wrap=True)
        return 0
    server = options.discovery_server or run.discovery_server
    os.environ.update(
        member_environment(run.domain, run.middleware, run.is_open, server, run.host)
    )
    check_ros_environment(os.environ, own_log_folder=True)
    if server:
        check_server(discovery_server(server)['ROS_DISCOVERY_SERVER'])
    if not is_shared:
        _complete(folder, run)
    _check_same_task(run, folder)
    members = _members(run, folder, needs_recorder=not is_shared)
    if note := clock_note(members.clock_ahead_s, members.trainer_host):
        console.print(note, soft_wrap=True)
    with _number(folder, None if is_shared else members.free_recorders()) as number:
        if not is_shared:
            # The counts of this number's starts on other machines are not here.
            for role in ('sim_env', 'policy'):
                folder.set_first_count(role, number, secrets.randbelow(10**6))
        console.print(
            f'worker {number} of {run.task} on {run.host}; logs in {folder.log}', soft_wrap=True
        )
        interrupted = supervise(
            joined_nodes(run.namespace, number, str(folder.path), options.threads, is_shared),
            folder,
            lambda console: _display(run, number, console),
            console,
            lambda: is_shared and folder.result.exists(),
        )
    console.print('left the run' if interrupted else 'the run has finished')
    return 0


def _check(run: JoinFile, folder: RunFolder, server: str) -> None:
    """
    Check that this machine can have a member of the run.

    :raises JoinError: if its package versions differ, or its nodes cannot be found from here
    :raises TaskError: if its task is not known here
    """
    task_named(run.task)
    own = _versions()
    for package, wanted in run.versions.items():
        if package in own and own[package] != wanted:
            raise JoinError(
                f'the run uses {package} {wanted}, and here is {own[package]}',
                'install the same version here',
                source=folder.join,
            )
    if run.host != gethostname() and not (run.is_open or server):
        raise JoinError(
            f'the run can only be found on its own machine, {run.host}',
            'stop it, and go on with ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET or --discovery-server',
            source=folder.join,
        )


def _versions() -> dict[str, str]:
    found = {'her_ros': __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # installed by other means
            continue
    return found


def _digests(task: str, params: Path) -> dict[str, str]:
    """
    Return digests of a task and, if it has one, of its arm.

    :param params: parameter file of the run, which names the arm
    :raises HerRosError: if the task is not known here, or the arm not described
    """
    found = task_named(task, read_run_file(params)['policy'].get('arm', ''))
    # Symmetries matter to the learner alone, and the arm may have another path here.
    plain = replace(found, symmetries=None, arm='', workspace=())
    digests = {'task': sha256(repr(plain).encode())}
    if found.arm:
        digests['arm'] = arm_digest(arm_named(found.arm))
    return digests


def _check_same_task(run: JoinFile, folder: RunFolder) -> None:
    """
    Check that task and arm are here what they are at the run.

    :raises JoinError: naming what differs
    """
    own = _digests(run.task, folder.params)
    for what, digest in run.digests.items():
        if own.get(what) != digest:
            raise JoinError(
                f'the {what} of {run.task} is another one here than at {run.host}',
                f'copy the description of the {what}, and its model files, from there',
                source=folder.join,
            )


def _complete(folder: RunFolder, run: JoinFile) -> None:
    """Add to a copy of ``join.json`` what nodes look for in a run folder."""
    folder.adopt(run.identity)
    write_whole(folder.params, run.parameters.encode())
    renew_names(folder)


def _members(run: JoinFile, folder: RunFolder, needs_recorder: bool) -> 'Members':
    """
    Listen for the nodes of the run.

    :raises JoinError: if the trainer is not heard
    """
    from her_ros.orchestration.members import listen

    members = listen(run.namespace, needs_recorder)
    if not members.trainer_host:
        way = os.environ.get('ROS_DISCOVERY_SERVER') or os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE']
        raise JoinError(
            f'nothing heard of the trainer /{run.namespace}/trainer in ROS domain {run.domain}'
            f' through {way}',
            f'see that the run goes on at {run.host}, and that the network lets UDP pass, with'
            ' multicast or with a discovery server that runs',
            source=folder.join,
        )
    return members


def clock_note(ahead_s: float, host: str) -> str:
    """
    Return a warning about different clocks; empty if they agree.

    :param ahead_s: how far the clock of the host is ahead of ours, seconds; -inf: not known
    """
    if abs(ahead_s) <= _CLOCK_TOLERANCE_S or not math.isfinite(ahead_s):
        return ''
    side = 'ahead of' if ahead_s > 0 else 'behind'
    return (
        f'the clock of {host} is {abs(ahead_s):.0f} s {side} the one here; stamps in bags and logs'
        ' will disagree; set both clocks by NTP'
    )


@contextmanager
def _number(folder: RunFolder, recorders: Sequence[int] | None) -> Iterator[int]:
    """
    Hold a number that no other worker of the run has.

    :param recorders: numbers of recorders without an environment; None: the folder is shared, and
        the worker has a recorder of its own
    :raises JoinError: if there is none
    """
    for number in (
        range(FIRST_JOINED, FIRST_JOINED + MOST_JOINED) if recorders is None else recorders
    ):
        try:
            if recorders is None:
                # It may belong to a worker without the folder.
                folder.hold('recorder', number, patience_s=0.0).close()
            held = folder.hold('worker', number, patience_s=0.0)
        except RoleTaken:
            continue
        with held:
            yield number
        return
    if recorders is None:
        raise JoinError(
            f'all {MOST_JOINED} numbers are taken', 'stop a worker that joined before', folder.path
        )
    raise JoinError(
        'the run has no free recorder, and its bags/ is not here',
        'start the run with --recorders, or name its folder if it is shared',
        source=folder.path,
    )


def _display(run: JoinFile, number: int, console: Console) -> 'Display':
    from her_ros.view.simulation_display import SimulationDisplay

    return SimulationDisplay(
        f'{run.task}, worker {number}', run.namespace, console, f'worker_{number}'
    )
