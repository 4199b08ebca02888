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

from her_ros.robot.bridge.measurement_clock import MeasurementClock
import numpy as np
import pytest

PERIOD_S = 0.04


def beginnings(measurements, until=4.0, clock=None):
    """When periods begin, if measurements come so and somebody looks every 5 ms for late ones."""
    clock, found = clock or MeasurementClock(PERIOD_S), []
    looks = [(at, False) for at in np.arange(0.0025, until, 0.005)]
    for at, is_measurement in sorted([*((at, True) for at in measurements), *looks]):
        if clock.measured(at) if is_measurement else clock.overdue(at):
            found.append(at)
    return np.array(found)


@pytest.mark.parametrize('rate_hz', [60, 100, 125, 250, 500])
def test_every_period_begins_with_a_measurement_and_none_is_lost(rate_hz):
    measurements = np.arange(0.001, 4.0, 1 / rate_hz)
    found = beginnings(measurements)
    assert np.isin(found, measurements).all()
    assert len(found) == pytest.approx(4.0 / PERIOD_S, abs=2)
    # within half the distance of measurements from an even schedule, on each side
    apart = np.diff(found)
    assert np.abs(apart - PERIOD_S).max() <= 1 / rate_hz + 1e-9


def test_measurements_that_tremble_do_not_make_the_schedule_drift():
    generator = np.random.default_rng(0)
    measurements = np.arange(0.005, 4.0, 0.01) + generator.uniform(-0.003, 0.003, 400)
    found = beginnings(measurements)
    assert len(found) == pytest.approx(100, abs=1)
    assert np.diff(found).mean() == pytest.approx(PERIOD_S, rel=0.01)


def test_without_measurements_periods_go_on():
    silence = np.arange(0.001, 1.0, 0.01)
    found = beginnings(silence)
    assert len(found) == pytest.approx(100, abs=3)
    after = found[found > 1.1]
    assert np.diff(after) == pytest.approx(PERIOD_S, abs=0.006)


def test_after_a_pause_of_all_it_does_not_make_up_for_it():
    clock = MeasurementClock(PERIOD_S)
    assert clock.measured(0.0)
    assert clock.measured(5.0)
    assert not clock.measured(5.01)
    assert not clock.overdue(5.02)
