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

from dataclasses import replace

from her_ros.arms.digest import arm_digest
from her_ros.arms.errors import ArmError
from her_ros.arms.registry import arm_named, SHIPPED_ARMS
import pytest


@pytest.fixture
def arm(tmp_path):
    """Return an arm whose model is a file of its own."""
    (tmp_path / 'arm.xml').write_text('<mujoco/>')
    found = arm_named('six_joint')
    return replace(found, folder=tmp_path, model=replace(found.model, source='arm.xml'))


@pytest.mark.parametrize(
    ('source', 'said'),
    [('gone.xml', 'is missing'), ('robot_description', 'only a robot that runs publishes')],
)
def test_a_model_that_is_no_file_here_is_one_line(arm, source, said):
    with pytest.raises(ArmError, match=said) as error:
        arm_digest(replace(arm, model=replace(arm.model, source=source)))
    assert '\n' not in str(error.value)


def test_every_arm_has_its_own():
    digests = {arm_digest(arm_named(name)) for name in SHIPPED_ARMS}
    assert len(digests) == len(SHIPPED_ARMS)


def test_description_and_model_file_count_and_the_folder_does_not(arm, tmp_path):
    first = arm_digest(arm)
    assert arm_digest(replace(arm, gripper=replace(arm.gripper, max_force=1.0))) != first
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'arm.xml').write_text('<mujoco/>')
    assert arm_digest(replace(arm, folder=other)) == first
    (other / 'arm.xml').write_text('<mujoco> </mujoco>')
    assert arm_digest(replace(arm, folder=other)) != first
