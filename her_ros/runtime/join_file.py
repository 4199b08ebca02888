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

"""``join.json`` of a run folder: what a worker on another machine needs to become a member."""

from dataclasses import asdict, dataclass
import json
from pathlib import Path
import re
from typing import Any

from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.files import require_regular, write_whole
from her_ros.runtime.ros_environment import checked_namespace, domain_id
from her_ros.runtime.run_folder import is_identity

# Largest file, bytes; the parameters of a run take 5 kB.
_MAX_BYTES = 1 << 20
# Allowed characters of values that become settings of a middleware, which has separators.
_PATTERNS = {
    'host': r'[\w.-]{1,253}',
    'discovery_server': r'[\w.:;\[\]-]{0,1000}',
    'middleware': r'([a-z]\w{0,99})?',
}
# Fields that are tables of texts.
_TABLES = ('versions', 'digests')


class JoinError(HerRosError):
    """A run that cannot be joined."""


@dataclass(frozen=True)
class JoinFile:
    """Address of a run's trainer, and settings that all its workers must share."""

    #: id of the run, as in ``starts/id`` of its folder
    identity: str
    task: str
    #: ROS namespace of the run, without slashes around it
    namespace: str
    #: ROS domain
    domain: int
    #: name of the trainer's machine
    host: str
    #: whether nodes on other machines can find the trainer
    is_open: bool
    #: address of the Fast DDS discovery server, with its port; empty: none
    discovery_server: str
    #: RMW implementation; empty: the default one
    middleware: str
    #: versions by package; the simulation and the rows of all workers must be the same
    versions: dict[str, str]
    #: digests of the task and of its arm, where it has one, by these words
    digests: dict[str, str]
    #: content of ``params.yaml``
    parameters: str

    def write(self, path: Path) -> None:
        """
        Write the file.

        :raises FileError: if it cannot be written
        """
        write_whole(path, json.dumps(asdict(self), indent=1).encode())


def read_join_file(path: Path) -> JoinFile:
    """
    Read a ``join.json``.

    :raises JoinError: if there is none, or it is not what ``her-ros train`` writes
    """
    try:
        require_regular(path)
        with path.open('rb') as file:
            content = file.read(_MAX_BYTES + 1)
        values: Any = json.loads(content[:_MAX_BYTES].decode())
        _check(values)
        return JoinFile(**values)
    except FileNotFoundError:
        raise JoinError(
            'no such file',
            '`her-ros train` writes it; name the folder of a run, or a folder with a copy of its'
            ' join.json',
            source=path,
        ) from None
    except (OSError, ValueError, RecursionError, HerRosError) as error:
        raise JoinError(
            f'not a readable join.json ({one_line(error)})',
            'copy it again from the run folder',
            source=path,
        ) from None


def _check(values: Any) -> None:
    if not isinstance(values, dict):
        raise ValueError(f'{type(values).__name__} instead of an object')
    fields = JoinFile.__dataclass_fields__
    if wrong := sorted(values.keys() ^ fields.keys()):
        raise ValueError(f'missing or unknown: {", ".join(wrong)}')
    for name, field in fields.items():
        kind = dict if name in _TABLES else field.type
        if type(values[name]) is not kind:  # a bool would pass for an int
            raise ValueError(f'{name} is a {type(values[name]).__name__}')
    texts = dict(values)
    for table in _TABLES:
        if not all(isinstance(each, str) for each in values[table].values()):
            raise ValueError(f'{table} are no texts')
        texts |= {f'{table}.{key}': value for key, value in values[table].items()}
    for name, value in texts.items():
        if isinstance(value, str):
            _check_text(name, value)
    if not is_identity(values['identity']):
        raise ValueError(f'identity is {values["identity"]!r}')
    if checked_namespace(values['namespace']) != values['namespace']:
        raise ValueError(f'namespace is {values["namespace"]!r}')
    domain_id({'ROS_DOMAIN_ID': str(values['domain'])})


def _check_text(name: str, text: str) -> None:
    """Check a text that is printed, written to a file, or set in the environment."""
    text.encode()  # a lone surrogate cannot be written
    is_fit = text.isprintable() or name == 'parameters'
    if not is_fit or not re.fullmatch(_PATTERNS.get(name, '.*'), text, re.ASCII | re.DOTALL):
        raise ValueError(f'{name} is {text!r}')
