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

"""``her-ros deploy``: run a policy on a robot, with the same nodes as the launch file."""

from collections.abc import Collection, Sequence
import itertools
import os
from pathlib import Path
from typing import NamedTuple, TYPE_CHECKING

from her_ros.arms.placement import placement_of
from her_ros.config.files import NodesValues, shipped_model
from her_ros.config.parameters.policy import PolicyParameters
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.config.schema import ConfigError, configured
from her_ros.orchestration.graph import deployment_nodes, NodeSpec
from her_ros.orchestration.prepare import checked_values, find_models, Run
from her_ros.orchestration.session import run_without_training
from her_ros.policy.safety.filter import SafetyFilter
from her_ros.runtime.ros_environment import check_ros_environment, checked_namespace
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.wire.topics import (
    GRIPPER,
    GRIPPER_ACTION,
    JOINT_STATES,
    ROBOT_DESCRIPTION,
    SEND_GOAL,
    TOOL_POSE,
    TRAJECTORY,
    TWIST,
)
import numpy as np
from rich.console import Console

if TYPE_CHECKING:
    from her_ros.view.display import Display


class DeployOptions(NamedTuple):
    """Options of a deployment, of the command and of the launch file."""

    task: str
    #: None: the policy shipped for the task
    model: Path | None
    #: one of :data:`her_ros.orchestration.graph.ROBOTS`
    robot: str
    params_file: Path | None
    overrides: Sequence[str]
    namespace: str
    remap: Sequence[str]
    #: whether the policy activates itself
    autostart: bool = True


class Deployment(NamedTuple):
    """A deployment whose options were checked."""

    nodes: list[NodeSpec]
    values: NodesValues
    model: Path


def deploy(options: DeployOptions, folder: Path | None, record: bool) -> int:
    """
    Run policy, bridge and robot until Ctrl-C; return the exit status.

    :param folder: takes logs and bags; None: ``runs/TASK/robot``
    :raises HerRosError: if an option is invalid, before anything is started
    """
    check_ros_environment(os.environ, own_log_folder=True)
    checked_namespace(options.namespace)
    task = options.task
    run_folder = RunFolder(folder or Path('runs', task, 'robot'))
    ready = prepared_deployment(options, str(run_folder.path) if record else '')
    run_without_training(
        Run(task, run_folder, resumed=False),
        ready.values,
        options.namespace,
        ready.nodes,
        lambda console: _display(f'{task} on a {options.robot} robot', options.namespace, console),
        f'{task} by {ready.model}',
    )
    return 0


def prepared_deployment(options: DeployOptions, run_dir: str) -> Deployment:
    """
    Check the options of a deployment, and find its policy and the models of its arm.

    :param run_dir: folder of a recorder; empty: record nothing
    :raises HerRosError: if an option is invalid
    """
    task, robot, remap = options.task, options.robot, options.remap

    def nodes(model: str, remap: Sequence[str]) -> list[NodeSpec]:
        return deployment_nodes(options.namespace, model, options.autostart, robot, run_dir, remap)

    # Errors in them are reported first.
    names = [spec.name for spec in nodes('', remap)]
    values, topics = deployment_values(task, robot, options.params_file, options.overrides, names)
    model = (options.model or shipped_model(task)).absolute()
    if not model.is_file():
        raise ConfigError('no such file', 'model is an ONNX policy', source=model)
    # Refuses a configuration that does not bound all actions.
    of_arm = task_named(task, values['policy']['arm'])
    SafetyFilter(of_arm, configured(PolicyParameters, 'policy', values['policy']))
    find_needed_models(of_arm, robot, values)
    return Deployment(nodes(str(model), [*topics, *remap]), values, model)


def deployment_values(
    task: str,
    robot: str,
    params_file: Path | None,
    overrides: Sequence[str] = (),
    nodes: Collection[str] = (),
) -> tuple[NodesValues, list[str]]:
    """
    Return all parameters of a deployment, and the remappings to the topics of its arm.

    The safety filter gets the workspace of the arm if ``policy.safety.workspace`` has its default,
    the box of the Fetch.

    :param robot: one of :data:`her_ros.orchestration.graph.ROBOTS`
    :param nodes: those of the deployment, which overrides may name; empty: all
    :return: parameters of all nodes, and remappings as ``--remap`` takes them
    :raises HerRosError: if anything does not fit
    """
    values = checked_values(task, params_file, overrides, nodes)
    policy = values['policy']
    on = task_named(task, policy['arm'])
    if not on.arm:
        return values, []
    if tuple(policy['safety.workspace']) == PolicyParameters().safety_workspace:
        bridge = configured(RobotBridgeParameters, 'robot_bridge', values['robot_bridge'])
        policy['safety.workspace'] = _box(on, bridge)
    # The simulated robot keeps to names in its namespace: those of a driver may be anywhere.
    return values, [] if robot == 'simulated' else topics_of(on)


def topics_of(task: GoalTask) -> list[str]:
    """
    Return the remappings to the topics of a task's arm, as ``--remap`` takes them.

    The topics of a real robot are in no namespace, so a name without ``/`` gets one.

    :raises ArmError: if the description of the arm has a fault
    """
    driver = placement_of(task).description.driver
    topics = {
        JOINT_STATES: driver.joint_states_topic,
        TWIST: driver.twist_topic,
        TRAJECTORY: driver.joint_trajectory_topic,
        TOOL_POSE: driver.tool_pose_topic,
        GRIPPER: driver.gripper_topic,
        GRIPPER_ACTION + SEND_GOAL: driver.gripper_action + SEND_GOAL,
    }
    return [
        f'{ours}:={theirs if theirs.startswith("/") else f"/{theirs}"}'
        for ours, theirs in topics.items()
        if ours != theirs
    ]


def find_needed_models(task: GoalTask, robot: str, values: NodesValues) -> None:
    """
    Find the models of a task's arm that a deployment needs.

    :param robot: one of :data:`her_ros.orchestration.graph.ROBOTS`
    :param values: parameters of all nodes
    :raises ArmError: if a node will need one that is missing
    """
    measures_joints = values['robot_bridge']['tool_source'] == 'joint_states'
    if not task.arm or robot == 'none' or (robot == 'real' and not measures_joints):
        return
    if robot == 'simulated' or placement_of(task).description.model.source != ROBOT_DESCRIPTION:
        find_models(task)


def _box(task: GoalTask, bridge: RobotBridgeParameters) -> list[float]:
    """
    Return the workspace of a task's arm: least x, y, z, then greatest, metres, world frame.

    If ``base_pose`` is turned, this is the smallest box that holds the workspace.
    """
    placement = placement_of(task)
    workspace = placement.description.workspace
    corners = np.array([*itertools.product(*zip(workspace.low, workspace.high, strict=True))])
    if any(bridge.base_pose):
        # Needs mujoco, which a policy alone does without.
        from her_ros.robot.frames import task_frames

        base = task_frames(task, bridge).base
        corners = base.position + corners @ base.rotation.T
    else:
        corners = placement.base_m + corners
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    return [float(value) for value in box.round(4)]


def _display(title: str, namespace: str, console: Console) -> 'Display':
    from her_ros.view.robot_display import RobotDisplay

    return RobotDisplay(title, namespace, console)
