"""The metadata of rosbag2: YAML in metadata.yaml, and once more inside every file of a bag."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from her_ros.bags.errors import BagError

#: the metadata record of an MCAP file that holds the same text
ROSBAG2_RECORD = 'rosbag2'
_NEWEST_VERSION = 9


class DirectoryMetadata(NamedTuple):
    """What metadata.yaml says and no file of the bag."""

    files: list[str]
    facts: dict[str, str]


def read_metadata(folder: Path) -> DirectoryMetadata:
    """Read the metadata.yaml of a rosbag2 directory.

    :raises BagError: if it is none, or of a newer version
    """
    try:
        information = _load((folder / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
        version = int(information['version'])
        # Older versions put the name of the folder in front.
        files = [Path(each).name for each in information['relative_file_paths']]
    except (ValueError, LookupError, TypeError) as error:
        raise BagError(f'damaged metadata.yaml: {error}') from error
    if version > _NEWEST_VERSION:
        raise BagError(f'metadata.yaml has version {version}; up to {_NEWEST_VERSION} can be read')
    return DirectoryMetadata(files, _texts(information.get('custom_data')))


def custom_data(text: str) -> dict[str, str]:
    """Return the custom data in a serialised metadata record; empty if there is none."""
    try:
        return _texts(_load(text).get('custom_data'))
    except (ValueError, AttributeError):
        return {}


def _load(text: str) -> Any:
    """Parse YAML.

    :raises ValueError: if it is none
    """
    # JSON is YAML, and parsing it takes a hundredth of the time.
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return YAML(typ='safe').load(text)
    except Exception as error:
        raise ValueError(' '.join(str(error).split())) from error


def _texts(values: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in dict(values or {}).items()}
