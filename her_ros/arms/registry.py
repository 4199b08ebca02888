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

"""The list of arms that are described, by name."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from her_ros.arms.description import ArmDescription, description_of
from her_ros.arms.errors import ArmError
from her_ros.config.schema import ConfigError
from her_ros.config.shipped import shipped
from her_ros.config.yaml_file import read_yaml
from her_ros.runtime.registry import Registry, RegistryError
from her_ros.tasks.goal_task import GoalTask

#: arms whose descriptions come with the package
SHIPPED_ARMS = ('fetch', 'franka_panda', 'ufactory_xarm7', 'ur5e_2f85', 'six_joint')
#: all arms: descriptions, or paths of their files; those of the package are relative to it
ARMS: Registry[ArmDescription | Path] = Registry(
    'arm', 'her_ros.arms', {name: Path('config', 'arms', f'{name}.yaml') for name in SHIPPED_ARMS}
)
_SUFFIXES = ('.yaml', '.yml')


def arm_named(name: str) -> ArmDescription:
    """
    Return the description of an arm.

    :param name: one of ``ARMS``, or the path of a description, which ends in ``.yaml``
    :raises ArmError: if there is no such arm, or its description has a fault
    """
    if name.endswith(_SUFFIXES):
        return read_arm(Path(name))
    try:
        found = ARMS[name]
        if isinstance(found, Path):
            is_own = ARMS.entry_point(name) is None
            found = read_arm(shipped(found, f'no file of arm {name!r}') if is_own else found)
    except RegistryError as error:
        file = f'or give the file of its description, such as --arm {name}.yaml'
        raise ArmError(error.problem, f'{error.cure}, {file}') from error
    except ConfigError as error:
        raise ArmError.of(error) from error
    if not isinstance(found, ArmDescription) or found.name != name:
        raise ArmError(
            f'arm {name!r} is given as {found!r}',
            f'give an ArmDescription whose name is {name!r}, or the Path of {name}.yaml',
        )
    return found


def with_workspace(task: GoalTask) -> GoalTask:
    """
    Return a task together with the workspace of its arm, for contracts and bags.

    :raises ArmError: if there is no such arm, or its description has a fault
    """
    if not task.arm:
        return task
    workspace = arm_named(task.arm).workspace
    return replace(task, workspace=(*workspace.low, *workspace.high, workspace.table_height))


def all_arms() -> Iterator[ArmDescription]:
    """
    Return the descriptions of all arms.

    :raises ArmError: if one has a fault
    """
    return map(arm_named, ARMS)


def read_arm(path: Path) -> ArmDescription:
    """
    Read a description; the arm has the name of the file.

    :raises ArmError: if the file cannot be read, or a section, a key or a value is not right
    """
    try:
        document = read_yaml(path, 'config/arms/six_joint.yaml')
    except ConfigError as error:  # it names the file
        raise ArmError.of(error) from error
    try:
        return description_of(path.stem, path.parent, document)
    except ConfigError as error:
        raise ArmError.of(error, path) from error
