"""Names of the bags that ``her-ros bags convert`` writes, and detection of finished ones."""

import json
from collections.abc import Mapping, Sequence
from glob import escape
from itertools import chain, count
from pathlib import Path

from her_ros import __version__
from her_ros.bags.errors import BagError
from her_ros.bags.reader import read_facts
from her_ros.bags.sources import BARE_SUFFIXES, digest_of
from her_ros.bags.writer import remove_unfinished
from her_ros.config.schema import ConfigError
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import sha256

#: fact of an output that says from what it was made, and how
CONVERSION_FACT = 'conversion'


def output_prefixes(paths: Sequence[Path], out: Path) -> list[str]:
    """Return how the names of each recording's episodes begin; no two are alike.

    Removes what a killed process left unfinished under such names.
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
    """Return what tells one conversion from all others: of this recording, with these settings.

    :return: a SHA-256; empty: the recording cannot be read
    """
    try:
        return sha256(
            json.dumps([__version__, digest_of(path), settings], sort_keys=True).encode()
        )
    except (HerRosError, OSError):
        return ''


def finished_outputs(out: Path, prefix: str, conversion: str) -> set[str]:
    """List the names of the outputs that the same conversion left when it was stopped.

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
    """Return what an output notes of its conversion; empty: nothing, or it is damaged."""
    try:
        return read_facts(path).get(CONVERSION_FACT, '')
    except BagError:
        return ''


def _name_of(path: Path) -> str:
    path = path.resolve()
    suffix = next((each for each in BARE_SUFFIXES[::-1] if path.name.endswith(each)), '')
    return path.name if path.is_dir() else path.name.removesuffix(suffix)
