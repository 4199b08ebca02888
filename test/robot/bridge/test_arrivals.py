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

from her_ros.robot.bridge.arrivals import Arrivals
from her_ros.robot.errors import RobotError
import pytest

NOW_NS, SECOND = 1_700_000_000 * 10**9, 10**9


@pytest.fixture
def arrivals():
    """100 messages a second for 2 s, on time."""
    made = Arrivals('joint_states', 0.2)
    for tick in range(201):
        assert made.measured_s(NOW_NS, NOW_NS, tick / 100) == tick / 100
    return made


@pytest.mark.parametrize('age_s', [-0.19, -0.01, 0.0, 0.03, 0.19])
def test_stamps_within_the_limit_keep_their_differences(arrivals, age_s):
    stamp_ns = NOW_NS - round(age_s * SECOND)
    assert arrivals.measured_s(stamp_ns, NOW_NS, 5.0) == pytest.approx(5.0 - age_s)
    assert not arrivals.problem(5.0)


@pytest.mark.parametrize(
    ('age_s', 'said'),
    [
        (1.02, 'stamped 1.02 s in the past'),
        (3600.0, 'stamped 3600.00 s in the past'),
        (-1.02, 'stamped 1.02 s in the future'),
        (-3600.0, 'stamped 3600.00 s in the future'),
    ],
)
def test_stamps_of_another_clock_are_refused_with_rate_age_and_limit(arrivals, age_s, said):
    with pytest.raises(RobotError) as raised:
        arrivals.measured_s(NOW_NS - round(age_s * SECOND), NOW_NS, 2.01)
    expected = f'joint_states: 100 per second arrive, but {said} (limit 0.2 s); synchronise the'
    assert str(raised.value).startswith(expected)
    # Messages of another driver, on time, do not hide it at once.
    arrivals.measured_s(NOW_NS, NOW_NS, 2.02)
    assert arrivals.problem(3.0) == str(raised.value)
    assert not arrivals.problem(9.0)


def test_messages_without_a_stamp_are_measured_on_arrival(arrivals):
    assert arrivals.measured_s(0, NOW_NS, 7.0) == 7.0
