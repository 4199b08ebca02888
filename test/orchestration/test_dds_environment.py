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

from pathlib import Path

from her_ros.orchestration.dds_environment import (
    discovery_server,
    graph_environment,
    is_open,
    member_environment,
)
from her_ros.runtime.ros_environment import RosEnvironmentError
import pytest
import rclpy
from rclpy.context import Context
from std_msgs.msg import Empty


@pytest.fixture
def added(monkeypatch):
    """Return what an environment of the user's is given."""
    names = {
        'range': 'ROS_AUTOMATIC_DISCOVERY_RANGE',
        'only': 'ROS_LOCALHOST_ONLY',
        'peers': 'ROS_STATIC_PEERS',
        'profiles': 'FASTRTPS_DEFAULT_PROFILES_FILE',
        'transports': 'FASTDDS_BUILTIN_TRANSPORTS',
        'rmw': 'RMW_IMPLEMENTATION',
    }

    def ask(this_machine=True, **given):
        for name, variable in names.items():
            monkeypatch.setenv(variable, given.get(name, ''))
        wanted = graph_environment(this_machine=this_machine)
        return {name: wanted[variable] for name, variable in names.items() if variable in wanted}

    return ask


@pytest.mark.nodes
def test_whoever_joins_is_found_in_less_than_the_three_seconds_that_fast_dds_may_take(graph):
    graph.node.create_subscription(Empty, '/joined', lambda _: None, 1)
    # Without the profile one to three of ten take longer.
    for _ in range(15):
        context = Context()
        rclpy.init(args=[], context=context, domain_id=graph.domain)
        node = rclpy.create_node('joins', context=context)
        publisher = node.create_publisher(Empty, '/joined', 1)
        graph.until(publisher.get_subscription_count, 'discovery', timeout_s=2.0)
        node.destroy_node()
        context.shutdown()


@pytest.fixture
def over_udp(added):
    """Return what keeps nodes on this machine without shared memory."""
    ours = added()
    assert Path(ours['profiles']).name == 'fastdds.xml'
    assert (ours['range'], ours['transports']) == ('SYSTEM_DEFAULT', 'UDPv4')
    return ours


@pytest.mark.parametrize('this_machine', [True, False])
@pytest.mark.parametrize('asked', ['LOCALHOST', 'localhost', 'nonsense'])
def test_a_user_who_wants_this_machine_alone_gets_it_over_udp(
    added, over_udp, asked, this_machine
):
    assert added(this_machine, range=asked) == over_udp
    assert added(this_machine, only='1', range='SUBNET') == {**over_udp, 'only': '0'}


def test_discovery_is_the_users(added, over_udp):
    udp = {'transports': 'UDPv4'}
    assert added(this_machine=False) == udp
    for asked in ('SUBNET', 'OFF', 'SYSTEM_DEFAULT'):
        assert added(range=asked) == udp
    assert added(rmw='rmw_fastrtps_dynamic_cpp') == over_udp
    # Here our profile would be in the way.
    for given in ({'profiles': 'mine.xml'}, {'peers': 'robot'}, {'rmw': 'rmw_cyclonedds_cpp'}):
        assert added(**given) == {**udp, 'range': 'LOCALHOST'}
        assert added(**given, only='1') == udp
    assert added(range='SUBNET', transports='SHM') == {}


def test_a_member_of_a_zenoh_run_connects_to_the_router_of_the_trainer(monkeypatch):
    monkeypatch.delenv('ZENOH_CONFIG_OVERRIDE', raising=False)
    named = {'ROS_DOMAIN_ID': '7', 'RMW_IMPLEMENTATION': 'rmw_zenoh_cpp'}

    def joined(server=''):
        return member_environment(7, 'rmw_zenoh_cpp', True, server, 'trainer')

    router = 'connect/endpoints=["tcp/trainer:7447"]'
    assert joined() == {**named, 'ZENOH_CONFIG_OVERRIDE': router}
    # A discovery server is of Fast DDS.
    assert joined(server='10.0.0.1') == joined()
    own = 'connect/endpoints=["tcp/elsewhere:7447"]'
    monkeypatch.setenv('ZENOH_CONFIG_OVERRIDE', own)
    assert joined() == {**named, 'ZENOH_CONFIG_OVERRIDE': own}


def test_a_zenoh_run_is_found_from_other_machines_whatever_range_fast_dds_has(monkeypatch):
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.delenv('ROS_DISCOVERY_SERVER', raising=False)
    for middleware, found in (('rmw_zenoh_cpp', True), ('rmw_fastrtps_cpp', False), ('', False)):
        monkeypatch.setenv('RMW_IMPLEMENTATION', middleware)
        assert is_open() == found


@pytest.mark.parametrize(
    ('addresses', 'wanted'),
    [
        ('10.0.0.1', '10.0.0.1:11811'),
        ('10.0.0.1:11811;10.0.0.2', '10.0.0.1:11811;10.0.0.2:11811'),
        (';10.0.0.2:7;', ';10.0.0.2:7;'),  # the first server has number 1
    ],
)
def test_each_part_of_a_list_of_discovery_servers_is_an_address(addresses, wanted):
    assert discovery_server(addresses)['ROS_DISCOVERY_SERVER'] == wanted


@pytest.mark.parametrize('addresses', ['', ';', '10.0.0.1;no such host', '10.0.0.1;10.0.0.2:x'])
def test_a_list_with_a_part_that_is_no_address_is_refused(addresses):
    with pytest.raises(RosEnvironmentError, match='write HOST or HOST:PORT'):
        discovery_server(addresses)


@pytest.mark.parametrize('is_open', [True, False])
def test_what_would_hide_a_run_without_a_discovery_server_is_cleared(monkeypatch, is_open):
    monkeypatch.setenv('ROS_DISCOVERY_SERVER', '10.9.9.9:11811')
    monkeypatch.setenv('ROS_LOCALHOST_ONLY', '1')
    wanted = member_environment(7, '', is_open, '', 'far')
    assert (wanted['ROS_DISCOVERY_SERVER'], wanted['ROS_LOCALHOST_ONLY']) == ('', '0')
    # With a server of its own, that one counts.
    wanted = member_environment(7, '', is_open, '10.0.0.1', 'far')
    assert wanted['ROS_DISCOVERY_SERVER'] == '10.0.0.1:11811'
    assert wanted['ROS_LOCALHOST_ONLY'] == '0'
