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

"""Names of the bags that ``her-ros bags convert`` writes, and detection of finished ones."""

from collections.abc import Mapping, Sequence
from glob import escape
from itertools import chain, count
import json
from pathlib import Path

from her_ros import __version__
from her_ros.bags.errors import BagError
from her_ros.bags.reader import read_bag_metadata
from her_ros.bags.sources import BARE_SUFFIXES, digest_of
from her_ros.bags.writer import remove_unfinished
from her_ros.config.schema import ConfigError
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import sha256

#: metadata key of an output: digest of its source and the settings of the conversion
CONVERSION_KEY = 'conversion'


def output_prefixes(paths: Sequence[Path], out: Path) -> list[str]:
    """
    Return a distinct file name prefix for the episodes of each recording.

    Removes unfinished files with these prefixes that a killed process left.
    """
    names = [_name_of(path) for path in paths]
    prefixes: list[str] = []
    for name in names:
        candidates = chain([name], (f'{name}_{number}' for number in count(2)))
        taken = {*prefixes, *(other for other in names if other != name)}
        prefixes.append(next(each for each in candidates if each not in taken))
    for prefix in prefixes:
        remove_unfinished(out, f'{escape(prefix)}_[0-9]*')
    return prefixes


def conversion_of(path: Path, settings: Mapping[str, object]) -> str:
    """
    Return a digest that identifies the conversion of a recording with some settings.

    :return: a SHA-256; empty if the recording cannot be read
    """
    try:
        return sha256(
            json.dumps([__version__, digest_of(path), settings], sort_keys=True).encode()
        )
    except (HerRosError, OSError):
        return ''


def finished_outputs(out: Path, prefix: str, conversion: str) -> set[str]:
    """
    List the outputs that an interrupted run of the same conversion has finished.

    :raises ConfigError: if there is one of another conversion, or a damaged one
    """
    found = set()
    for path in sorted(out.glob(f'{escape(prefix)}_[0-9]*.mcap')):
        if not conversion or _conversion_in(path) != conversion:
            raise ConfigError(
                'exists already and is not of this conversion (recording, parameters, version)',
                'bags are never overwritten, so move it away or name another --out',
                source=path,
            )
        found.add(path.stem)
    return found


def _conversion_in(path: Path) -> str:
    """Return the conversion digest in an output; empty if it has none or is damaged."""
    try:
        return read_bag_metadata(path).get(CONVERSION_KEY, '')
    except BagError:
        return ''


def _name_of(path: Path) -> str:
    path = path.resolve()
    suffix = next((each for each in BARE_SUFFIXES[::-1] if path.name.endswith(each)), '')
    return path.name if path.is_dir() else path.name.removesuffix(suffix)
