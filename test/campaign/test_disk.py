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

from campaign import disk
from campaign.figures import Scale
import pytest


def test_a_full_or_read_only_disk_loses_nothing_and_is_one_line(tmp_path):
    figures = disk.run(Scale.SMALL, tmp_path)
    if figures[0].key == 'disk_skipped':
        pytest.skip('no tmpfs may be mounted')
    assert [figure for figure in figures if not figure.passed] == []
    values = {figure.key: figure.value for figure in figures}
    assert values['disk_refused'] > values['disk_files']
