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

from her_ros.nodes.hints import Hints
import pytest


@pytest.fixture
def clock(monkeypatch):
    """Return a clock of the test's own."""
    now = [100.0]
    monkeypatch.setattr('her_ros.nodes.hints.time.monotonic', lambda: now[0])
    return now


A, B, C = (f'20261126T065514_w100_0a1b2c3d_{number:06d}.mcap' for number in range(3))


def test_a_bag_that_is_not_found_is_named_after_a_minute_and_a_half(clock):
    found = {A}
    hints = Hints(found.__contains__)
    for name in (A, B, C, B):
        hints.heard(name)
    clock[0] += 89.0
    assert not hints.trouble()
    found.add(C)
    clock[0] += 2.0
    assert hints.trouble().startswith(f'1 recorded bags are not in bags/, such as {B!r}; ')
    found.add(B)
    assert not hints.trouble()


def test_a_bag_that_never_comes_is_forgotten_after_some_minutes(clock):
    hints = Hints(lambda name: False)
    hints.heard(A)
    clock[0] += 380.0
    assert hints.trouble()
    clock[0] += 20.0
    assert not hints.trouble()


def test_what_is_no_name_of_a_rollout_is_never_missed(clock):
    hints = Hints(lambda name: False)
    for name in ('x', '', '../' + A, 'v000001_0123456789abcdef.mcap', A + 'x'):
        hints.heard(name)
    clock[0] += 100.0
    assert not hints.trouble()
