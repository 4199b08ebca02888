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

import os

from her_ros.nodes.publishers import (
    live_publishers,
    node_names,
    OnePublisher,
    rivals,
    TopicSource,
)
import pytest
from std_msgs.msg import String


def numbers(*values):
    return [{'publication_sequence_number': value} for value in values]


@pytest.mark.parametrize(
    ('sent', 'last_is_of_the_same'),
    [
        ((7,), True),
        ((7, 8, 9), True),
        ((7, 8, 12), True),  # three got lost
        ((7, 8, 8), False),
        ((7, 8, 1), False),
        ((7, 8, 1000), False),
        ((None, None), True),
    ],
)
def test_two_publishers_count_apart(sent, last_is_of_the_same):
    publisher = OnePublisher()
    *before, last = numbers(*sent)
    assert all(publisher.sent(info) for info in before)
    assert publisher.sent(last) is last_is_of_the_same


def test_two_publishers_that_began_together_are_distinguished_by_their_next_messages():
    publisher = OnePublisher()
    assert [publisher.sent(info) for info in numbers(5, 6, 6)] == [True, True, False]


def test_after_a_restart_any_publisher_may_come():
    publisher = OnePublisher()
    for info in numbers(7, 8):
        publisher.sent(info)
    publisher.restart()
    assert publisher.sent(*numbers(3))
    assert not publisher.sent(*numbers(3))


@pytest.mark.nodes
def test_publishers_are_named_with_their_process(graph):
    one, two = (graph.new_node(name, '/run') for name in ('one', 'two'))
    publishers = [node.create_publisher(String, '/run/action', 1) for node in (one, two)]
    graph.until(lambda: len(node_names(one, 'action')) == 2, 'both publishers')
    pid = os.getpid()
    assert rivals(one, 'action') == f'/run/action: /run/one (pid {pid}) and /run/two (pid {pid})'
    two.destroy_publisher(publishers[1])
    graph.until(lambda: node_names(one, 'action') == {'/run/one'}, 'one publisher')


@pytest.mark.nodes
def test_a_source_has_left_when_its_publisher_is_gone(graph):
    one, two = (graph.new_node(name, '/run') for name in ('one', 'two'))
    source, crowd = TopicSource(one, 'step'), TopicSource(one, 'step')
    source.remember()
    assert source.left() is None  # nobody was there
    first = one.create_publisher(String, '/run/step', 1)
    graph.until(lambda: live_publishers(one, 'step'), 'a publisher')
    source.remember()
    second = two.create_publisher(String, '/run/step', 1)
    graph.until(lambda: len(live_publishers(one, 'step')) == 2, 'both publishers')
    crowd.remember()
    assert (source.left(), crowd.left()) == (False, None)
    one.destroy_publisher(first)
    graph.until(source.left, 'the end of the first')
    assert crowd.left() is None
    two.destroy_publisher(second)
    graph.until(crowd.left, 'the end of both')


@pytest.mark.nodes
def test_a_killed_publisher_has_left_although_dds_believes_in_it(graph):
    process = graph.start(
        'sim_env', parameters={'num_envs': 1, 'follow_collection_enabled': False}
    )
    graph.until(lambda: live_publishers(graph.node, '/run/step'), 'a publisher')
    source = TopicSource(graph.node, '/run/step')
    source.remember()
    assert source.left() is False
    process.kill()
    assert source.left() is True
    assert graph.node.count_publishers('/run/step') == 1
