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

from her_ros.orchestration import restart_rule
from her_ros.orchestration.restart_rule import RestartRule
import pytest


@pytest.fixture
def clock(monkeypatch):
    """Return a clock to set by hand."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(restart_rule.time, 'monotonic', lambda: Clock.now)
    return Clock


def test_three_deaths_of_a_node_in_a_minute_are_too_many(clock):
    rule = RestartRule()
    assert rule.allows('a')
    clock.now += 30
    assert rule.allows('a')
    clock.now += 29.9
    assert not rule.allows('a')


def test_deaths_that_are_old_are_forgotten(clock):
    rule = RestartRule()
    for _ in range(20):
        clock.now += 30.1  # never three within a minute
        assert rule.allows('a')
    clock.now += 1
    assert not rule.allows('a')


def test_nodes_are_counted_apart(clock):
    rule = RestartRule()
    assert all(rule.allows(name) for name in 'abcabc')
    assert not rule.allows('b')
    assert RestartRule.verdict('b') == 'b died 3 times within 60 s'
