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

from her_ros.analysis.bags_info import _duration
import pytest


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [
        (0.0, '0.0 s'),
        (4.54, '4.5 s'),
        (59.96, '1 min 00 s'),
        (61.4, '1 min 01 s'),
        (3599.7, '1 h 00 min'),
        (7384.0, '2 h 03 min'),
        (4.5e6, '1,250 h 00 min'),
    ],
)
def test_durations_name_their_units(seconds, text):
    assert _duration(seconds) == text
