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

from her_ros.runtime.pace import Pace, Throttle
import numpy as np
import pytest

PERIOD_S = 0.04


class Clock:
    """A clock to set by hand, and a sleep that always takes a little too long."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds >= 0.0
        self.now += seconds + 0.001


@pytest.fixture
def clock():
    return Clock()


def test_who_is_early_goes_at_the_ticks_and_the_ticks_do_not_drift(clock):
    pace, begin = Pace(PERIOD_S, clock, clock.sleep), clock.now
    for tick in range(1, 1001):
        clock.now += 0.013  # work between two ticks
        pace.wait()
        assert clock.now == pytest.approx(begin + tick * PERIOD_S + 0.001)
    assert pace.late == 0


def test_who_is_late_goes_at_once_and_the_schedule_starts_anew(clock):
    pace = Pace(PERIOD_S, clock, clock.sleep)
    clock.now += 2.7 * PERIOD_S
    came = clock.now
    pace.wait()
    assert clock.now == came
    assert pace.late == 1  # one move came late, whatever number of periods it missed
    pace.wait()
    assert clock.now == pytest.approx(came + PERIOD_S + 0.001)
    assert pace.late == 1


def test_nothing_goes_faster_than_its_period_after_a_delay(clock):
    pace, generator = Pace(PERIOD_S, clock, clock.sleep), np.random.default_rng(0)
    went = []
    for _ in range(500):
        clock.now += generator.exponential(PERIOD_S / 2)
        pace.wait()
        went.append(clock.now)
    assert pace.late > 10
    # a tick is never made up for; what is allowed for is how late a sleep ends
    assert np.diff(went).min() >= PERIOD_S - 0.001 - 1e-9


def test_a_new_start_forgives_what_passed_before_it(clock):
    pace = Pace(PERIOD_S, clock, clock.sleep)
    clock.now += 10.0
    pace.start()
    begin = clock.now
    pace.wait()
    assert clock.now == pytest.approx(begin + PERIOD_S + 0.001)
    assert pace.late == 0


def test_a_throttle_allows_no_more_than_its_rate(clock):
    throttle, allowed = Throttle(PERIOD_S, clock), 0
    for _ in range(10_000):
        clock.now += 0.001
        allowed += throttle.allows()
    assert allowed == pytest.approx(10.0 / PERIOD_S, abs=2)


def test_a_throttle_lets_pass_what_comes_at_its_rate_with_jitter(clock):
    throttle, generator = Throttle(PERIOD_S, clock), np.random.default_rng(0)
    begin, allowed = clock.now, []
    for tick in range(1000):
        clock.now = begin + tick * PERIOD_S + generator.uniform(0.0, 0.01)
        allowed.append(throttle.allows())
    assert allowed.count(False) <= 5
    assert all(allowed[100:])


def test_a_throttle_does_not_make_up_for_silence(clock):
    throttle = Throttle(PERIOD_S, clock)
    clock.now += 100.0
    assert [throttle.allows() for _ in range(50)].count(True) <= 2
