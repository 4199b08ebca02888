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

from campaign.figures import Scale
from campaign.links import run, why_not_permitted
import pytest


@pytest.mark.nodes
@pytest.mark.real_time
def test_a_lost_link_stops_the_robot_and_a_new_goal_is_reached_after_it(tmp_path):
    if reason := why_not_permitted():
        pytest.skip(f'network namespaces: {reason}')
    figures = run(Scale.SMALL, tmp_path)
    assert len(figures) > 1
    assert [figure for figure in figures if not figure.passed] == []
