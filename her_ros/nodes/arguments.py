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

"""Command line of the nodes: help, arguments, remappings."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
import re
import sys
import textwrap

from her_ros.config.renamed import RENAMED_NODES
from her_ros.config.schema import ConfigError, Parameter, parameters_of
from her_ros.runtime.errors import HerRosError
from rclpy.exceptions import (
    InvalidNamespaceException,
    InvalidNodeNameException,
    InvalidTopicNameException,
)
from rclpy.validate_namespace import validate_namespace
from rclpy.validate_node_name import validate_node_name
from rclpy.validate_topic_name import validate_topic_name

_COLUMNS = 99


def check_arguments(arguments: Sequence[str], description: str, config: type) -> None:
    """
    Refuse arguments that a node does not know; print the help if that is asked for, and exit.

    :param arguments: the command line without the program
    :param description: of the node, its first line the summary
    :param config: class of the node's parameters
    :raises HerRosError: if an argument is unknown, a remapping is not a valid name, or a
        parameter file has a section of a node by its earlier name
    """
    own, ros = _split(arguments)
    if {'-h', '--help'} & set(own):
        print(help_text(description, config))
        sys.exit(0)
    if own:
        raise HerRosError(
            f'unknown argument {own[0]!r}',
            'parameters are set by --ros-args -p NAME:=VALUE, and --help lists them',
        )
    for flag, rule in pairwise(ros):
        if flag in ('-r', '--remap'):
            _check_remapping(rule)
        elif flag == '--params-file':
            _check_sections(rule)
        elif flag in ('-p', '--param') and ':=' not in rule:
            raise HerRosError(
                f'parameter {rule!r} has no value', 'write NAME:=VALUE, such as seed:=3'
            )


def help_text(description: str, config: type) -> str:
    """Return the help of a node: what it is, how to start it, its parameters."""
    parameters = parameters_of(config).values()
    name = next(iter(description.split('``')[1:2]), 'NODE')
    lines = [
        description.strip().replace('``', ''),
        '',
        f'Start: ros2 run her_ros {name} --ros-args -r __ns:=/NAMESPACE -p NAME:=VALUE',
        'Parameters from a file: --params-file FILE; it overrides the values of -p before it.',
        '',
        'Parameters:',
    ]
    for each in parameters:
        lines.append(f'  {each.name} ({_type(each)}, default {_default(each)})')
        lines += textwrap.wrap(
            _meaning(each), _COLUMNS, initial_indent='      ', subsequent_indent='      '
        )
    return '\n'.join(lines)


def _type(parameter: Parameter) -> str:
    return (
        f'list of {parameter.item.__name__}'
        if parameter.type is tuple
        else parameter.type.__name__
    )


def _default(parameter: Parameter) -> str:
    value = parameter.default
    return repr(list(value) if isinstance(value, tuple) else value)


def _meaning(parameter: Parameter) -> str:
    text = parameter.description
    if parameter.choices:
        text += f'; one of {", ".join(parameter.choices)}'
    elif parameter.minimum is not None and parameter.maximum is not None:
        text += f'; from {parameter.minimum} to {parameter.maximum}'
    return text


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split arguments into those of the node and those between ``--ros-args`` and ``--``."""
    own: list[str] = []
    ros: list[str] = []
    target = own
    for argument in arguments:
        if argument == '--ros-args':
            target = ros
        elif argument == '--' and target is ros:
            target = own
        else:
            target.append(argument)
    return own, ros


def _check_sections(file: str) -> None:
    # ROS leaves out sections of other nodes: this one would start with other parameters.
    try:
        text = Path(file).read_text('utf-8')
    except (OSError, ValueError):  # ROS itself says what is wrong with it
        return
    for earlier, present in RENAMED_NODES.items():
        if re.search(rf'^[\s\'"]*([\w*/]*/)?{earlier}[\'"]?\s*:', text, re.MULTILINE):
            raise ConfigError(
                f'the node {earlier} is called {present} now',
                f'write {present} instead in the names of its sections',
                file,
            )


def _check_remapping(rule: str) -> None:
    # rcl's own errors name a lexeme and a line of its source instead.
    old, arrow, new = rule.partition(':=')
    if not arrow or not old or not new:
        raise HerRosError(
            f'remapping {rule!r} has no two names', 'write OLD:=NEW, such as action:=/robot/action'
        )
    try:
        if old.rpartition(':')[2] == '__ns':
            validate_namespace(new)
        elif old.rpartition(':')[2] in ('__node', '__name'):
            validate_node_name(new)
        else:
            validate_topic_name(new.removeprefix('rostopic://').removeprefix('rosservice://'))
    except InvalidNamespaceException:
        raise HerRosError(
            f'remapping {rule!r}: not a ROS namespace',
            'it begins with / and holds letters, digits, _ and /, such as /my_robot',
        ) from None
    except InvalidNodeNameException:
        raise HerRosError(
            f'remapping {rule!r}: not a name of a node', 'use letters, digits and _'
        ) from None
    except InvalidTopicNameException:
        raise HerRosError(
            f'remapping {rule!r}: not a ROS name', 'use letters, digits, _ and /'
        ) from None
