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

"""
Parameters of the nodes.

ROS declarations, parameter files and the command line are all checked against these classes.
"""

from dataclasses import dataclass

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.config.parameters.policy import PolicyParameters
from her_ros.config.parameters.robot import RobotBridgeParameters, SimulatedRobotParameters
from her_ros.config.parameters.shared import DISTURB, NodeParameters
from her_ros.config.schema import parameter


@dataclass(frozen=True)
class SimEnvParameters(NodeParameters):
    """Parameters of ``sim_env``."""

    worker: int = parameter(0, 'number of this worker in the run', minimum=0, maximum=999)
    num_envs: int = parameter(
        8, 'environments stepped together', minimum=1, maximum=1024, start=True
    )
    threads: int = parameter(1, 'threads of the physics', minimum=1, maximum=64)
    action_timeout_s: float = parameter(
        0.5, 'wait this long for actions, then send the states again', minimum=0.01, maximum=60.0
    )
    follow_collection_enabled: bool = parameter(
        True, 'start rollouts only while the trainer asks for them on collection_enabled'
    )
    real_time: bool = parameter(
        False, 'move once per control period of wall time, not as fast as possible'
    )
    publish_scene: bool = parameter(
        False, 'publish joints, poses and markers of environment 0, for RViz and Foxglove'
    )
    disturb: str = parameter('', DISTURB)
    disturb_share: float = parameter(
        1.0, 'share of the episodes that are disturbed', minimum=0.0, maximum=1.0
    )


@dataclass(frozen=True)
class RecorderParameters(NodeParameters):
    """Parameters of ``recorder``."""

    worker: int = parameter(0, 'number of this worker in the run', minimum=0, maximum=999)


@dataclass(frozen=True)
class EvaluationProtocol:
    """Number of episodes of an evaluation, and their simulation."""

    episodes: int = parameter(100, 'episodes per evaluation', minimum=1, maximum=100_000)
    num_envs: int = parameter(25, 'environments stepped together', minimum=1, maximum=1024)
    threads: int = parameter(2, 'threads of the physics', minimum=1, maximum=64)


@dataclass(frozen=True)
class EvaluatorParameters(EvaluationProtocol, NodeParameters):
    """Parameters of ``evaluator``."""

    disturb: str = parameter('', DISTURB)


@dataclass(frozen=True)
class TrainerParameters(LearnerParameters):
    """Parameters of ``trainer``."""

    threads: int = parameter(1, 'CPU threads of torch', minimum=1, maximum=256)
    compile_after: int = parameter(
        4000,
        'compile updates on the CPU from this one on, as soon as it is done; 1: from the start,'
        ' 0: never',
        minimum=0,
        maximum=1 << 40,
    )
    updates_per_step: float = parameter(
        0.4, 'updates per environment step', minimum=0.0, maximum=1e3, start=True
    )
    warm_up_steps: int = parameter(
        400, 'environment steps before the first update', minimum=0, maximum=1 << 40
    )
    max_updates_owed: int = parameter(
        400, 'hold collection while more updates than this are owed', minimum=1, maximum=1 << 31
    )
    evaluation_interval: int = parameter(
        2000, 'environment steps from one evaluation to the next', minimum=1, maximum=1 << 40
    )
    stop_success_rate: float = parameter(
        0.95,
        'stop at this success rate of an evaluation',
        minimum=0.0,
        maximum=1.0,
        group='stop',
        start=True,
    )
    stop_evaluations: int = parameter(
        1, 'evaluations in a row that must reach it', minimum=1, maximum=1000, group='stop'
    )
    stop_env_steps: int = parameter(
        1_000_000,
        'give up after this many environment steps',
        minimum=1,
        maximum=1 << 40,
        group='stop',
        start=True,
    )
    checkpoint_interval_s: float = parameter(
        60.0, 'seconds from one checkpoint to the next', minimum=1.0, maximum=86400.0
    )


NODE_PARAMETERS: dict[str, type[NodeParameters]] = {
    'sim_env': SimEnvParameters,
    'policy': PolicyParameters,
    'recorder': RecorderParameters,
    'evaluator': EvaluatorParameters,
    'trainer': TrainerParameters,
    'robot_bridge': RobotBridgeParameters,
    'simulated_robot': SimulatedRobotParameters,
}
