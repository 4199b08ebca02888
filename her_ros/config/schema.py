"""Checked configuration: a frozen dataclass per node declares its parameters.

The same declaration gives the ROS parameter its type, range and description. It checks a parameter
file before anything starts, and reports a value that does not fit in one clear line.
"""

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.registry import choose_one

Config = TypeVar('Config')
Values = Mapping[str, Any]


class ConfigError(HerRosError):
    """A parameter, a section or a file of them that is not right."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter as a node declares it."""

    name: str
    default: Any
    description: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    #: values of a list; None: one or more
    length: int | None
    #: whether a running node takes another value
    live: bool
    #: type of a list's values; of others the same as type
    item: type
    # Last, as it hides the builtin from the lines below it.
    type: type

    def checked(self, section: str, value: Any) -> Any:
        """Return the value in its own type.

        :raises ConfigError: if type, range or choice do not fit
        """
        name = f'{section}: {self.name}'
        if self.type is tuple:
            return self._checked_list(name, value)
        value = _as(self.type, value)
        if type(value) is not self.type:
            raise ConfigError(f'{name} must be a {self.type.__name__}, not {value!r}')
        self._check_value(name, value)
        return value

    def _checked_list(self, name: str, value: Any) -> tuple[Any, ...]:
        kind = {int: 'integers', float: 'floats', str: 'texts'}[self.item]
        wanted = f'{self.length or ""} {kind}'.strip()
        # Text is a sequence too, but never of numbers; rclpy gives an array.array.
        if isinstance(value, str) or not isinstance(value, Sequence) or not value:
            raise ConfigError(f'{name} must be a list of {wanted}, not {value!r}')
        values = [_as(self.item, item) for item in value]
        if self.length not in (None, len(values)):
            raise ConfigError(f'{name} must hold {wanted}, not {len(values)} values')
        for item in values:
            if type(item) is not self.item:
                raise ConfigError(f'{name} must hold {kind}, not {item!r}')
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
    """Return an integer as the float that is wanted; everything else as it is.

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
) -> Any:
    """Declare a parameter as a dataclass field, with inclusive limits.

    :param default: ``dataclasses.MISSING``: there is none, so that it has to be given
    :param choices: values that a text may have, listed when they are asked for
    :param minimum: of a list, the least that each of its values may be; likewise ``maximum``
    :param length: how many values a list has; None: one or more
    :param live: whether a running node takes another value
    """
    metadata = {
        'description': description,
        'minimum': minimum,
        'maximum': maximum,
        'choices': choices,
        'length': length,
        'live': live,
    }
    return dataclasses.field(default=default, metadata=metadata)


def parameters_of(config: type) -> dict[str, Parameter]:
    """List the parameters of a configuration class by name."""
    hints = get_type_hints(config)
    return {
        field.name: Parameter(
            name=field.name,
            type=get_origin(hint := hints[field.name]) or hint,
            default=field.default,
            item=(*get_args(hint), hint)[0],
            **{**field.metadata, 'choices': tuple(field.metadata['choices'])},
        )
        for field in dataclasses.fields(config)
    }


def configured(config: type[Config], section: str, values: Values) -> Config:
    """Make a checked configuration from plain values; what is not given keeps its default.

    :param section: what to call it in an error, such as the node's name
    :raises ConfigError: if a key is unknown or missing, a value does not fit, or some do not fit
        together
    """
    known = parameters_of(config)
    # A key of a YAML file need not be text.
    if unknown := sorted(map(str, set(values) - set(known))):
        raise ConfigError(
            f'unknown keys {unknown}', f'known keys are {sorted(known)}', source=section
        )
    required = [name for name, each in known.items() if each.default is dataclasses.MISSING]
    for name in required:
        if name not in values:
            raise ConfigError(f'{name} is missing', f'add it: {known[name].description}', section)
    checked = {name: known[name].checked(section, value) for name, value in values.items()}
    try:
        return config(**checked)
    except ConfigError as error:  # values that are right by themselves, but not together
        raise ConfigError.of(error, section) from None


def nodes_values(
    document: Any, nodes: Mapping[str, type], origin: str
) -> dict[str, dict[str, Any]]:
    """Resolve a ROS parameter file, already read, to the values of every node.

    Two kinds of sections are known: ``/**`` for what all nodes share, and ``/**/<node>``.

    :param document: the file as nested dictionaries
    :param nodes: configuration class of every node by name
    :param origin: the file, to name it in errors
    :return: node name to values given for it
    :raises ConfigError: if a section, a key or a value is not right
    """
    sections = ['/**', *(f'/**/{node}' for node in nodes)]
    if not isinstance(document, Mapping) or not document:
        raise ConfigError('no sections', f'known sections are {sections}', source=origin)
    if unknown := sorted(set(map(str, document)) - set(sections)):
        raise ConfigError(
            f'unknown sections {unknown}', f'known sections are {sections}', source=origin
        )
    shared = _section_values(document, '/**', origin)
    resolved = {}
    for node, config in nodes.items():
        values = {**shared, **_section_values(document, f'/**/{node}', origin)}
        configured(config, f'{origin}: {node}', values)
        resolved[node] = values
    return resolved


def _section_values(document: Values, section: str, origin: str) -> Values:
    content = document.get(section, {'ros__parameters': {}})
    if not isinstance(content, Mapping) or set(content) != {'ros__parameters'}:
        raise ConfigError(f'section {section} must hold ros__parameters alone', source=origin)
    values = content['ros__parameters']
    if not isinstance(values, Mapping):
        raise ConfigError(f'section {section} holds no parameters', source=origin)
    return values
