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

"""Start the discovery server of Fast DDS, for networks without multicast."""

from collections.abc import Iterator
from contextlib import contextmanager
import errno
from functools import partial
import os
from pathlib import Path
import shutil
import socket
import subprocess
import sys
import sysconfig

from her_ros.orchestration.dds_environment import discovery_server
from her_ros.runtime.process import die_with_parent
from her_ros.runtime.ros_environment import RosEnvironmentError

_PROGRAM = 'fast-discovery-server'
# How long the refusal of a machine without a server may take, seconds.
_ANSWER_S = 1.0


@contextmanager
def running_server(address: str, log: Path) -> Iterator[str]:
    """
    Run a discovery server if the address is a free one of this machine.

    :param address: HOST or HOST:PORT; empty: run none; several, apart by ``;``, are of others
    :param log: takes its output
    :return: what became of it, for the user; empty: none was asked for
    :raises RosEnvironmentError: if Fast DDS's server is not installed, or does not start, or other
        machines cannot reach it, or nobody answers at the addresses of others
    """
    if not address:
        yield ''
        return
    servers = discovery_server(address)['ROS_DISCOVERY_SERVER']
    host, _, port = servers.rpartition(':')
    if ';' not in servers:
        _check_reachable(host)
    if ';' in servers or not _is_free_here(host, int(port)):
        check_server(servers)
        yield f'discovery server {servers} is of others'
        return
    program = shutil.which(_PROGRAM) or shutil.which(
        _PROGRAM, path=str(Path(sys.executable).parent)
    )
    if program is None:
        raise RosEnvironmentError(f'{_PROGRAM} is not installed', 'install Fast DDS')
    with log.open('ab') as output:
        server = subprocess.Popen(
            [program, '-i', '0', '-l', socket.gethostbyname(host), '-p', port],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, 'LD_LIBRARY_PATH': _libraries(program)},
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    try:
        try:
            status = server.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            yield f'discovery server {host}:{port} runs here'
        else:
            raise RosEnvironmentError(
                f'{_PROGRAM} ended with status {status}', 'this log says why', log
            )
    finally:
        server.kill()
        server.wait()


def check_server(servers: str) -> None:
    """
    Check that a discovery server may be at one of some addresses.

    A server says nothing to a stranger, but a machine without one refuses the message.

    :param servers: HOST:PORT, apart by ``;``
    :raises RosEnvironmentError: if none can be there
    """
    reasons = [_refusal(*each.rsplit(':', 1)) for each in servers.split(';') if each]
    if all(reasons):
        raise RosEnvironmentError(
            f'nobody answers at discovery server {servers} ({"; ".join(reasons)})',
            f'start one there by `her-ros train --discovery-server`, or by {_PROGRAM}',
        )


def _refusal(host: str, port: str) -> str:
    """Return why no server can be at an address; empty if there may be one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(_ANSWER_S)
        try:
            probe.connect((host, int(port)))
            probe.send(b'')
            probe.recv(1)
        except TimeoutError:
            return ''
        except OSError as error:
            return error.strerror or str(error)
    return ''


def _check_reachable(host: str) -> None:
    """
    Check that a name of this machine is not one for this machine alone.

    Debian and Ubuntu give a machine's own name the address 127.0.1.1.
    """
    address = socket.gethostbyname(host)
    asked = host == 'localhost' or host.startswith('127.')
    if address.startswith('127.') and not asked:
        raise RosEnvironmentError(
            f'discovery server {host!r} would listen on {address}, which no other machine reaches',
            'write the address of a network interface, such as 10.0.0.1',
        )


def _is_free_here(host: str, port: int) -> bool:
    """Return whether an address is of this machine and nobody has its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                return False
            raise
    return True


def _libraries(program: str) -> str:
    """Return where the server's libraries are; those of the wheels of ROS are beside Python."""
    prefix = Path(program).resolve().parents[1]
    own = [prefix / 'lib', Path(sysconfig.get_path('purelib'), 'ros_fastrtps.libs')]
    return os.pathsep.join(filter(None, [*map(str, own), os.environ.get('LD_LIBRARY_PATH', '')]))
