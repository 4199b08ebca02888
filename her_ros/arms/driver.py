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

"""Section of an arm's description about its driver: commands and topics."""

from dataclasses import dataclass, fields

from her_ros.arms.mechanics import require_different
from her_ros.config.schema import ConfigError, parameter
from her_ros.runtime.ros_environment import checked_topic, RosEnvironmentError
from her_ros.wire.topics import (
    GRIPPER,
    GRIPPER_ACTION,
    JOINT_STATES,
    TOOL_POSE,
    TRAJECTORY,
    TWIST,
)

#: commands that drivers of arms take
COMMANDS = ('twist', 'joint_trajectory', 'tool_pose')
#: commands that drivers of grippers take
GRIPPER_COMMANDS = ('joint_positions', 'gripper_action')


@dataclass(frozen=True, kw_only=True)
class Driver:
    """How the robot's driver is commanded and read."""

    base_frame: str = parameter('base_link', 'frame of the base in messages')
    tool_frame: str = parameter(
        '',
        'frame of tool.frame in tf2, used with robot_bridge.tool_source tf; empty: the same name',
    )
    commands: tuple[str, ...] = parameter(
        COMMANDS[:2],
        'commands for the arm that the driver takes, the preferred one first: twist,'
        ' joint_trajectory, tool_pose',
        choices=COMMANDS,
    )
    max_tool_speed: float = parameter(
        1.0,
        'limit of the speed of the tool, m/s; faster commands are slowed and keep their direction',
        minimum=0.01,
        maximum=10.0,
    )
    joint_states_topic: str = parameter(JOINT_STATES, 'topic of the measured joints')
    twist_topic: str = parameter(TWIST, 'topic of twist commands, TwistStamped')
    joint_trajectory_topic: str = parameter(TRAJECTORY, 'topic of trajectories, JointTrajectory')
    tool_pose_topic: str = parameter(TOOL_POSE, 'topic of commanded tool poses, PoseStamped')
    gripper_command: str = parameter(
        GRIPPER_COMMANDS[0],
        'commands for the gripper that its driver takes: joint_positions, an array, or'
        ' gripper_action, the action GripperCommand of control_msgs',
        choices=GRIPPER_COMMANDS,
    )
    gripper_topic: str = parameter(
        GRIPPER, "topic of positions of the gripper's joints, Float64MultiArray"
    )
    gripper_action: str = parameter(
        GRIPPER_ACTION, 'name of the action, with gripper_command: gripper_action'
    )

    def __post_init__(self) -> None:
        require_different('commands', self.commands)
        for each in fields(self):
            if each.name.endswith('_topic') or each.name == 'gripper_action':
                try:
                    checked_topic(getattr(self, each.name))
                except RosEnvironmentError as error:
                    raise ConfigError.of(error, each.name) from None
