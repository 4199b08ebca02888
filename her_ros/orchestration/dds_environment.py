"""Environment variables that configure Fast DDS for the nodes."""

import os
from pathlib import Path

from her_ros.config.files import shipped_profiles

_RANGE, _LOCALHOST_ONLY = 'ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY'
_WIDER_RANGES = ('SUBNET', 'OFF', 'SYSTEM_DEFAULT')
_PROFILES = 'FASTRTPS_DEFAULT_PROFILES_FILE'
# With these the user says who is to be found, and our profile would contradict.
_USERS_OWN = (_PROFILES, 'ROS_STATIC_PEERS', 'ROS_DISCOVERY_SERVER')


def graph_environment(log_folder: Path | None = None, this_machine: bool = True) -> dict[str, str]:
    """Return what the nodes' environment adds to ours.

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
    deprecated = {_LOCALHOST_ONLY: '0'} if os.environ.get(_LOCALHOST_ONLY) == '1' else {}
    # To ROS, what is no range means LOCALHOST.
    if asked in _WIDER_RANGES and not deprecated:
        return {}
    rmw = os.environ.get('RMW_IMPLEMENTATION') or 'rmw_fastrtps_cpp'
    if not rmw.startswith('rmw_fastrtps') or any(map(os.environ.get, _USERS_OWN)):
        return {} if deprecated else {_RANGE: 'LOCALHOST'}
    return {_RANGE: 'SYSTEM_DEFAULT', _PROFILES: str(shipped_profiles()), **deprecated}
