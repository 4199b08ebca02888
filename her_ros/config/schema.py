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

"""
Checked configuration: a frozen dataclass per node declares its parameters.

The same declaration gives the ROS parameter its type, range and description. It checks a parameter
file before anything starts, and reports a value that does not fit in one clear line.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
import dataclasses
from difflib import get_close_matches
import sys
from typing import Any, get_args, get_origin, get_type_hints, TypeVar

from her_ros.config.renamed import disturbances_of, faults_in, present_name
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.registry import choose_one

Config = TypeVar('Config')
Values = Mapping[str, Any]


# Types of values, as a user knows them.
# Names that an error lists in full.
_FEW = 12
_WORDS = {bool: 'true or false', int: 'an integer', float: 'a number', str: 'text'}


class ConfigError(HerRosError):
    """A parameter, a section or a file of them that is not right."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter as a node declares it."""

    #: as ROS, files and the command line know it, such as ``her.k``
    name: str
    #: the field of the dataclass, such as ``her_k``
    attribute: str
    default: Any
    description: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    #: values of a list; None: one or more
    length: int | None
    #: whether a running node takes another value
    live: bool
    #: whether it is one of those to start with
    start: bool
    #: type of a list's values; of others the same as type
    item: type
    # Last, as it hides the builtin from the lines below it.
    type: type  # noqa: A003

    def checked(self, section: str, value: Any) -> Any:
        """
        Return the value in its own type.

        :raises ConfigError: if type, range or choice do not fit
        """
        name = f'{section}: {self.name}'
        if self.type is tuple:
            return self._checked_list(name, value)
        value = _as(self.type, value)
        if type(value) is not self.type:
            raise ConfigError(f'{name} is {value!r}', f'it must be {_WORDS[self.type]}')
        self._check_value(name, value)
        return value

    def _checked_list(self, name: str, value: Any) -> tuple[Any, ...]:
        kind = {int: 'integers', float: 'floats', str: 'texts'}[self.item]
        wanted = f'it must be a list of {self.length or ""} {kind}'.replace('  ', ' ')
        # Text is a sequence too, but never of numbers; rclpy gives an array.array.
        if isinstance(value, str) or not isinstance(value, Sequence) or not value:
            raise ConfigError(f'{name} is {value!r}', wanted)
        values = [_as(self.item, item) for item in value]
        if self.length not in (None, len(values)):
            raise ConfigError(f'{name} has {len(values)} values', wanted)
        for item in values:
            if type(item) is not self.item:
                raise ConfigError(f'{name} holds {item!r}', wanted)
            self._check_value(name, item)
        return tuple(values)

    def _check_value(self, name: str, value: Any) -> None:
        if self.choices and value not in self.choices:
            raise ConfigError(f'{name} is {value!r}', choose_one(str(value), self.choices))
        if type(value) not in (int, float):
            return
        low = self.minimum is not None and not value >= self.minimum
        high = self.maximum is not None and not value <= self.maximum
        if low or high:
            lower = '-inf' if self.minimum is None else f'{self.minimum:g}'
            upper = 'inf' if self.maximum is None else f'{self.maximum:g}'
            raise ConfigError(f'{name} is {value}', f'it must lie in [{lower}, {upper}]')


def _as(wanted: type, value: Any) -> Any:
    """
    Return an integer as the float that is wanted; everything else as it is.

    A bool is an int to Python, but not to ROS. What no float can hold stays, and is refused.
    """
    if wanted is float and type(value) is int and abs(value) <= sys.float_info.max:
        return float(value)
    return value


def parameter(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Iterable[str] = (),
    length: int | None = None,
    live: bool = False,
    start: bool = False,
    group: str = '',
) -> Any:
    """
    Declare a parameter as a dataclass field, with inclusive limits.

    :param default: ``dataclasses.MISSING``: there is none, so that it has to be given
    :param choices: values that a text may have, listed when they are asked for
    :param minimum: of a list, the least that each of its values may be; likewise ``maximum``
    :param length: how many values a list has; None: one or more
    :param live: whether a running node takes another value
    :param start: whether it is one of those to start with
    :param group: prefix of its name: the field ``her_k`` of the group ``her`` is the parameter
        ``her.k``; empty: the name is that of the field
    """
    metadata = {
        'description': description,
        'minimum': minimum,
        'maximum': maximum,
        'choices': choices,
        'length': length,
        'live': live,
        'start': start,
        'group': group,
    }
    return dataclasses.field(default=default, metadata=metadata)


def parameters_of(config: type) -> dict[str, Parameter]:
    """List the parameters of a configuration class by name."""
    hints = get_type_hints(config)
    found = [_declared(field, hints[field.name]) for field in dataclasses.fields(config)]
    return {each.name: each for each in found}


def _declared(field: dataclasses.Field[Any], hint: Any) -> Parameter:
    metadata = {**field.metadata, 'choices': tuple(field.metadata['choices'])}
    group = metadata.pop('group')
    return Parameter(
        # The field is named after its group as well: both names are equal except for the dot.
        name=f'{group}.{field.name.removeprefix(f"{group}_")}' if group else field.name,
        attribute=field.name,
        type=get_origin(hint) or hint,
        default=field.default,
        item=(*get_args(hint), hint)[0],
        **metadata,
    )


def values_of(config: Any) -> dict[str, Any]:
    """Return the values of a configuration by parameter name."""
    known = parameters_of(type(config))
    return {name: getattr(config, each.attribute) for name, each in known.items()}


def configured(config: type[Config], section: str, values: Values) -> Config:
    """
    Make a checked configuration from plain values; what is not given keeps its default.

    :param section: what to call it in an error, such as the node's name
    :raises ConfigError: if a key is unknown or missing, a value does not fit, or some do not fit
        together
    """
    known = parameters_of(config)
    # A key of a YAML file need not be text.
    if unknown := sorted(map(str, set(values) - set(known))):
        cure = _instead(unknown, known, values)
        raise ConfigError(f'unknown keys {unknown}', cure, source=section)
    required = [name for name, each in known.items() if each.default is dataclasses.MISSING]
    for name in required:
        if name not in values:
            raise ConfigError(f'{name} is missing', f'add it: {known[name].description}', section)
    checked = {
        known[name].attribute: known[name].checked(section, value)
        for name, value in values.items()
    }
    try:
        return config(**checked)
    except ConfigError as error:  # values that are right by themselves, but not together
        raise ConfigError.of(error, section) from None


def _instead(unknown: Sequence[str], known: Mapping[str, Parameter], values: Values) -> str:
    """Return a cure for unknown names: the names that they probably mean."""
    faults = faults_in({str(name): value for name, value in values.items()}, known)
    found = {name: ' or '.join(_nearest(name, known)) for name in unknown if name not in faults}
    cures = [f'write {right} instead of {one_line(wrong)}' for wrong, right in found.items()]
    if disturbances := disturbances_of(faults):
        cures.append(f'write disturb={disturbances} instead of {", ".join(faults)}')
    elif faults:
        cures.append(f'leave out {", ".join(faults)}, which disturb replaces')
    if all(found.values()):
        return ', '.join(cures)
    if len(known) <= _FEW:
        return f'known keys are {sorted(known)}'
    # Of any likeness: a long list would not help.
    near = {
        name: right or ' or '.join(get_close_matches(name, known, n=3, cutoff=0.0))
        for name, right in found.items()
    }
    nearest = ', '.join(f'nearest to {one_line(wrong)}: {right}' for wrong, right in near.items())
    return f'{nearest}; docs/reference/parameters.md lists all'


def _nearest(name: str, known: Collection[str]) -> list[str]:
    """Return the parameters that a wrong name may mean: renamed, incomplete or misspelt."""
    if (present := present_name(name, known)) != name:
        return [present]
    if containing := [each for each in known if name in _member(each).split('_')]:
        return containing
    if near := get_close_matches(name, known, n=1):
        return near
    members = get_close_matches(_member(name), {*map(_member, known)}, n=1)
    return [each for each in known if _member(each) in members]


def _member(name: str) -> str:
    """Return the part of a name after the dot."""
    return name.rpartition('.')[2]
