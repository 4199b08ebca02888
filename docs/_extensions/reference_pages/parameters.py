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

"""The parameters of all nodes, and the values in the shipped files, as Markdown."""

from dataclasses import fields, is_dataclass, MISSING
from typing import Any, get_type_hints

from her_ros.arms.description import ArmDescription
from her_ros.config.files import read_file, shipped_file
from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.config.parameters.shared import NodeParameters
from her_ros.config.schema import ConfigError, Parameter, parameters_of
from her_ros.tasks.registry import GYM_TASKS, TASKS


def parameters() -> str:
    """Describe every parameter: type, default, range, meaning."""
    shared = parameters_of(NodeParameters)
    lines = ['## Where to start', '', *_starting(), '', '## All nodes', '', *_definitions(shared)]
    for node, config in NODE_PARAMETERS.items():
        own = {name: each for name, each in parameters_of(config).items() if name not in shared}
        lines += [f'## {node}', '', *_definitions(own)]
    return '\n'.join(lines)


def arm_description() -> str:
    """Describe every key of the description of an arm, by section."""
    hints = get_type_hints(ArmDescription)
    lines = []
    sections = [each.name for each in fields(ArmDescription) if is_dataclass(hints[each.name])]
    for section in sections:
        kind = hints[section]
        lines += [f'### {section}', '', *kind.__doc__.strip().splitlines()[:1], '']
        lines += _definitions(parameters_of(kind))
    return '\n'.join(lines)


def _starting() -> list[str]:
    """List the parameters that are marked as the ones to start with, by node."""
    return [
        f'- `{node}.{each.name}`: {_sentence(each)}'
        for node, config in NODE_PARAMETERS.items()
        for each in parameters_of(config).values()
        if each.start
    ]


def _definitions(own: dict[str, Parameter]) -> list[str]:
    return [
        line
        for each in own.values()
        for line in (f'`{each.name}`', f': {_sentence(each)} {_limits(each)}', '')
    ]


def _sentence(parameter: Parameter) -> str:
    text = parameter.description
    return text[0].upper() + text[1:].rstrip('.') + '.'


def _limits(parameter: Parameter) -> str:
    kind = parameter.type.__name__
    if parameter.type is tuple:
        kind = f'list of {parameter.length or "one or more"} {parameter.item.__name__}'
    is_required = parameter.default is MISSING
    parts = [
        f'Type {kind}',
        'required' if is_required else f'default `{shown(parameter.default)}`',
    ]
    if parameter.choices:
        parts.append('one of ' + ', '.join(f'`{each}`' for each in parameter.choices))
    if parameter.minimum is not None or parameter.maximum is not None:
        limits = (parameter.minimum, '−∞'), (parameter.maximum, '∞')
        low, high = (f'{limit:,.10g}' if limit is not None else word for limit, word in limits)
        parts.append(f'range {low} to {high}')
    if parameter.live:
        parts.append('can be set while the node runs')
    return f'*{"; ".join(parts)}.*'


def shown(value: Any) -> str:
    """Write a value as a parameter file does."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f'[{", ".join(map(shown, value))}]'
    return "''" if value == '' else f'{value}'


def shipped_values() -> str:
    """Tabulate where the shipped parameter files differ from the defaults."""
    files = {}
    for task in (*TASKS, *GYM_TASKS):
        try:
            files[task] = read_file(shipped_file(task))
        except ConfigError:
            continue  # a task without a file of its own
    rows: dict[str, dict[str, str]] = {}
    for task, nodes in files.items():
        for node, values in nodes.items():
            known = parameters_of(NODE_PARAMETERS[node])
            for name, value in values.items():
                if name not in parameters_of(NodeParameters) and value != known[name].default:
                    rows.setdefault(f'{node}.{name}', {})[task] = shown(value)
    order = [f'{node}.{name}' for node in NODE_PARAMETERS for name in
             parameters_of(NODE_PARAMETERS[node])]  # fmt: skip
    lines = [
        '| parameter | default | ' + ' | '.join(files) + ' |',
        '|---' * (len(files) + 2) + '|',
    ]
    for key in sorted(rows, key=order.index):
        node, _, name = key.partition('.')
        default = shown(parameters_of(NODE_PARAMETERS[node])[name].default)
        cells = [rows[key].get(task, '') for task in files]
        lines.append('| ' + ' | '.join([f'`{key}`', default, *cells]) + ' |')
    return '\n'.join(lines)
