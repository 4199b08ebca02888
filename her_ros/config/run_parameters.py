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

"""Combine task, parameter file and overrides into checked parameters of all nodes of a run."""

from collections.abc import Collection, Sequence
from pathlib import Path

from her_ros.config.files import (
    complete,
    differences,
    NodesValues,
    read_file,
    read_run_file,
    shipped_file,
    to_yaml,
    with_overrides,
)
from her_ros.config.renamed import RENAMED_NODES
from her_ros.config.schema import ConfigError
from her_ros.runtime.files import write_whole
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.disturbances import DisturbanceError, parse_disturbances
from her_ros.tasks.registry import task_named
from her_ros.tasks.symmetry import check_symmetries


def values_for(
    task: str,
    params_file: Path | None,
    overrides: Sequence[str],
    nodes: Collection[str] = (),
) -> NodesValues:
    """
    Return all parameters of all nodes, checked.

    :param nodes: those of the command, which overrides may name; empty: all
    :raises HerRosError: if anything does not fit
    """
    path = params_for(task, params_file, nodes)
    values = complete(with_overrides(read_file(path), overrides, nodes))
    _check_task(task, values, 'the overrides', nodes)
    if source := values['trainer']['start_from']:
        # A run may be resumed in another working folder.
        values['trainer']['start_from'] = str(Path(source).absolute())
    return values


def check_same(
    folder: RunFolder, values: NodesValues, cure: str, changeable: Collection[str] = ()
) -> bool:
    """
    Check that a run goes on with the parameters that it began with.

    :param cure: what to do instead
    :param changeable: parameters that may differ, such as ``trainer.stop.env_steps``
    :return: whether any of these differ
    :raises ConfigError: naming what else differs
    """
    changed = differences(complete(read_run_file(folder.params)), values)
    if wrong := [str(each) for each in changed if each.name not in changeable]:
        may = f' (only {", ".join(changeable)} may change)' if changeable else ''
        raise ConfigError(
            f'this run has other parameters ({"; ".join(wrong)})',
            f'take them back{may}, or {cure}',
            source=folder.path,
        )
    return bool(changed)


def renew_names(folder: RunFolder) -> None:
    """
    Replace earlier names in the parameter file and in the start counts of a run.

    The nodes read both themselves and know only the present names.

    :raises ConfigError: if anything else in the file is not right
    :raises RunFolderError: if the start counts cannot be renamed
    """
    try:
        read_file(folder.params)
    except ConfigError:
        write_whole(folder.params, to_yaml(read_run_file(folder.params)).encode())
    for earlier, present in RENAMED_NODES.items():
        folder.rename_role(earlier, present)


def params_for(task: str, params_file: Path | None, nodes: Collection[str] = ()) -> Path:
    """
    Return the parameter file to use for a task, after checking all of it.

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
        raise ConfigError(
            f'made for task {", ".join(wrong)}, not for {task}',
            f'start from config/{task}.yaml, or change its task',
            origin,
        )
    disturbed = values['sim_env']['disturb']
    if 'trainer' in nodes and disturbed and values['trainer']['truth'] == 'none':
        raise ConfigError(
            f'sim_env.disturb is {disturbed} and trainer.truth is none',
            'set trainer.truth to critic or rewards',
            source=origin,
        )
    arms = {str(own['arm']) for node, own in values.items() if not nodes or node in nodes}
    if len(arms) > 1:
        named = ' and '.join(repr(each) for each in sorted(arms))
        raise ConfigError(f'nodes have the arms {named}', 'give all the same', source=origin)
    chosen = task_named(task, *arms)
    for node, own in values.items():
        try:
            parse_disturbances(own.get('disturb', '')).acting_on(chosen)
        except DisturbanceError as error:
            raise DisturbanceError.of(error, f'{origin}: {node}') from None
    names = ('symmetry.front_back', 'symmetry.left_right', 'symmetry.offset_m')
    used = [values['trainer'][name] for name in names]
    check_symmetries(task, task_named(task).symmetries, *used)
