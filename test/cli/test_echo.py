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

import re

from her_ros.nodes.qos import LOCK_STEP
from her_ros.wire.cloud import encode_cloud
import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2

pytestmark = pytest.mark.nodes


@pytest.fixture(scope='module')
def commands(shared_graph):
    """All commands of this module, started at once."""
    node = {'num_envs': 2, 'follow_collection_enabled': False, 'action_timeout_s': 0.1}
    shared_graph.start('sim_env', '/run', node)
    return {
        'rows': shared_graph.cli('echo', '/run/step', '--rows', '5', COLUMNS='250'),
        'narrow': shared_graph.cli('echo', '/run/step', '--rows', '1', COLUMNS='80'),
        'on and on': shared_graph.cli('echo', '/run/step', COLUMNS='250'),
        'silent': shared_graph.cli('echo', '/nobody/step', '--timeout', '0.5'),
        'other': shared_graph.cli('echo', '/other/step', '--timeout', '60'),
        'cut': shared_graph.cli('echo', '/cut/step', '--timeout', '60'),
    }


def test_rows_are_printed_and_counted(commands):
    assert commands['rows'].ended() == 0
    output = commands['rows'].output
    for column in ('session', 'episode', 'achieved_goal', 'desired_goal', 'is_success'):
        assert column in output
    number = r'[+-]\d\.\d{3}'
    goal = rf'{number} {number} {number}'
    # session, env, episode, step, achieved goal, desired goal, then what led there
    row = rf'([0-9a-f]{{8}}) +([01]) +1 +0 +{goal} +{goal} '
    rows = re.findall(row, output)
    assert len(rows) == 5
    assert len({session for session, _ in rows}) == 1
    assert [env for _, env in rows] == ['0', '1', '0', '1', '0']


def test_it_continues_until_it_is_interrupted(commands, wait):
    command = commands['on and on']
    wait(lambda: command.output.count('session') >= 3, 'three tables')
    command.interrupt()
    assert command.ended(10.0) in (0, 130)


def test_no_number_is_cut_on_a_narrow_terminal(commands):
    assert commands['narrow'].ended() == 0
    lines = commands['narrow'].lines
    assert max(map(len, lines)) <= 80
    (first, *_) = (line for line in lines if re.match(' [0-9a-f]{8} ', line))
    # session, env, episode, step, then of two goals and the action x alone
    _, *numbers, version, reward, success = first.split()
    assert numbers[:3] == ['0', '1', '0']
    assert all(re.fullmatch(r'[+-]\d\.\d{3}', number) for number in numbers[3:])
    assert (len(numbers), version, reward, success) == (6, '0', '+0.000', '0')


def test_silence_is_one_line_and_status_1(commands):
    assert commands['silent'].ended() == 1
    (line,) = commands['silent'].lines
    assert line.startswith('her-ros: /nobody/step: nothing after 0.5 s')


@pytest.mark.parametrize(
    ('name', 'cdr', 'said'),
    [
        ('other', encode_cloud(np.zeros(2, [('x', 'f4'), ('y', 'f4')]), 1), "['x', 'y']"),
        ('cut', encode_cloud(np.zeros(2, [('session', 'u4')]), 1)[:30], 'cut short'),
    ],
)
def test_what_is_no_step_is_one_line_and_status_1(shared_graph, commands, name, cdr, said):
    publisher = shared_graph.node.create_publisher(PointCloud2, f'/{name}/step', LOCK_STEP)

    def ended():
        publisher.publish(cdr)
        return commands[name].popen.poll() is not None

    shared_graph.until(ended, 'an end of echo')
    assert commands[name].ended() == 1
    (line,) = commands[name].lines
    assert line.startswith('her-ros: ')
    assert f'/{name}/step' in line
    assert said in line
