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

"""The sections of a ROS parameter file, and the groups of parameters in them."""

from collections.abc import Collection, Mapping
from typing import Any

from her_ros.config.renamed import present_name, RENAMED_NODES, with_present_names
from her_ros.config.schema import ConfigError, configured, parameters_of, Values


def nodes_values(
    document: Any, nodes: Mapping[str, type], origin: str, is_old: bool = False
) -> dict[str, dict[str, Any]]:
    """
    Resolve a ROS parameter file, already read, to the values of every node.

    Two kinds of sections are known: ``/**`` for what all nodes share, and ``/**/<node>``.

    :param document: the file as nested dictionaries
    :param nodes: configuration class of every node by name
    :param origin: the file, to name it in errors
    :param is_old: whether nodes and parameters may have names that they had earlier
    :return: node name to values given for it
    :raises ConfigError: if a section, a key or a value is not right
    """
    sections = ['/**', *(f'/**/{node}' for node in nodes)]
    if not isinstance(document, Mapping) or not document:
        raise ConfigError('no sections', f'known sections are {sections}', source=origin)
    document = _with_present_sections(document, origin, is_old)
    if unknown := sorted(set(map(str, document)) - set(sections)):
        raise ConfigError(
            f'unknown sections {unknown}', f'known sections are {sections}', source=origin
        )
    shared = _section_values(document, '/**', origin)
    resolved = {}
    for node, config in nodes.items():
        values = {**shared, **_section_values(document, f'/**/{node}', origin)}
        if is_old:
            values = _renamed(values, parameters_of(config), f'{origin}: /**/{node}')
        configured(config, f'{origin}: {node}', values)
        resolved[node] = values
    return resolved


def _with_present_sections(document: Values, origin: str, is_old: bool) -> Values:
    """
    Return a document with the sections of renamed nodes under their present names.

    :raises ConfigError: if there are such sections and ``is_old`` is false, or if a node has a
        section under both names
    """
    present = dict(document)
    for earlier, node in RENAMED_NODES.items():
        old, new = f'/**/{earlier}', f'/**/{node}'
        if old not in document:
            continue
        if new in document:
            raise ConfigError(f'{new} is given twice, once as {old}', 'delete one', origin)
        if not is_old:
            raise ConfigError(
                f'section {old}: the node {earlier} is called {node} now',
                f'write {new} instead',
                origin,
            )
        present[new] = present.pop(old)
    return present


def _section_values(document: Values, section: str, origin: str) -> Values:
    content = document.get(section, {'ros__parameters': {}})
    if not isinstance(content, Mapping) or set(content) != {'ros__parameters'}:
        raise ConfigError(
            f'section {section} holds {_keys(content)}',
            'it must hold ros__parameters alone',
            source=origin,
        )
    values = content['ros__parameters']
    if not isinstance(values, Mapping):
        raise ConfigError(
            f'section {section} holds no parameters',
            'give NAME: VALUE below its ros__parameters, or delete the section',
            source=origin,
        )
    return _flat(values, f'{origin}: {section}')


def _keys(content: Any) -> str:
    return str(sorted(map(str, content))) if isinstance(content, Mapping) else repr(content)


def _renamed(values: Values, known: Collection[str], origin: str) -> dict[str, Any]:
    """
    Return the values of a section under present names.

    :raises ConfigError: if a parameter is given under an earlier name and its present one
    """
    renamed = with_present_names(values, known)
    if len(renamed) < len(values):
        for name in values:
            if (present := present_name(name, known)) != name and present in values:
                raise ConfigError(
                    f'{present} is given twice, once as {name}', 'delete one', source=origin
                )
    return renamed


def _flat(values: Values, origin: str, prefix: str = '') -> dict[str, Any]:
    """
    Join the keys of nested groups by dots, as ROS does.

    :raises ConfigError: if a parameter is given twice, or a group is empty
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f'{prefix}{key}' if prefix or isinstance(value, Mapping) else key
        if isinstance(value, Mapping) and not value:
            raise ConfigError(f'{name} holds no parameters', 'give some or delete it', origin)
        inner = _flat(value, origin, f'{name}.') if isinstance(value, Mapping) else {name: value}
        if twice := sorted(map(str, set(inner) & set(flat))):
            raise ConfigError(f'{twice[0]} is given twice', 'delete one', source=origin)
        flat |= inner
    return flat


def nested(values: Values) -> dict[str, Any]:
    """Return the values with one dictionary per group, as in a file."""
    groups: dict[str, Any] = {}
    for name, value in values.items():
        *group, own = name.split('.')
        (groups.setdefault(group[0], {}) if group else groups)[own] = value
    return groups
