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

import socket

from her_ros.orchestration.discovery_server import check_server, running_server
from her_ros.runtime.ros_environment import RosEnvironmentError
import pytest


@pytest.fixture
def port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(('127.0.0.1', 0))
        number = probe.getsockname()[1]
    return number


def test_the_server_runs_where_the_address_is_free_and_ends_with_the_command(tmp_path, port):
    address, log = f'127.0.0.1:{port}', tmp_path / 'server.log'
    with running_server(address, log) as first, running_server(address, log) as second:
        assert first == f'discovery server {address} runs here'
        assert second == f'discovery server {address} is of others'
        check_server(address)  # it is still there
    with pytest.raises(RosEnvironmentError, match=f'nobody answers at discovery server {address}'):
        check_server(address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(('127.0.0.1', port))


def test_none_runs_without_an_address(tmp_path):
    with running_server('', tmp_path / 'server.log') as note:
        assert not note
    assert not list(tmp_path.iterdir())


@pytest.fixture
def other(port):
    """Return a port at which something is that refuses nothing, as a server of others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(('127.0.0.1', 0))
        yield server.getsockname()[1]


def test_a_list_is_of_servers_of_others_and_one_that_answers_is_enough(tmp_path, port, other):
    with running_server(f'127.0.0.1:{port};127.0.0.1:{other}', tmp_path / 'server.log') as note:
        assert note == f'discovery server 127.0.0.1:{port};127.0.0.1:{other} is of others'
    assert not list(tmp_path.iterdir())


def test_a_list_of_which_nobody_answers_is_refused(tmp_path, port):
    address = f'127.0.0.1:{port};127.0.0.1:{port}'
    refused = pytest.raises(RosEnvironmentError, match=r'nobody answers .* \(.*refused; .*refused')
    with refused, running_server(address, tmp_path / 'server.log'):
        pass


def test_a_name_that_means_this_machine_alone_is_refused(tmp_path, port, monkeypatch):
    resolve = socket.getaddrinfo
    monkeypatch.setattr('socket.getaddrinfo', lambda host, *args: resolve('127.0.0.1', *args))
    monkeypatch.setattr('socket.gethostbyname', lambda host: '127.0.1.1')
    with (
        pytest.raises(RosEnvironmentError, match=r'127\.0\.1\.1, which no other machine reaches'),
        running_server(f'my-host:{port}', tmp_path / 'server.log'),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('address', ['no such host', ':11811', '127.0.0.1:port', '127.0.0.1:0'])
def test_what_is_no_address_is_refused(tmp_path, address):
    with (
        pytest.raises(RosEnvironmentError, match='write HOST or HOST:PORT'),
        running_server(address, tmp_path / 'server.log'),
    ):
        pass
