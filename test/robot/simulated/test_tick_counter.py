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

from her_ros.robot.simulated.tick_counter import TickCounter
import numpy as np


def test_jitter_does_not_add_up():
    ticks, generator = TickCounter(0.01, 100.0, most_at_once=10), np.random.default_rng(0)
    done = 0
    for tick in range(1, 1001):
        now = 100.0 + 0.01 * (tick + generator.uniform(-0.05, 0.6))
        done += ticks.due(now)
        # Never ahead of the wall clock, by more than what a timer fires early.
        assert done <= (now - 100.0) / 0.01 + 0.1
        assert done == tick
    assert (ticks.late, ticks.skipped) == (0, 0)


def test_a_short_delay_is_made_up_for_and_a_long_one_is_skipped():
    ticks = TickCounter(0.01, 0.0, most_at_once=5)
    assert ticks.due(0.0101) == 1
    assert ticks.due(0.0451) == 3
    assert (ticks.late, ticks.skipped) == (2, 0)
    assert ticks.due(1.0451) == 5
    assert (ticks.late, ticks.skipped) == (6, 95)
    assert ticks.due(1.0551) == 1


def test_the_same_tick_is_not_done_twice():
    ticks = TickCounter(0.01, 0.0, most_at_once=5)
    assert [ticks.due(now) for now in (0.0101, 0.0102, 0.0199, 0.0001, 0.03)] == [1, 0, 1, 0, 1]
