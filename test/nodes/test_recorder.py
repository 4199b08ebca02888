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

import itertools
import os
import signal
import time

from her_ros.bags.reader import read_bag
from her_ros.nodes.qos import HINT, RECORDING
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import encode_cloud
from her_ros.wire.rows import action_dtype
import numpy as np
import pytest
from rosbags.rosbag2 import Reader
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import String

pytestmark = pytest.mark.nodes

NAMES = ('good', 'killed', 'interrupted', 'terminated', 'crowded', 'unwritable', 'missing')
# what else makes a recorder end at once
WRONG = {'nowhere': {'run_dir': ''}, 'unknown': {'task': 'FetchTea'}}


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    parent = tmp_path_factory.mktemp('runs')
    folders = {name: RunFolder(parent / name) for name in NAMES}
    for name, folder in folders.items():
        if name != 'missing':
            folder.create()
    # A folder in which nobody can make a file, not even root.
    folders['unwritable'].bags.rmdir()
    folders['unwritable'].bags.symlink_to('/sys')
    return folders


@pytest.fixture(scope='module')
def start(shared_graph, folders):
    def start(name, folder='', **parameters):
        run_dir = str(folders[folder or name].path)
        parameters = {'run_dir': run_dir, 'worker': 3, 'seed': 8, **parameters}
        return shared_graph.start('recorder', f'/{name}', parameters)

    return start


@pytest.fixture(scope='module')
def nodes(start):
    """All nodes that the tests share, started at once."""
    wrong = {name: start(name, 'good', **values) for name, values in WRONG.items()}
    return {name: start(name) for name in NAMES} | wrong


@pytest.fixture
def make_partner(shared_graph, nodes, make_state_partner):
    def make(name, node=None):
        # A recorder hears another session only after half a second of silence.
        time.sleep(0.6)
        return make_state_partner(shared_graph, f'/{name}', node=node)

    return make


def rollout(partner, episode, moves=5):
    """Make the messages of a rollout."""
    messages = [partner.states(episode, s, truncated=s == moves) for s in range(moves + 1)]
    for rows in messages:
        rows['desired_goal'] = messages[0]['desired_goal']
        rows['policy_version'] = 6 * (rows['step'] > 0)
    return messages


def bags(folder):
    return sorted(folder.bags.glob('*.mcap'))


def check_bag(path, messages):
    """See that a bag holds these messages, and nothing else."""
    rows = np.stack(messages)
    episodes = read_bag(path).episodes
    assert len(episodes) == rows.shape[1]
    for env, episode in enumerate(episodes):
        for name in rows.dtype.names:
            np.testing.assert_array_equal(episode.rows[name], rows[name][:, env])


@pytest.fixture
def record(shared_graph, folders):
    """Send messages; return the bag that comes of them."""

    def record(partner, name, messages):
        before = bags(folders[name])
        for rows in messages:
            partner.send(rows)
        shared_graph.until(lambda: len(bags(folders[name])) > len(before), 'a bag')
        (path,) = set(bags(folders[name])) - set(before)
        return path

    return record


def test_every_rollout_is_one_bag_that_plain_rosbag2_reads(
    shared_graph, folders, make_partner, record
):
    partner, hints = make_partner('good'), []
    shared_graph.node.create_subscription(String, '/good/rollout_recorded', hints.append, HINT)
    actions = shared_graph.node.create_publisher(PointCloud2, '/good/action', RECORDING)
    shared_graph.until(actions.get_subscription_count, 'a subscriber of actions')
    shared_graph.until(
        lambda: shared_graph.node.count_publishers('/good/rollout_recorded'), 'hints'
    )
    names = []
    for episode in (1, 2, 3):
        messages = rollout(partner, episode)
        partner.send(messages[0])
        answer = np.zeros(2, action_dtype(partner.task))
        actions.publish(encode_cloud(answer, 1))
        # Its action is written once the rollout is under way; then the rest may follow.
        shared_graph.until(lambda: list(folders['good'].bags.glob('.*.tmp')), 'a rollout')
        actions.publish(encode_cloud(answer, 2))
        path = record(partner, 'good', messages[1:])
        check_bag(path, messages)
        names.append(path.name)
        shared_graph.until(lambda name=path.name: name in [h.data for h in hints], 'a hint')
        with Reader(path) as reader:
            kinds = {(each.topic, each.msgtype) for each in reader.connections}
        assert ('/good/step', 'sensor_msgs/msg/PointCloud2') in kinds
        assert kinds <= {(f'/good/{t}', 'sensor_msgs/msg/PointCloud2') for t in ('step', 'action')}
    assert names == sorted(names)
    metadata = read_bag(path).metadata
    assert metadata.items() >= {
        'task': 'FetchReach', 'worker': '3', 'seed': '8', 'control_period_s': '0.04',
        'policy_version': '6',
    }.items()  # fmt: skip


def test_nothing_of_a_burst_is_missed(make_partner, record):
    partner = make_partner('good')
    messages = rollout(partner, 1, moves=600)
    check_bag(record(partner, 'good', messages), messages)


def test_a_rollout_with_a_hole_is_dropped_and_counted(shared_graph, folders, make_partner, record):
    partner, name = make_partner('good'), '/good/recorder'
    dropped = int(shared_graph.new_status(name)['rollouts_dropped'])
    torn, whole = rollout(partner, 1), rollout(partner, 2)
    path = record(partner, 'good', torn[:2] + torn[3:] + whole)
    check_bag(path, whole)
    status = shared_graph.new_status(name)
    assert int(status['rollouts_dropped']) == dropped + 1
    assert status['level'] == '0'
    assert not list(folders['good'].bags.glob('.*'))


def test_messages_of_another_task_are_reported_and_the_next_rollout_is_kept(
    shared_graph, make_partner, make_state_partner, record, nodes
):
    partner = make_partner('good')
    foreign = make_state_partner(shared_graph, '/good', 'FetchPush')
    name = '/good/recorder'

    def named():
        # one line per topic and some seconds: another test may have had the last
        foreign.send(foreign.states(1, 0))
        shared_graph.spin(0.2)
        return any('observation has 25 values' in line for line in nodes['good'].lines)

    shared_graph.until(named, 'a line')
    shared_graph.until(lambda: shared_graph.status(name).get('level') == '1', 'a complaint')
    assert 'observation has 25 values' in shared_graph.status(name)['message']
    messages = rollout(partner, 1)
    check_bag(record(partner, 'good', messages), messages)
    assert shared_graph.new_status(name)['message'] == 'recording'


def test_kill_in_mid_rollout_leaves_no_broken_bag(
    shared_graph, folders, make_partner, record, nodes, start
):
    partner, folder = make_partner('killed'), folders['killed']
    first, second, third = (rollout(partner, episode) for episode in (1, 2, 3))
    check_bag(record(partner, 'killed', first), first)
    for rows in second[:3]:
        partner.send(rows)
    shared_graph.until(lambda: list(folder.bags.glob('.*')), 'a bag under way')
    nodes['killed'].kill()
    assert len(bags(folder)) == 1
    start('killed')
    # DDS believes in the killed one for 20 seconds more.
    shared_graph.until(lambda: partner.publisher.get_subscription_count() == 2, 'a second one')
    check_bag(record(partner, 'killed', second[3:] + third), third)
    assert len(bags(folder)) == 2
    assert not list(folder.bags.glob('.*'))


@pytest.mark.parametrize('name', ['interrupted', 'terminated'])
def test_a_stop_in_mid_rollout_leaves_nothing_of_it(
    shared_graph, folders, make_partner, nodes, name
):
    partner = make_partner(name)
    partner.send(partner.states(1, 0))
    shared_graph.until(lambda: list(folders[name].bags.glob('.*')), 'a bag under way')
    nodes[name].popen.send_signal(signal.SIGINT if name == 'interrupted' else signal.SIGTERM)
    assert nodes[name].ended() == 0
    assert not list(folders[name].bags.iterdir())


def test_a_second_environment_is_named_and_the_first_one_is_recorded(
    shared_graph, folders, make_partner, record, nodes
):
    one, other = (
        make_partner('crowded', shared_graph.new_node(name)) for name in ('left', 'right')
    )
    line, episodes = 'another environment sends and is not recorded', itertools.count(2)
    check_bag(record(one, 'crowded', messages := rollout(one, 1, 12)), messages)

    def named():
        episode = next(episodes)
        messages = rollout(one, episode)
        for own, foreign in zip(messages, rollout(other, episode), strict=True):
            other.send(foreign)
            one.send(own)
        shared_graph.spin(0.1)
        return any(line in each for each in nodes['crowded'].lines)

    shared_graph.until(named, 'a line about the second environment')
    (told,) = [each for each in nodes['crowded'].lines if line in each]
    assert f'/left (pid {os.getpid()}) and /right (pid {os.getpid()})' in told
    status = shared_graph.new_status('/crowded/recorder')
    assert (status['level'], status['rollouts_dropped']) == ('1', '0')
    assert all(f'_{one.session:08x}_' in path.name for path in bags(folders['crowded']))
    episode = next(episodes)
    shared_graph.until(
        lambda: len(bags(folders['crowded'])) == episode - 1, 'a bag of each rollout before'
    )
    last = rollout(one, episode)
    check_bag(record(one, 'crowded', last), last)


def test_a_missing_folder_is_one_line_and_status_2(nodes, folders):
    assert nodes['missing'].ended() == 2
    (line,) = nodes['missing'].lines
    assert str(folders['missing'].path) in line
    assert not folders['missing'].path.exists()


def test_a_folder_that_takes_nothing_is_one_line_and_status_2(make_partner, nodes, folders):
    partner = make_partner('unwritable')
    partner.send(partner.states(1, 0))
    assert nodes['unwritable'].ended() == 2
    (line,) = nodes['unwritable'].lines
    assert str(folders['unwritable'].bags) in line
    assert 'cannot be written' in line


@pytest.mark.parametrize(
    ('name', 'parts'), [('nowhere', ['run_dir']), ('unknown', ["'FetchTea'", *TASKS])]
)
def test_wrong_settings_are_one_line_and_status_2(nodes, name, parts):
    assert nodes[name].ended() == 2
    (line,) = nodes[name].lines
    for part in parts:
        assert part in line
