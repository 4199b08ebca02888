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

"""Metadata of rosbag2: metadata.yaml, and the copy of it inside every file of a bag."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
import re
from typing import Any, NamedTuple

from her_ros.bags.errors import as_bag_error, BagError, RecoverableError
from her_ros.bags.storage.limits import check_regular
from rosbags.rosbag2.metadata import dump_qos_v9, parse_qos
from ruamel.yaml import YAML

#: name of the MCAP metadata record that holds the text of metadata.yaml
ROSBAG2_RECORD = 'rosbag2'
_NEWEST_VERSION = 9
_DEEPEST = 50
_BRACKET = re.compile(r'[\[\]{}]')
_DASHES = re.compile(rf'(?:- ){{{_DEEPEST}}}')
# Largest metadata.yaml, bytes; that of a bag in thousands of files is smaller.
_LARGEST = 4 << 20


class TopicCount(NamedTuple):
    """Description of a topic in metadata.yaml."""

    topic: str
    message_type: str
    message_encoding: str
    #: YAML, as the recorder wrote it
    offered_qos_profiles: str
    type_hash: str
    messages: int


class DirectoryMetadata(NamedTuple):
    """Content of metadata.yaml that the files of the bag lack."""

    files: list[str]
    metadata: dict[str, str]


def read_metadata(folder: Path) -> DirectoryMetadata:
    """
    Read the metadata.yaml of a rosbag2 directory.

    :raises BagError: if it is damaged or of a newer version
    """
    try:
        information = _load(_text_of(folder / 'metadata.yaml'))['rosbag2_bagfile_information']
        version = int(information['version'])
        # Older versions put the name of the folder in front of file names.
        files = [Path(each).name for each in information['relative_file_paths']]
        metadata = _texts(information.get('custom_data'))
    except BagError:
        raise
    except Exception as error:  # a value of the wrong type, or nested too deeply
        raise RecoverableError(
            f'damaged metadata.yaml: {as_bag_error(error).complaint}'
        ) from error
    if version > _NEWEST_VERSION:
        raise BagError(
            f'metadata.yaml has version {version}', f'up to {_NEWEST_VERSION} can be read'
        )
    return DirectoryMetadata(files, metadata)


def _text_of(path: Path) -> str:
    check_regular(path, path.parent)
    if (size := path.stat().st_size) > _LARGEST:
        raise BagError(f'metadata.yaml has {size:,} bytes', f'up to {_LARGEST:,} are read')
    return path.read_text('utf-8')


def information_of(
    file_name: str,
    start_ns: int,
    end_ns: int,
    message_count: int,
    metadata: Mapping[str, str],
    topics: Sequence[TopicCount] = (),
) -> dict[str, Any]:
    """
    Return the rosbag2 metadata, version 9, of a bag of one MCAP file.

    :param start_ns: stamp of the first message, wall time, nanoseconds
    :param end_ns: stamp of the last message
    :param topics: rosbag2 takes them from the file where there is no metadata.yaml
    """
    times = {
        'duration': {'nanoseconds': end_ns - start_ns},
        'starting_time': {'nanoseconds_since_epoch': start_ns},
    }
    return {
        'version': _NEWEST_VERSION,
        'storage_identifier': 'mcap',
        **times,
        'message_count': message_count,
        'topics_with_message_count': [
            {
                'topic_metadata': {
                    'name': each.topic,
                    'type': each.message_type,
                    'serialization_format': each.message_encoding,
                    'offered_qos_profiles': dump_qos_v9(parse_qos(each.offered_qos_profiles)),
                    'type_description_hash': each.type_hash,
                },
                'message_count': each.messages,
            }
            for each in topics
        ],
        'compression_format': '',
        'compression_mode': '',
        'relative_file_paths': [file_name],
        'files': [{'path': file_name, **times, 'message_count': message_count}] if topics else [],
        'custom_data': dict(metadata),
        'ros_distro': 'jazzy',
    }


def is_qos(text: str) -> bool:
    """Tell whether a text is YAML that describes QoS profiles."""
    try:
        parse_qos(text)
    except Exception:
        return False
    return True


def custom_data(text: str) -> dict[str, str]:
    """Return the custom data in a serialised metadata record; empty if there is none."""
    try:
        return _texts(_load(text).get('custom_data')) if len(text) <= _LARGEST else {}
    except (ValueError, TypeError, AttributeError):
        return {}


def _load(text: str) -> Any:
    """
    Parse YAML.

    :raises ValueError: if it is none
    """
    # JSON is YAML, and parsing it takes a hundredth of the time.
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if _is_deep(text):
        raise ValueError('it is nested too deeply')
    try:
        return YAML(typ='safe').load(text)
    except Exception as error:
        raise ValueError(' '.join(str(error).split())) from error


def _is_deep(text: str) -> bool:
    """Tell whether YAML is nested so deeply that parsing would take minutes."""
    if _DASHES.search(text):
        return True
    depth = 0
    for bracket in _BRACKET.finditer(text):
        depth += 1 if bracket[0] in '[{' else -1
        if depth > _DEEPEST:
            return True
    return False


def _texts(values: Any) -> dict[str, str]:
    texts = {}
    for key, value in dict(values or {}).items():
        # Lists in lists with aliases could expand to a text of any length.
        if not isinstance(value, str | int | float | type(None)):
            raise ValueError(f'custom_data: {str(key)[:50]!r} is not text')
        texts[str(key)] = str(value)
    return texts
