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

import dataclasses

from her_ros.arms.errors import ArmError
from her_ros.arms.placement import placement_of, TABLE_HEIGHT_M
from her_ros.tasks.arm import ARM_TASKS
from her_ros.tasks.registry import task_named
import numpy as np
import pytest


@pytest.mark.parametrize('name', ARM_TASKS)
def test_another_arm_starts_where_the_fetch_does(name):
    arm, fetch = (
        placement_of(task_named(name, 'six_joint')),
        placement_of(task_named(f'Fetch{name}')),
    )
    np.testing.assert_allclose(arm.start_m, fetch.start_m, atol=1e-9)
    table_m = arm.base_m[2] + arm.description.workspace.table_height
    assert table_m == pytest.approx(TABLE_HEIGHT_M)
    workspace = arm.description.workspace
    assert np.all(arm.start_in_base_m >= workspace.low)
    assert np.all(arm.start_in_base_m <= workspace.high)
    assert fetch.description.name == 'fetch'


def test_a_task_without_an_arm_is_one_line():
    with pytest.raises(ArmError, match='has no arm; choose one of FetchReach, '):
        placement_of(dataclasses.replace(task_named('FetchReach'), name='Tea'))
