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

import shutil

from her_ros.arms.errors import ArmError
from her_ros.arms.registry import all_arms, arm_named, ARMS, SHIPPED_ARMS, with_workspace
from her_ros.config.shipped import shipped_folders
from her_ros.tasks.registry import task_named
import pytest

FOLDER = shipped_folders()[0] / 'config' / 'arms'


def test_every_description_of_the_package_is_in_the_list():
    assert {path.stem for path in FOLDER.glob('*.yaml')} == {*SHIPPED_ARMS}
    assert [arm.name for arm in all_arms()] == [*ARMS]


def test_an_arm_may_be_a_file(tmp_path):
    shutil.copy(FOLDER / 'six_joint.yaml', tmp_path / 'mine.yaml')
    assert arm_named(str(tmp_path / 'mine.yaml')).name == 'mine'


@pytest.mark.parametrize(
    ('name', 'parts'),
    [
        ('franka', ["arm 'franka' is unknown", 'nearest: franka_panda', '.yaml']),
        ('nowhere/mine.yaml', ['nowhere/mine.yaml', 'cannot be read']),
    ],
)
def test_an_arm_that_there_is_not(name, parts):
    with pytest.raises(ArmError) as error:
        arm_named(name)
    assert all(part in str(error.value) for part in parts)


def test_an_arm_of_another_package(install, tmp_path, monkeypatch):
    shutil.copy(FOLDER / 'six_joint.yaml', tmp_path / 'theirs.yaml')
    (tmp_path / 'their_arms.py').write_text(
        'from pathlib import Path\n'
        'from her_ros.arms.registry import read_arm\n'
        "PATH = Path(__file__).with_name('theirs.yaml')\n"
        'ARM = read_arm(PATH)\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    entries = {'theirs': 'their_arms:ARM', 'misnamed': 'their_arms:PATH'}
    install('arms-of-others', {'her_ros.arms': entries})
    assert arm_named('theirs').arm.joints == arm_named('six_joint').arm.joints
    assert {'theirs', 'misnamed'} < {*ARMS}
    with pytest.raises(ArmError, match="name is 'misnamed'"):
        arm_named('misnamed')


def test_a_task_gets_the_workspace_of_its_arm():
    workspace = arm_named('six_joint').workspace
    found = with_workspace(task_named('Push', 'six_joint')).workspace
    assert found == (*workspace.low, *workspace.high, workspace.table_height)
    assert with_workspace(task_named('FetchPush')) == task_named('FetchPush')
