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

"""Read YAML files as ROS reads them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from her_ros.config.schema import ConfigError
from her_ros.runtime.files import require_regular
from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, Event

# Of a file; those of the package have 6,000 characters and 4 levels.
_MAX_LENGTH = 1 << 16
_MAX_DEPTH = 8


def read_yaml(path: Path, model: str) -> Any:
    """
    Read a YAML file as far as ROS would read it.

    :param model: what to begin a right one with
    :raises ConfigError: if it cannot be read, or is no such YAML
    """
    try:
        require_regular(path)
        return parse_yaml(path.read_text('utf-8'))
    except OSError as error:
        raise ConfigError(
            f'cannot be read ({error.strerror})', 'name a file that exists and is readable', path
        ) from None
    except ValueError as error:
        raise ConfigError(
            f'not YAML that ROS reads ({error})',
            f'correct it, or begin with a copy of {model}',
            source=path,
        ) from None


def parse_yaml(text: str) -> Any:
    """
    Parse YAML as far as rcl reads it: without aliases, and not nested deeply.

    :raises ValueError: if it is anything else, in one line
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(f'{len(text)} characters; at most {_MAX_LENGTH} are read')
    try:
        # YAML 1.2, as in rcl 1e-3 is a number; and a key given twice is an error.
        _check_events(YAML(typ='safe', pure=True).parse(text))
        return YAML(typ='safe', pure=True).load(text)
    except Exception as error:  # the parser fails in ways that it does not list
        raise ValueError(' '.join(str(error).split())) from None


def _check_events(events: Iterable[Event]) -> None:
    depth = 0
    for event in events:
        if isinstance(event, AliasEvent):
            raise ValueError(f'*{event.anchor} is an alias, which ROS does not read')
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise ValueError(f'nested deeper than {_MAX_DEPTH} levels')
