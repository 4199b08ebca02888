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

from her_ros.arms.registry import arm_named
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.robot.bridge.observer import MissingInput, Observer
from her_ros.robot.bridge.outputs import arm_kinematics
from her_ros.robot.frames import Pose
from her_ros.tasks.registry import task_named
import pytest


@pytest.mark.parametrize(('given', 'base_frame'), [('', 'base_link'), ('plate', 'plate')])
def test_transforms_that_are_missing_are_named_with_their_frames(given, base_frame):
    parameters = RobotBridgeParameters(tool_source='tf', base_frame=given)
    tool = arm_kinematics(parameters, arm_named('six_joint'), Pose.of('', (0, 0, 0)))
    observer = Observer(task_named('Reach', 'six_joint'), tool, velocity_window_s=0.03)
    missing = observer.missing(1.0, 0.1)
    assert missing == [MissingInput('/tf', f'tool in {base_frame}')]
    assert str(missing[0]) == f'/tf (tool in {base_frame})'
    observer.take_tool(Pose.of('', (1.3, 0.7, 0.5)), 1.0)
    assert observer.missing(1.0, 0.1) == []
