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

"""Parameters of the bridge to a robot, and of the simulated robot."""

from dataclasses import dataclass

from her_ros.config.parameters.shared import DISTURB, NodeParameters
from her_ros.config.schema import parameter
from her_ros.runtime.states import Recovery


@dataclass(frozen=True)
class RobotBridgeParameters(NodeParameters):
    """Parameters of ``robot_bridge``."""

    command_output: str = parameter(
        '',
        'commands for the arm: twist for MoveIt Servo, joint_trajectory for ros2_control, or'
        " tool_pose; empty: the first of driver.commands of the arm's description",
        choices=('', 'twist', 'joint_trajectory', 'tool_pose'),
        group='command',
    )
    command_full_action_speed_mps: float = parameter(
        0.83,
        'speed commanded for a full action, metres per second; 0.83 is what it means in training',
        minimum=0.01,
        maximum=1.25,  # 0.05 m per control period, for which the policy's workspace is checked
        group='command',
    )
    command_twist_units: str = parameter(
        'speed',
        'twists in m/s, or unitless: in [-1, 1] of command.unitless_scale_mps',
        choices=('speed', 'unitless'),
        group='command',
    )
    command_unitless_scale_mps: float = parameter(
        0.4,
        "Servo's linear scale, metres per second",
        minimum=0.001,
        maximum=10.0,
        group='command',
    )
    base_frame: str = parameter(
        '', "frame of the robot, in which it is commanded; empty: that of the arm's description"
    )
    base_pose: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        'pose of base_frame in the world that the policy was trained in: x, y, z, metres, then'
        " quaternion x, y, z, w; all 0: as the workspace of the arm's description says",
        minimum=-100.0,
        maximum=100.0,
        length=7,
    )
    tool_source: str = parameter(
        'joint_states',
        'what tells where the tool is: joint_states and the model of the arm, or, without a model,'
        ' current_pose, a pose of the tool that the driver publishes, or tf, transforms of tf2',
        choices=('joint_states', 'current_pose', 'tf'),
    )
    command_max_joint_speed: float = parameter(
        0.0,
        "limit of a joint in a trajectory, rad/s; 0: the limits of the arm's description",
        minimum=0.0,
        maximum=10.0,
        group='command',
    )
    timeout_input_s: float = parameter(
        0.1,
        'inputs older than this are late; stamps further ahead are refused',
        minimum=0.005,
        maximum=10.0,
        group='timeout',
    )
    timeout_policy_s: float = parameter(
        0.5,
        'give an episode up when the policy has answered nothing, or the bridge itself stood'
        ' still, for so long',
        minimum=0.08,
        maximum=60.0,
        group='timeout',
    )
    timeout_goal_s: float = parameter(
        10.0,
        'a goal expires when its episode cannot begin for so long, as the policy does not answer',
        minimum=0.1,
        maximum=3600.0,
        group='timeout',
    )
    recovery: str = parameter(
        'latched',
        'after a crash or silence of policy, robot or bridge within an episode: latched waits for'
        ' a goal or ~/reset, automatic begins again with the same goal if all are back within'
        ' timeout.goal_s',
        choices=(Recovery.LATCHED, Recovery.AUTOMATIC),
    )
    velocity_window_s: float = parameter(
        0.03,
        'time over which a line is laid through poses of the object, for its velocity; longer'
        ' where the poses are noisy',
        minimum=0.001,
        maximum=1.0,
    )
    compensate_latency: bool = parameter(
        True,
        'show the gripper where its commands have led it since it was measured; for an arm that'
        ' follows them without lag',
    )
    episode_steps: int = parameter(
        0, 'control periods of an episode; 0: as in training', minimum=0, maximum=100_000
    )
    success_steps: int = parameter(
        10,
        'end an episode after so many successful control periods in a row; 0: never',
        minimum=0,
        maximum=100_000,
    )
    home: bool = parameter(
        False,
        'bring the gripper to where training starts before each episode, at 0.25 m/s at most',
    )


@dataclass(frozen=True)
class SimulatedRobotParameters(NodeParameters):
    """Parameters of ``simulated_robot``."""

    rate_hz: int = parameter(
        100, 'sensor messages per second; divides 500', minimum=1, maximum=500
    )
    command_timeout_s: float = parameter(
        0.1,
        'stop by itself so long after the last command; commands stamped further in the past or'
        ' in the future are ignored',
        minimum=0.01,
        maximum=10.0,
    )
    publish_scene: bool = parameter(
        True, 'publish gripper pose and markers, for RViz and Foxglove'
    )
    publish_tool_pose: bool = parameter(
        False,
        'publish the pose of the tool on current_pose, as some drivers do, and of its frame on /tf'
        ' where tf2_msgs is installed',
    )
    disturb: str = parameter('', DISTURB)
