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
Check the environment variables of ROS 2 without starting ROS.

The libraries below ROS raise a traceback on a wrong value, end the process, or ignore it.
"""

from collections.abc import Mapping
import os
from pathlib import Path
import re
import socket
import sys
import tempfile
from xml.etree import ElementTree

from her_ros.runtime.errors import HerRosError

_DEFAULT_RMW = 'rmw_fastrtps_cpp'
#: the largest domain whose UDP ports exist
_MAX_DOMAIN = 232
_SWITCHES = (
    'RCUTILS_COLORIZED_OUTPUT', 'RCUTILS_LOGGING_BUFFERED_STREAM', 'RCUTILS_LOGGING_USE_STDOUT',
)  # fmt: skip
_PROFILES = 'FASTRTPS_DEFAULT_PROFILES_FILE'
_NAME = r'[A-Za-z_]\w*(/[A-Za-z_]\w*)*'
#: largest length of a namespace or a topic in DDS
_MAX_LENGTH = 200


class RosEnvironmentError(HerRosError):
    """An environment variable, or a name, that ROS does not accept."""


def check_ros_environment(environ: Mapping[str, str], own_log_folder: bool = False) -> None:
    """
    Check the variables that would make nodes fail, or that they would silently ignore.

    :param own_log_folder: whether the caller sets ``ROS_LOG_DIR`` where it is not set
    :raises RosEnvironmentError: naming the first variable that is wrong, and its value
    """
    domain_id(environ)
    _check_switches(environ)
    check_middleware(environ)
    if environ.get('ROS_LOG_DIR') or not own_log_folder:
        _check_log_folder(environ)
    if (environ.get('RMW_IMPLEMENTATION') or _DEFAULT_RMW).startswith('rmw_fastrtps'):
        _check_profiles(environ)
    _check_peers(environ)


def domain_id(environ: Mapping[str, str]) -> int:
    """
    Return the ROS domain.

    :raises RosEnvironmentError: if ``ROS_DOMAIN_ID`` is not one
    """
    text = environ.get('ROS_DOMAIN_ID', '').strip()
    if text and not (re.fullmatch(r'0|[1-9]\d{0,2}', text, re.ASCII) and int(text) <= _MAX_DOMAIN):
        raise RosEnvironmentError(
            f'ROS_DOMAIN_ID is {text!r}', f'it must be a whole number from 0 to {_MAX_DOMAIN}'
        )
    return int(text or 0)


def checked_namespace(text: str) -> str:
    """
    Return a namespace without the slashes around it.

    :raises RosEnvironmentError: if ROS does not accept it
    """
    plain = text.strip('/')
    if not re.fullmatch(_NAME, plain, re.ASCII) or len(plain) > _MAX_LENGTH:
        raise RosEnvironmentError(
            f'namespace {text!r} is not accepted by ROS',
            'use letters, digits, _ and / only, such as robot or lab/robot;'
            ' no part begins with a digit',
        )
    return plain


def checked_topic(text: str) -> str:
    """
    Check the name of a topic, and return it unchanged.

    :raises RosEnvironmentError: if ROS does not accept it
    """
    if not re.fullmatch(rf'(~?/)?{_NAME}', text, re.ASCII) or len(text) > _MAX_LENGTH:
        raise RosEnvironmentError(
            f'topic {text!r} is not accepted by ROS',
            'use letters, digits, _ and / only, such as /robot/goal; no part begins with a digit',
        )
    return text


def _check_switches(environ: Mapping[str, str]) -> None:
    for name in _SWITCHES:
        if environ.get(name, '') not in ('', '0', '1'):
            raise RosEnvironmentError(f'{name} is {environ[name]!r}', 'it must be 0 or 1')


def check_middleware(environ: Mapping[str, str]) -> None:
    """
    Check that the requested RMW implementation is installed.

    :raises RosEnvironmentError: naming it, and the installed ones
    """
    asked = environ.get('RMW_IMPLEMENTATION', '')
    installed = _installed_middleware(environ)
    if asked and installed and asked not in installed:
        raise RosEnvironmentError(
            f'RMW_IMPLEMENTATION is {asked!r}, which is not installed',
            f'installed are {", ".join(sorted(installed))}',
        )


def _installed_middleware(environ: Mapping[str, str]) -> set[str]:
    """Return the installed implementations; empty if they are not listed."""
    prefixes = [sys.prefix, *environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)]
    index = Path('share', 'ament_index', 'resource_index', 'rmw_typesupport')
    folders = [Path(prefix) / index for prefix in prefixes if prefix]
    found = {path.name for folder in folders if folder.is_dir() for path in folder.iterdir()}
    return found - {'rmw_implementation'}


def _check_log_folder(environ: Mapping[str, str]) -> None:
    name, folder = _log_folder(environ)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RosEnvironmentError(
            f'ROS cannot write its log there ({error.strerror})',
            f'it follows from {name}, set ROS_LOG_DIR to a folder that can be written',
            source=folder,
        ) from None


def _log_folder(environ: Mapping[str, str]) -> tuple[str, Path]:
    """Return the variable that sets the log folder of ROS, and the folder."""
    home = environ.get('HOME', '')
    for name, below in (('ROS_LOG_DIR', ''), ('ROS_HOME', 'log'), ('HOME', '.ros/log')):
        value = environ.get(name, '')
        if value.startswith('~'):
            value = home + value[1:]
        if value:
            return name, Path(value) / below
    raise RosEnvironmentError(
        'neither ROS_LOG_DIR nor HOME is set, so ROS has no place for its log', 'set one of them'
    )


def _check_profiles(environ: Mapping[str, str]) -> None:
    path = environ.get(_PROFILES, '')
    try:
        if path:
            ElementTree.parse(path)
    except OSError as error:
        raise RosEnvironmentError(
            f'{_PROFILES} is {path!r}, which cannot be read ({error.strerror})',
            'name a readable file, or unset it',
        ) from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise RosEnvironmentError(
            f'{_PROFILES} is {path!r}, which is no XML ({error})', 'correct the file, or unset it'
        ) from None


def _check_peers(environ: Mapping[str, str]) -> None:
    discovery = environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '')
    if discovery in ('OFF', 'SYSTEM_DEFAULT') or environ.get('ROS_LOCALHOST_ONLY') == '1':
        return  # peers are not used
    for peer in filter(None, environ.get('ROS_STATIC_PEERS', '').split(';')):
        try:
            socket.getaddrinfo(peer, None)
        except (OSError, UnicodeError):
            raise RosEnvironmentError(
                f'ROS_STATIC_PEERS: {peer!r} is no address, and no host of this name was found',
                'write addresses or host names, apart by ;',
            ) from None
