"""From what a user asks for to a run folder that is ready to be worked in."""

import json
import os
import re
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from her_ros.cli.graph import training_nodes
from her_ros.cli.params import (
    NodesValues,
    complete,
    differences,
    read_file,
    shipped_file,
    to_yaml,
    with_overrides,
)
from her_ros.core.config import ConfigError
from her_ros.core.files import InUse, locked, write_whole
from her_ros.core.ros_environment import checked_namespace, domain_id
from her_ros.core.run_folder import RunFolder, RunFolderError
from her_ros.core.symmetry import check_symmetries
from her_ros.core.task import task_named


@dataclass(frozen=True)
class Run:
    """A run that is ready to start."""

    task: str
    folder: RunFolder
    #: whether the folder held a run already
    resumed: bool

    @property
    def result(self) -> dict[str, Any] | None:
        """What a finished run ended with; None while it is unfinished.

        :raises RunFolderError: if the file that says it is damaged
        """
        path = self.folder.result
        if not path.exists():
            return None
        try:
            result: dict[str, Any] = json.loads(path.read_text('utf-8'))
            if not isinstance(result, dict):
                raise ValueError('it is no object')
        except ValueError as error:
            raise RunFolderError(
                f'{path}: not a readable result ({error}); without the file the run goes on'
            ) from None
        return result


def prepare_run(
    task: str,
    runs: Path = Path('runs'),
    name: str = '',
    new: bool = False,
    params_file: Path | None = None,
    overrides: Sequence[str] = (),
) -> Run:
    """Check everything and make, or find, the run folder with its ``params.yaml``.

    :param name: of the run; empty: the last one of the task, or the first
    :param new: start another one
    :param params_file: ROS parameter file; None: the one shipped for the task
    :param overrides: such as ``trainer.batch_size=128``
    :raises HerRosError: if anything does not fit, before anything was started or changed
    """
    values = values_for(task, params_file, overrides, training_names())
    folder = RunFolder(_run_path(runs / task, name, new))
    resumed = folder.params.exists()
    if resumed:
        check_same(folder, values)
    folder.create()
    if not resumed:
        write_whole(folder.params, to_yaml(values).encode())
    return Run(task, folder, resumed)


def training_names() -> list[str]:
    """Return the names of the nodes that a training starts."""
    return [spec.name for spec in training_nodes('', workers=1, run_dir='any')]


def values_for(
    task: str,
    params_file: Path | None,
    overrides: Sequence[str],
    nodes: Collection[str] = (),
) -> NodesValues:
    """Return all parameters of all nodes, checked.

    :param nodes: those of the command, which overrides may name; empty: all
    :raises HerRosError: if anything does not fit
    """
    path = params_for(task, params_file, nodes)
    values = complete(with_overrides(read_file(path), overrides, nodes))
    _check_task(task, values, 'the overrides', nodes)
    return values


def check_same(folder: RunFolder, values: NodesValues) -> None:
    """Check that a run goes on with the parameters that it began with.

    :raises ConfigError: naming what differs
    """
    if changed := differences(complete(read_file(folder.params)), values):
        raise ConfigError(
            f'{folder.path}: this run has other parameters ({"; ".join(changed)});'
            ' take them back, or start another one with --new, or --out'
        )


def params_for(task: str, params_file: Path | None, nodes: Collection[str] = ()) -> Path:
    """Return the parameter file to use for a task, after checking all of it.

    :param params_file: None: the one shipped for the task
    :param nodes: those of the command, which must be for the task; empty: all
    :raises HerRosError: if there is no such task, or the file is not right or for another task
    """
    task_named(task)
    path = params_file or shipped_file(task)
    _check_task(task, complete(read_file(path)), str(path), nodes)
    return path


def _check_task(task: str, values: NodesValues, origin: str, nodes: Collection[str]) -> None:
    # A file of a run from before there was a node leaves that node's task at its default.
    found = {str(own['task']) for node, own in values.items() if not nodes or node in nodes}
    if wrong := sorted(found - {task}):
        raise ConfigError(f'{origin}: made for task {", ".join(wrong)}, not for {task}')
    names = ('mirror_front_back', 'mirror_left_right', 'horizontal_offset_m')
    used = [values['trainer'][name] for name in names]
    check_symmetries(task, task_named(task).symmetries, *used)


def _run_path(parent: Path, name: str, new: bool) -> Path:
    if name:
        if not re.fullmatch(r'[\w.-]+', name) or name.startswith('.'):
            raise ConfigError(f'run name {name!r}: use letters, digits, _, - and . only')
        if new and (parent / name).exists():
            raise ConfigError(f'{parent / name}: exists already; choose another --name')
        return parent / name
    numbers = [
        int(path.name[4:])
        for path in (parent.iterdir() if parent.is_dir() else ())
        if re.fullmatch(r'run_\d+', path.name)
    ]
    number = max(numbers, default=0)
    if number and not new:
        return parent / f'run_{number:03d}'
    return _claim_next(parent, number + 1)


def _claim_next(parent: Path, number: int) -> Path:
    """Make the folder of a new run; another launcher may be about to do the same."""
    while True:
        path = parent / f'run_{number:03d}'
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise RunFolderError(
                f'{path}: cannot be written ({error.strerror}); choose another folder'
            ) from None
        else:
            return path


@contextmanager
def claimed(run: Run, namespace: str) -> Iterator[None]:
    """Hold the run folder, and the run's ROS namespace on this machine, as long as it runs.

    :raises RunFolderError: if another run holds the folder
    :raises ConfigError: if another run of this user holds the namespace in this ROS domain
    :raises RosEnvironmentError: if namespace or domain are none that ROS takes
    """
    plain, domain = checked_namespace(namespace), domain_id(os.environ)
    name = f'her_ros_{os.getuid()}_{domain}_{plain.replace("/", ".")}.lock'
    with run.folder.locked(), ExitStack() as stack:
        try:
            stack.enter_context(locked(Path(tempfile.gettempdir()) / name, str(run.folder.path)))
        except InUse as holder:
            raise ConfigError(
                f'namespace /{plain} of ROS domain {domain} is in use by {holder};'
                ' name another one for this run, or set another ROS_DOMAIN_ID'
            ) from None
        yield
