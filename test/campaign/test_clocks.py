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

from campaign import clocks
from campaign.figures import Scale
from campaign.stepped_clock import ClockError, SteppedClocks
import pytest

pytestmark = [pytest.mark.nodes, pytest.mark.real_time]


def test_a_clock_set_back_in_an_episode_stops_the_robot_until_it_is_right_again(tmp_path):
    try:
        SteppedClocks(tmp_path / 'probe')
    except ClockError as error:
        pytest.skip(str(error))
    failed = [figure for figure in clocks.run(Scale.SMALL, tmp_path) if not figure.passed]
    assert not failed
