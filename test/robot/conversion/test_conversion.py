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

from pathlib import Path

from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.config.shipped import shipped
from her_ros.robot.conversion.conversion import Conversion
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import task_frames
from her_ros.tasks.registry import task_named
import numpy as np
import pytest
import yaml

SIX_JOINT = shipped(Path('config/arms/six_joint.yaml'), 'no description')


def conversion(task):
    p = RobotBridgeParameters()
    return Conversion(task, p, task_frames(task, p), session=1)


def test_a_gripper_of_one_joint_is_converted_to_fingers(tmp_path):
    document = yaml.safe_load(SIX_JOINT.read_text())
    document['gripper'] |= {'joints': ['left_finger'], 'closed': 0.04, 'open': 0.0}
    document['model']['source'] = str(SIX_JOINT.parent / document['model']['source'])
    (tmp_path / 'one_joint.yaml').write_text(yaml.safe_dump(document))
    made = conversion(task_named('PickAndPlace', str(tmp_path / 'one_joint.yaml')))
    made.fingers([0.01])
    np.testing.assert_allclose(made._fingers, [0.03, 0.03])
    with pytest.raises(RobotError, match=r'gripper command: is .*; send 1 finite numbers'):
        made.fingers([0.01, 0.01])


def test_fingers_of_the_fetch_are_taken_as_they_are():
    made = conversion(task_named('FetchPickAndPlace'))
    made.fingers([0.02, 0.03])
    np.testing.assert_array_equal(made._fingers, [0.02, 0.03])
    with pytest.raises(RobotError, match=r'send 2 finite numbers'):
        made.fingers([0.02])
