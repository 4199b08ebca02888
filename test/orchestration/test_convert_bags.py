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

from her_ros.orchestration import convert_bags
from her_ros.orchestration.bag_conversion import UnusableRecording
from her_ros.runtime.errors import HerRosError
import pytest


def test_bags_are_converted_for_the_arm_of_the_parameters(tmp_path, monkeypatch):
    tasks = []

    def stopped(path, task, *_):
        tasks.append(task)
        raise UnusableRecording('stopped here')

    monkeypatch.setattr(convert_bags, 'BagConversion', stopped)
    (tmp_path / 'a.mcap').write_bytes(b'')
    for overrides in (['arm=six_joint'], ['robot_bridge.arm=six_joint'], []):
        with pytest.raises(HerRosError, match='stopped here'):
            convert_bags.convert(
                [tmp_path / 'a.mcap'], 'Reach', tmp_path / 'out', [], None, overrides
            )
    assert [task.arm for task in tasks] == ['six_joint', 'six_joint', 'franka_panda']
