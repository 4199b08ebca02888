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

"""Choose what an arm is measured by, and which kind of commands it gets."""

from dataclasses import replace

from her_ros.arms.description import ArmDescription
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.robot.bridge.measured_tool import MeasuredTool
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Pose
from her_ros.robot.kinematics import ArmKinematics
from her_ros.wire.topics import TF


def arm_kinematics(
    parameters: RobotBridgeParameters, description: ArmDescription, base: Pose, urdf: str = ''
) -> ArmKinematics | MeasuredTool:
    """
    Return what turns measurements of an arm into the state of its tool.

    :param base: pose of the base in the world
    :param urdf: text of the model, where the robot publishes it
    :raises ArmError: if the model is needed and cannot be loaded
    """
    source, window_s = parameters.tool_source, parameters.velocity_window_s
    if source == 'joint_states':
        return ArmKinematics(replace(description, urdf=urdf), base)
    if source == 'tf':
        base_frame = parameters.base_frame or description.driver.base_frame
        detail = f'{description.tool_frame} in {base_frame}'
        return MeasuredTool(description, base, TF, window_s, detail)
    return MeasuredTool(description, base, source, window_s)


def command_output(parameters: RobotBridgeParameters, description: ArmDescription) -> str:
    """
    Return the kind of the commands for an arm.

    This is the first command of the description that can be sent, unless ``command.output`` names
    one.

    :raises RobotError: if the driver of the arm does not take it, or it needs the arm's joints
    """
    wanted, taken = parameters.command_output, description.driver.commands
    has_joints = parameters.tool_source == 'joint_states'
    possible = [each for each in taken if has_joints or each != 'joint_trajectory']
    if wanted and wanted not in taken:
        raise RobotError(
            f'command.output is {wanted!r}, which the driver of arm {description.name!r} does not'
            ' take',
            f'its description has driver.commands {list(taken)}',
        )
    if (wanted and wanted not in possible) or not possible:
        raise RobotError(
            f'tool_source is {parameters.tool_source}, and trajectories need the joints of arm'
            f' {description.name!r}',
            f'set command.output to {" or ".join(possible) or "another command of its driver"}, or'
            ' tool_source to joint_states',
        )
    return wanted or possible[0]
