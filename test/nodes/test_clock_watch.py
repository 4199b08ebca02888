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

import time

from her_ros.nodes.clock_watch import ClockWatch
from her_ros.nodes.rclpy_private import Wait
import pytest
from rclpy.executors import SingleThreadedExecutor

pytestmark = pytest.mark.nodes
LONG_S = 5.0


@pytest.fixture
def waiting(graph):
    """Return a node that waits for nothing else, and its clock."""
    node = graph.new_node('waiting', '/run')
    steps = [0.0]
    watch = ClockWatch(node, lambda: steps[-1])
    yield node, steps
    watch.close()


def _executor(node):
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    return lambda: executor.spin_once(timeout_sec=LONG_S)


def _own(node):
    node.create_timer(LONG_S, lambda: None)
    return Wait(node)


@pytest.mark.parametrize('make', [_executor, _own], ids=['executor', 'own'])
def test_a_clock_set_back_ends_a_wait(waiting, make):
    node, steps = waiting
    wait = make(node)
    steps.append(-3600.0)
    begin = time.monotonic()
    wait()
    assert time.monotonic() - begin < LONG_S / 2


def test_a_clock_set_forward_or_slewed_ends_none(waiting):
    node, steps = waiting
    steps.append(3600.0)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    executor.spin_once(timeout_sec=0.2)  # whatever there was to do at first
    steps.append(3599.995)
    begin = time.monotonic()
    executor.spin_once(timeout_sec=0.3)
    assert time.monotonic() - begin > 0.25
