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

"""Parameter files: read, check, override, write."""

from collections.abc import Collection, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.config.parameters.shared import NodeParameters
from her_ros.config.renamed import RENAMED_NODES
from her_ros.config.schema import ConfigError, configured, parameters_of, values_of
from her_ros.config.sections import nested, nodes_values
from her_ros.config.shipped import shipped
from her_ros.config.yaml_file import parse_yaml, read_yaml
from her_ros.tasks.arm import ARM_TASKS, FETCH_PREFIX
from her_ros.tasks.registry import TASKS
from ruamel.yaml import YAML

NodesValues = dict[str, dict[str, Any]]

# Parameters that can be overridden for all nodes at once.
_SHARED = tuple(parameters_of(NodeParameters))
# The launcher gives these to each node itself.
_GIVEN_BY_LAUNCHER = ('run_dir', 'worker', 'exploration.enabled')


def shipped_file(task: str) -> Path:
    """
    Return the parameter file that comes for a task, with this package or with the task's own.

    Another package has it beside the module that gives the task.

    :raises ConfigError: if there is none
    """
    folder = TASKS.folder(task)
    if folder and (folder / f'{task}.yaml').is_file():
        return folder / f'{task}.yaml'
    return shipped(
        Path('config', f'{task.replace(":", "_")}.yaml'),
        f'no parameter file for task {task!r}',
        'copy that of a task like it, and name it by --params',
    )


def shipped_model(task: str) -> Path:
    """
    Return the policy that comes with the package for a task.

    Without one, a task on any arm has that of the same task on the Fetch.

    :raises ConfigError: if there is none
    """
    problem, cure = f'no model for task {task!r}', 'name one with --model'
    try:
        return shipped(Path('models', task, 'policy.onnx'), problem, cure)
    except ConfigError:
        if task not in ARM_TASKS:
            raise
        return shipped(Path('models', f'{FETCH_PREFIX}{task}', 'policy.onnx'), problem, cure)


def shipped_profiles() -> Path:
    """
    Return the Fast DDS profiles that come with the package.

    :raises ConfigError: if there are none
    """
    return shipped(Path('config', 'fastdds.xml'), 'the installation lacks fastdds.xml')


def read_file(path: Path) -> NodesValues:
    """
    Read a parameter file the way rcl does, and check all of it.

    :return: the values given for every node
    :raises ConfigError: if the file, a section, a key or a value is not right
    """
    document = read_yaml(path, 'config/FetchReach.yaml')
    return nodes_values(document, NODE_PARAMETERS, str(path))


def read_run_file(path: Path) -> NodesValues:
    """
    Read the parameter file of a run like :func:`read_file`, and accept earlier names.

    :return: the values given for every node, by present name
    :raises ConfigError: if the file, a section, a key or a value is not right
    """
    document = read_yaml(path, 'config/FetchReach.yaml')
    return nodes_values(document, NODE_PARAMETERS, str(path), is_old=True)


def with_overrides(
    values: NodesValues, overrides: Sequence[str], nodes: Collection[str] = ()
) -> NodesValues:
    """
    Apply overrides such as ``trainer.batch_size=128`` or, for all nodes, ``seed=3``.

    What they come to together is for :func:`complete` to check.

    :param nodes: those whose parameters the command uses; empty: any node's
    :raises ConfigError: if a node, a key or a value is not right
    """
    changed = {node: dict(own) for node, own in values.items()}
    for override in overrides:
        key, equals, text = override.partition('=')
        node, dot, name = key.partition('.')
        if not dot:
            node, name = '', key
        if present := RENAMED_NODES.get(node):
            raise ConfigError(
                f'{override!r}: the node {node} is called {present} now',
                f'write {present}.{name}{equals}{text} instead',
            )
        targets = [node] if node else list(changed)
        is_known = set(targets) <= set(changed) and (node or name in _SHARED)
        if not equals or not is_known:
            raise ConfigError(
                f'{override!r} sets no parameter of a node',
                'write NODE.PARAMETER=VALUE, such as trainer.batch_size=128;'
                f' nodes are {", ".join(changed)}',
            )
        if node and nodes and node not in nodes:
            raise ConfigError(
                f'{override!r}: this command has no node {node}', f'it has {", ".join(nodes)}'
            )
        if name in _GIVEN_BY_LAUNCHER:
            raise ConfigError(
                f'{override!r}: every run gives {name} to its nodes itself', 'leave it out'
            )
        try:
            value = parse_yaml(text)
        except ValueError as error:
            raise ConfigError(
                f'{override!r}: the value is not YAML ({error})',
                'write it as in a parameter file, such as 0.5, true or [1, 2]',
            ) from None
        for target in targets:
            changed[target][name] = value
            # By itself; whether all go together shows when there are no more to come.
            configured(NODE_PARAMETERS[target], target, {name: value})
    return changed


def complete(values: NodesValues) -> NodesValues:
    """Add the defaults of whatever is not given, so that a run's file says everything."""
    full: NodesValues = {}
    for node, config in NODE_PARAMETERS.items():
        checked = configured(config, node, values.get(node, {}))
        full[node] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values_of(checked).items()
            if name not in _GIVEN_BY_LAUNCHER
        }
    return full


def to_yaml(values: NodesValues) -> str:
    """Write values as a ROS parameter file."""
    document = {f'/**/{node}': {'ros__parameters': nested(own)} for node, own in values.items()}
    yaml = YAML(typ='safe', pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()


class Difference(NamedTuple):
    """A parameter that has another value."""

    #: such as ``trainer.seed``
    name: str
    old: Any
    new: Any

    def __str__(self) -> str:
        """Return the parameter and both values."""
        return f'{self.name}: {self.old} → {self.new}'


def differences(old: Mapping[str, Mapping[str, Any]], new: NodesValues) -> list[Difference]:
    """Return the parameters that differ."""
    return [
        Difference(f'{node}.{key}', old.get(node, {}).get(key), new.get(node, {}).get(key))
        for node in sorted({*old, *new})
        for key in sorted({*old.get(node, {}), *new.get(node, {})})
        if old.get(node, {}).get(key) != new.get(node, {}).get(key)
    ]
