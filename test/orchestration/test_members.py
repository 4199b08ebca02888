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

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from her_ros.nodes.messages import time_message
from her_ros.orchestration.members import Members
import pytest


@pytest.fixture
def clock(monkeypatch):
    """Return a clock of the test's own."""
    now = [100.0]
    monkeypatch.setattr('her_ros.orchestration.members.time.monotonic', lambda: now[0])
    return now


def report(*names, host='far', stamp_ns=0):
    values = [KeyValue(key='host', value=host)]
    message = DiagnosticArray(status=[DiagnosticStatus(name=n, values=values) for n in names])
    message.header.stamp = time_message(stamp_ns)
    return message


def test_a_free_recorder_is_one_of_a_joining_worker_without_an_environment(clock):
    members = Members('lab/run')
    names = ('worker_0/recorder', 'worker_100/recorder', 'worker_100/sim_env', 'trainer')
    members.take(report(*(f'/lab/run/{name}' for name in names)))
    members.take(report('/lab/run/worker_101/recorder', '/other/worker_102/recorder'))
    assert members.free_recorders() == [101]
    clock[0] += 4.0
    members.take(report('/lab/run/worker_0/recorder', '/lab/run/worker_100/recorder'))
    clock[0] += 2.0
    # 101 was not heard lately; 0 is of the run's own worker, although only its recorder is heard.
    assert members.free_recorders() == [100]


def test_the_clock_of_the_trainer_is_read_from_the_report_that_came_fastest():
    members = Members('run')
    assert not members.trainer_host
    for ahead_s in (-3, -1, -2):
        members.take(report('/run/trainer', stamp_ns=time.time_ns() + ahead_s * 10**9))
    members.take(report('/run/evaluator', host='near', stamp_ns=time.time_ns() + 50 * 10**9))
    assert members.trainer_host == 'far'
    assert members.clock_ahead_s == pytest.approx(-1.0, abs=0.5)


def test_a_report_without_a_sensible_stamp_tells_nothing_about_clocks():
    members = Members('run')
    for stamp_ns in (-(10**9), -(2**31) * 10**9, 0):
        members.take(report('/somebody/else', '/run/trainer', host='a\nb', stamp_ns=stamp_ns))
    assert members.trainer_host == 'a b'
    assert members.clock_ahead_s == -float('inf')
