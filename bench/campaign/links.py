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
Loss of the link between two machines, during a training and during a deployment.

Two network namespaces stand for the machines; a pair of virtual interfaces is the link, and it is
cut by setting one end down. The cases themselves run in one of the namespaces
(``campaign/link_cases.py``). Making a namespace needs root; where it is not permitted the figure
``links_skipped`` is 1 and the reason is printed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
from functools import partial
import json
import os
from pathlib import Path
import subprocess
import sys
import time
from typing import NamedTuple

from campaign.figures import Figure, Scale
from her_ros.runtime.process import die_with_parent

# Fast DDS announces participants every 3 s, and some announcements meet no listener yet;
# diagnostics come every second.
HEARD_LIMIT_S = 10.0

_TIMEOUT_S = 900.0
_INTERFACE = 'veth0'
# How `ip` says that this user, or this kernel, makes none; anything else is a fault of ours.
_NOT_PERMITTED = ('not permitted', 'denied', 'not supported', 'Unknown device type')
# What would keep the nodes on one machine, or have them found by others.
_NOT_INHERITED = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'ROS_STATIC_PEERS', 'ROS_DISCOVERY_SERVER')


class Link(NamedTuple):
    """Two machines, each a network namespace, and the interface of the first on their link."""

    here: str
    there: str
    interface: str

    def set(self, state: str) -> float:  # noqa: A003
        """Set the link ``up`` or ``down``; return when, monotonic seconds."""
        begin = time.monotonic()
        _ip('-n', self.here, 'link', 'set', self.interface, state)
        return begin

    @property
    def far_prefix(self) -> tuple[str, ...]:
        """Prefix of a command that runs on the other machine."""
        return 'ip', 'netns', 'exec', self.there


def run(scale: Scale, folder: Path) -> list[Figure]:
    """Return how long training and robot took, and what went wrong."""
    if reason := why_not_permitted():
        print(f'links: skipped: {reason}', file=sys.stderr)
        return [Figure('links_skipped', 1)]
    environment = {key: text for key, text in os.environ.items() if key not in _NOT_INHERITED}
    environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'SUBNET'
    bench = str(Path(__file__).parents[1])
    environment['PYTHONPATH'] = os.pathsep.join([bench, environment.get('PYTHONPATH', '')])
    with _linked() as link:
        command = [sys.executable, '-m', 'campaign.link_cases', scale.value, str(folder), *link]
        ended = subprocess.run(
            ['ip', 'netns', 'exec', link.here, *command],
            env=environment,
            stdout=subprocess.PIPE,
            timeout=_TIMEOUT_S,
            check=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    return [Figure(*each) for each in json.loads(ended.stdout.splitlines()[-1])]


def why_not_permitted() -> str:
    """Say why no network namespaces can be made; empty: they can."""
    try:
        with _linked():
            return ''
    except FileNotFoundError as error:
        return str(error)
    except subprocess.CalledProcessError as error:
        reason: str = error.stderr.decode(errors='replace').strip()
        if not any(each in reason for each in _NOT_PERMITTED):
            raise
        return reason


@contextmanager
def _linked() -> Iterator[Link]:
    """Make two network namespaces with a link between them; remove them at the end."""
    here, there = (f'her_ros_{os.getpid()}_{each}' for each in ('a', 'b'))
    with ExitStack() as stack:
        for name in (here, there):
            _ip('netns', 'add', name)
            stack.callback(_ip, 'netns', 'del', name)
        _ip(
            '-n',
            here,
            'link',
            'add',
            _INTERFACE,
            'type',
            'veth',
            'peer',
            'name',
            _INTERFACE,
            'netns',
            there,
        )
        for name, address in ((here, '10.213.0.1/24'), (there, '10.213.0.2/24')):
            _ip('-n', name, 'address', 'add', address, 'dev', _INTERFACE)
            for interface in ('lo', _INTERFACE):
                _ip('-n', name, 'link', 'set', interface, 'up')
        yield Link(here, there, _INTERFACE)


def _ip(*arguments: str) -> None:
    subprocess.run(['ip', *arguments], check=True, capture_output=True, timeout=10.0)
