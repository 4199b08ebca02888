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

"""Turn the options of a user into a run folder that is ready for training."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, ExitStack
from dataclasses import dataclass, field, replace
import json
import os
from pathlib import Path
import re
import tempfile
from typing import Any

from her_ros.arms.placement import placement_of
from her_ros.arms.registry import arm_named, with_workspace
from her_ros.config.files import complete, differences, NodesValues, read_file, to_yaml
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.config.run_parameters import check_same, params_for, renew_names, values_for
from her_ros.config.schema import ConfigError, configured
from her_ros.orchestration.graph import NodeSpec, training_nodes
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import InUse, locked, write_whole
from her_ros.runtime.ros_environment import checked_namespace, domain_id
from her_ros.runtime.run_folder import RunFolder, RunFolderError
from her_ros.runtime.run_result import read_result
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named

# Parameters that may change in a resumed run: training results do not depend on them.
_STOP_RULE = tuple(
    f'trainer.{name}' for name in ('stop.env_steps', 'stop.success_rate', 'stop.evaluations')
)


@dataclass(frozen=True)
class Run:
    """A run that is ready to start."""

    task: str
    folder: RunFolder
    #: whether the folder held a run already
    resumed: bool
    #: parameters with another stop rule, applied by :func:`extended`; None: unchanged
    extension: NodesValues | None = field(default=None, compare=False)

    @property
    def result(self) -> dict[str, Any] | None:
        """
        Return the result of a finished run; None while it is unfinished.

        :raises RunFolderError: if the result file is damaged
        """
        path = self.folder.result
        if self.extension is not None or not path.exists():
            return None
        return read_result(path)


def prepare_run(
    task: str,
    runs: Path = Path('runs'),
    name: str = '',
    new: bool = False,
    params_file: Path | None = None,
    overrides: Sequence[str] = (),
    may_extend: bool = True,
) -> Run:
    """
    Check everything and make, or find, the run folder with its ``params.yaml``.

    A run goes on with the parameters that it began with; only its stop rule may change.

    :param name: of the run; empty: the last one of the task, or the first
    :param new: start another one
    :param params_file: ROS parameter file; None: the run's own, or the one shipped for the task
    :param overrides: such as ``trainer.batch_size=128``
    :param may_extend: whether the stop rule may be another one than the run began with; not in
        an experiment
    :raises HerRosError: if an option is invalid, before anything is started or changed
    """
    values = checked_values(task, params_file, overrides, training_names())
    folder = _present_run(runs / task, name, new)
    if folder is None or not folder.params.exists():
        check_new(task, values)
        folder = folder or RunFolder(_claim_next(runs / task))
        folder.create()
        write_whole(folder.params, to_yaml(values).encode())
        return Run(task, folder, resumed=False)
    renew_names(folder)
    values = checked_values(task, params_file or folder.params, overrides, training_names())
    if may_extend:
        changed = check_same(folder, values, 'start another run with --new', _STOP_RULE)
    else:
        changed = check_same(folder, values, 'name another folder with --out')
    if not folder.checkpoint.exists():
        _check_start(task, values)
    run = Run(task, folder, resumed=True, extension=values if changed else None)
    if run.result is None:
        find_models(task_named(task, values['policy']['arm']))
    folder.create()
    return run


def check_new(task: str, values: NodesValues) -> None:
    """
    Check what a new run needs beside valid parameters.

    :raises HerRosError: if there is nothing to start from, or a model is missing
    """
    _check_start(task, values)
    find_models(task_named(task, values['policy']['arm']))


def find_models(task: GoalTask) -> None:
    """
    Find the models of a task's arm, and download them once, before several nodes would.

    :raises ArmError: if one is missing
    """
    if not task.arm:
        return
    # Needs mujoco, which a policy alone does without.
    from her_ros.arms.model_files import model_path

    description = placement_of(task).description
    for source in filter(None, (description.model.source, description.model.gripper)):
        model_path(source, description.folder)


def start_override(path: Path | None) -> list[str]:
    """
    Return the override by which the trainer starts from a policy file or a run folder.

    :param path: None: no override
    """
    # Overrides are parsed as YAML, see :func:`arm_overrides`.
    text = json.dumps(str(path), ensure_ascii=False)
    return [] if path is None else [f'trainer.start_from={text}']


def _check_start(task: str, values: NodesValues) -> None:
    """Check that a training can start from what ``trainer.start_from`` names."""
    own = values['trainer']
    if not own['start_from']:
        return
    # Imported only here: it needs torch, which is slow to load.
    from her_ros.learning.training.warm_start import check_start

    parameters = configured(TrainerParameters, 'trainer', own)
    check_start(with_workspace(task_named(task, own['arm'])), parameters)


def extended(run: Run) -> Run:
    """Apply another stop rule to a locked run, so that a finished run continues."""
    if run.extension is None:
        return run
    write_whole(run.folder.params, to_yaml(run.extension).encode())
    run.folder.result.unlink(missing_ok=True)
    return replace(run, extension=None)


def described(arm: str) -> str:
    """
    Check that an arm is described; return its name, or the absolute path of its description.

    :raises ArmError: if there is no such arm, or its description has a fault
    """
    description = arm_named(arm)
    is_path = arm not in (description.name, '')
    return str(Path(arm).absolute()) if is_path else arm


def arm_overrides(arm: str, accept: bool = False) -> list[str]:
    """
    Return the overrides that give all nodes an arm.

    :param arm: name of an arm, or path of its description; empty: that of the parameters
    :param accept: whether to act with a policy that was trained on another arm
    """
    # Overrides are parsed as YAML, a superset of JSON: a path may contain ': ' or ' #'.
    chosen = [f'arm={json.dumps(arm, ensure_ascii=False)}'] if arm else []
    return [*chosen, *['policy.accept_arm=true'] * accept]


def checked_values(
    task: str,
    params_file: Path | None,
    overrides: Sequence[str],
    nodes: Collection[str] = (),
) -> NodesValues:
    """
    Return all parameters of all nodes after checking them and the arm.

    The path of a description becomes absolute. Parameters are those of
    :func:`her_ros.config.run_parameters.values_for`.

    :raises HerRosError: if anything does not fit
    """
    values = values_for(task, params_file, overrides, nodes)
    if arm := task_named(task, values['policy']['arm']).arm:
        checked = described(arm)
        for own in values.values():
            own['arm'] = checked if own['arm'] == arm else own['arm']
    return values


def checked_params(task: str, params_file: Path | None) -> Path:
    """
    Return the parameter file to use for a task, after checking all of it and the arm.

    :param params_file: None: the one shipped for the task
    :raises HerRosError: if anything does not fit
    """
    path = params_for(task, params_file)
    checked_values(task, path, ())
    return path


def with_values(
    nodes: Sequence[NodeSpec], params_file: Path, values: NodesValues
) -> list[NodeSpec]:
    """
    Return nodes with the parameters that differ from those of a file.

    :param params_file: the nodes read it
    :param values: parameters of all nodes; those that a node has already stay
    """
    changed: NodesValues = {node.name: {} for node in nodes}
    for each in differences(complete(read_file(params_file)), values):
        node, _, name = each.name.partition('.')
        changed.setdefault(node, {})[name] = each.new
    return [replace(node, parameters={**changed[node.name], **node.parameters}) for node in nodes]


def training_names() -> list[str]:
    """Return the names of the nodes that a training starts."""
    return [spec.name for spec in training_nodes('', workers=1, run_dir='any')]


def _present_run(parent: Path, name: str, new: bool) -> RunFolder | None:
    """Return the folder of the named run, or of the last one; None: the next free folder."""
    if name:
        if not re.fullmatch(r'[\w.-]+', name) or name.startswith('.'):
            raise ConfigError(
                f'run name {name!r}', 'use letters, digits, _, - and . only; no . at the beginning'
            )
        if new and (parent / name).exists():
            raise ConfigError('exists already', 'choose another --name', source=parent / name)
        return RunFolder(parent / name)
    number = _last_number(parent)
    return RunFolder(parent / f'run_{number:03d}') if number and not new else None


def _last_number(parent: Path) -> int:
    """Return the number of the last run that was not named; 0: there is none."""
    numbers = [
        int(path.name[4:])
        for path in (parent.iterdir() if parent.is_dir() else ())
        if re.fullmatch(r'run_\d+', path.name)
    ]
    return max(numbers, default=0)


def _claim_next(parent: Path) -> Path:
    """Make the folder of a new run; another launcher may do the same concurrently."""
    number = _last_number(parent) + 1
    while True:
        path = parent / f'run_{number:03d}'
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise RunFolderError(
                f'cannot be written ({error.strerror})', 'choose another folder', source=path
            ) from None
        else:
            return path


@contextmanager
def removed_if_refused(folder: RunFolder, is_new: bool) -> Iterator[None]:
    """
    Remove an unused run folder again if what follows refuses to start the run.

    :param is_new: whether this command has made the folder
    """
    try:
        yield
    except HerRosError:
        if is_new:
            folder.remove_if_unused()
        raise


@contextmanager
def claimed(run: Run, namespace: str) -> Iterator[None]:
    """
    Lock the run folder, and the run's ROS namespace on this machine, for the run's duration.

    :raises RunFolderError: if another run holds the folder
    :raises ConfigError: if another run of this user holds the namespace in this ROS domain
    :raises RosEnvironmentError: if ROS does not accept namespace or domain
    """
    plain, domain = checked_namespace(namespace), domain_id(os.environ)
    name = f'her_ros_{os.getuid()}_{domain}_{plain.replace("/", ".")}.lock'
    with run.folder.locked(), ExitStack() as stack:
        try:
            stack.enter_context(locked(Path(tempfile.gettempdir()) / name, str(run.folder.path)))
        except InUse as holder:
            raise ConfigError(
                f'namespace /{plain} of ROS domain {domain} is in use by {holder}',
                'name another one for this run, or set another ROS_DOMAIN_ID',
            ) from None
        yield
