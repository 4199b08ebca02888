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

from her_ros.arms.registry import ARMS
from her_ros.config.shipped import shipped_folders
import pytest

SIX_JOINT = shipped_folders()[0] / 'config' / 'arms' / 'six_joint.yaml'


@pytest.fixture
def described(tmp_path):
    """Copy the small arm, to be changed."""
    for name in ('six_joint.yaml', 'six_joint.xml'):
        shutil.copy(SIX_JOINT.with_name(name), tmp_path)
    return tmp_path / 'six_joint.yaml'


def test_the_list_has_a_line_for_every_arm(her_ros):
    ended = her_ros('arms', 'list')
    assert ended.status == 0
    assert [line.split()[0] for line in ended.output.splitlines()] == [*ARMS]
    assert 'menagerie:franka_emika_panda/panda.xml' in ended.output


def test_an_arm_is_checked_by_name_and_by_file(her_ros, described):
    for name in ('six_joint', str(described)):
        ended = her_ros('arms', 'check', name)
        assert ended.status == 0
        lines = ended.output.splitlines()
        assert all(line.startswith(f'{name}: ') for line in lines)
        assert lines[-1].endswith(': no faults')
        assert any('reach: ' in line for line in lines)


def test_a_fault_is_one_line_and_status_1(her_ros, described):
    text = described.read_text()
    described.write_text(
        text.replace('frame: tool', 'frame: toll').replace('open: 0.04', 'open: 1')
    )
    ended = her_ros('arms', 'check', str(described))
    assert ended.status == 1
    assert "no site or body 'toll'" in ended.output
    described.write_text(text.replace('closed: 0.0', 'clsoed: 0.0'))
    ended = her_ros('arms', 'check', str(described))
    assert ended.status == 1
    assert "unknown keys ['clsoed']" in ended.errors
    assert len(ended.errors.splitlines()) == 1


def test_an_arm_that_there_is_not_is_one_line(her_ros):
    ended = her_ros('arms', 'check', 'franka')
    assert ended.status == 1
    assert 'nearest: franka_panda' in ended.errors
