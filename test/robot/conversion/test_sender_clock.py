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

from her_ros.robot.conversion.sender_clock import SenderClock
import numpy as np
import pytest

START_NS = 1_700_000_000 * 10**9


def recorded(stamp_s, behind_s):
    """Stamp and time of recording, nanoseconds, of a sender that is behind."""
    at_ns = START_NS + round(stamp_s * 1e9)
    return at_ns - round(behind_s * 1e9), at_ns


@pytest.mark.parametrize('behind_s', [-3600.0, -5.0, -0.15, 0.15, 5.0, 3600.0])
def test_stamps_of_another_clock_become_times_of_recording_and_are_named(behind_s):
    clock = SenderClock(np.full(9, behind_s), 0, 0.1)
    assert clock.time_s(*recorded(2.0, behind_s), START_NS) == pytest.approx(2.0, abs=1e-6)
    # Late by 30 ms on the way: the stamp tells when it was measured.
    stamp_ns, at_ns = recorded(2.0, behind_s)
    assert clock.time_s(stamp_ns, at_ns + 30_000_000, START_NS) == pytest.approx(2.0, abs=1e-6)
    (note,) = clock.notes
    assert f'{abs(behind_s):.3f} s {"behind" if behind_s > 0 else "ahead of"}' in note


def test_clocks_that_agree_keep_their_stamps_and_say_nothing():
    clock = SenderClock(np.full(9, 0.04), 0, 0.1)
    assert clock.time_s(*recorded(2.0, 0.04), START_NS) == pytest.approx(1.96, abs=1e-6)
    assert clock.notes == []


def test_a_clock_that_is_set_and_messages_without_a_stamp_count_when_recorded():
    clock = SenderClock(np.array([0.0] * 6 + [3600.0] * 2), 3, 0.1)
    assert clock.time_s(*recorded(2.0, 3600.0), START_NS) == pytest.approx(2.0)
    assert clock.time_s(0, START_NS + 10**9, START_NS) == 1.0
    jumped, unstamped = clock.notes
    assert 'stamps of 2 of 8 messages are up to 3600.000 s off' in jumped
    assert '3 of 11 messages are stamped 0' in unstamped
