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

"""Environment variables that configure the middleware for the nodes."""

import json
import os
from pathlib import Path
import socket

from her_ros.config.files import shipped_profiles
from her_ros.runtime.ros_environment import RosEnvironmentError

_SERVER, _SERVER_PORT = 'ROS_DISCOVERY_SERVER', 11811
_ZENOH, _ZENOH_PORT = 'ZENOH_CONFIG_OVERRIDE', 7447
_RANGE, _LOCALHOST_ONLY = 'ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY'
_WIDER_RANGES = ('SUBNET', 'OFF', 'SYSTEM_DEFAULT')
_PROFILES = 'FASTRTPS_DEFAULT_PROFILES_FILE'
# With these the user says who is to be found, and our profile would contradict.
_USERS_OWN = (_PROFILES, 'ROS_STATIC_PEERS', _SERVER)


def graph_environment(log_folder: Path | None = None, this_machine: bool = True) -> dict[str, str]:
    """
    Return what the nodes' environment adds to ours.

    Fast DDS goes by UDP: whoever publishes into the shared memory of a killed node may wait for it
    for seconds. Discovery that is limited to this machine, by us or by the user's ``LOCALHOST``,
    would bring shared memory back, so a profile of ours limits it instead. All else that the user
    has set stays.

    :param log_folder: where ROS shall keep its own log files; None: where it does
    :param this_machine: limit discovery to it, unless the user has set a range
    """
    wanted = {
        'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4',
        'PYTHONUNBUFFERED': '1',
        'RCUTILS_COLORIZED_OUTPUT': '0',
        # Nodes render nothing; to find out how it could, MuJoCo starts a process at each import.
        'MUJOCO_GL': 'off',
    }
    if log_folder is not None:
        wanted['ROS_LOG_DIR'] = str(log_folder / 'ros')
    added = {name: value for name, value in wanted.items() if not os.environ.get(name)}
    return {**added, **_discovery(this_machine)}


def _discovery(this_machine: bool) -> dict[str, str]:
    asked = os.environ.get(_RANGE) or ('LOCALHOST' if this_machine else 'SUBNET')
    deprecated = _not_localhost_only()
    # To ROS, what is no range means LOCALHOST.
    if asked in _WIDER_RANGES and not deprecated:
        return {}
    rmw = os.environ.get('RMW_IMPLEMENTATION') or 'rmw_fastrtps_cpp'
    if not rmw.startswith('rmw_fastrtps') or any(map(os.environ.get, _USERS_OWN)):
        return {} if deprecated else {_RANGE: 'LOCALHOST'}
    return {_RANGE: 'SYSTEM_DEFAULT', _PROFILES: str(shipped_profiles()), **deprecated}


def is_open() -> bool:
    """Return whether nodes on other machines can find nodes in our environment."""
    is_zenoh = (os.environ.get('RMW_IMPLEMENTATION') or '').startswith('rmw_zenoh')
    if is_zenoh or os.environ.get(_SERVER):
        return True
    return not _has_our_profile() and not _discovery(this_machine=True)


def _has_our_profile() -> bool:
    return os.environ.get(_PROFILES) == str(shipped_profiles())


def discovery_server(addresses: str) -> dict[str, str]:
    """
    Return what makes nodes use discovery servers of Fast DDS, instead of multicast.

    :param addresses: of the servers, apart by ``;``, such as ``10.0.0.1`` or ``host:11811``; an
        empty one leaves out a server's number
    :raises RosEnvironmentError: if one is no address, or all are empty
    """
    parts = [each and _server_address(each) for each in addresses.split(';')]
    if not any(parts):
        raise _no_address(addresses)
    return {_SERVER: ';'.join(parts), _RANGE: 'SYSTEM_DEFAULT', **_not_localhost_only()}


def _server_address(address: str) -> str:
    """Return the address of a discovery server with its port."""
    host, _, port = address.partition(':')
    try:
        if not host or not 0 < int(port or _SERVER_PORT) < 1 << 16:
            raise ValueError
        socket.getaddrinfo(host, None, socket.AF_INET)
    except (OSError, ValueError):
        raise _no_address(address) from None
    return f'{host}:{port or _SERVER_PORT}'


def _no_address(text: str) -> RosEnvironmentError:
    return RosEnvironmentError(
        f'discovery server {text!r}: no such host, or no port',
        'write HOST or HOST:PORT, such as 10.0.0.1:11811',
    )


def _not_localhost_only() -> dict[str, str]:
    """Return what undoes the deprecated switch, which would override every range."""
    return {_LOCALHOST_ONLY: '0'} if os.environ.get(_LOCALHOST_ONLY) == '1' else {}


def member_environment(
    domain: int, middleware: str, is_open: bool, server: str, trainer_host: str
) -> dict[str, str]:
    """
    Return what makes nodes here find those of a run that another process started.

    A discovery server, or a limit to this machine, that our own environment has and the run has
    not would hide the run, and is cleared.

    :param is_open: whether the run's nodes can be found from other machines
    :param server: address of the discovery server of Fast DDS; empty: none
    :param trainer_host: where a router of Zenoh is expected
    """
    wanted = {'ROS_DOMAIN_ID': str(domain), 'RMW_IMPLEMENTATION': middleware}
    if middleware.startswith('rmw_zenoh'):
        endpoints = json.dumps([f'tcp/{trainer_host}:{_ZENOH_PORT}'])
        return {**wanted, _ZENOH: os.environ.get(_ZENOH) or f'connect/endpoints={endpoints}'}
    if server:
        return {**wanted, **discovery_server(server)}
    wanted |= {_SERVER: '', **_not_localhost_only()}
    if not is_open:
        return wanted if _has_our_profile() else {**wanted, _RANGE: 'LOCALHOST'}
    asked = os.environ.get(_RANGE, '')
    return {**wanted, _RANGE: asked if asked in _WIDER_RANGES else 'SUBNET'}
