"""``her-ros deploy``: run a policy on a robot, with the same nodes as the launch file."""

import itertools
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from her_ros.arms.placement import placement_of
from her_ros.config.files import NodesValues, shipped_model
from her_ros.config.parameters.robot import PolicyParameters, RobotBridgeParameters
from her_ros.config.schema import ConfigError, configured
from her_ros.orchestration.graph import NodeSpec, deployment_nodes
from her_ros.orchestration.prepare import Run, arm_override, checked_values
from her_ros.orchestration.session import run_without_training
from her_ros.policy.safety.filter import SafetyFilter
from her_ros.runtime.ros_environment import check_ros_environment, checked_namespace
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.wire.topics import GRIPPER, JOINT_STATES, TOOL_POSE, TRAJECTORY, TWIST

if TYPE_CHECKING:
    from her_ros.view.display import Display


def deploy(
    task: str,
    arm: str,
    model: Path | None,
    robot: str,
    folder: Path | None,
    record: bool,
    params_file: Path | None,
    overrides: Sequence[str],
    namespace: str,
    remap: Sequence[str],
) -> int:
    """Run policy, bridge and robot until Ctrl-C; return the exit status.

    :param arm: name of an arm, or path of its description; empty: that of the parameters
    :param model: None: the policy shipped for the task
    :param robot: one of :data:`her_ros.orchestration.graph.ROBOTS`
    :raises HerRosError: if an option is invalid, before anything is started
    """
    check_ros_environment(os.environ, own_log_folder=True)
    checked_namespace(namespace)

    def nodes(model: str, run_dir: str, remap: Sequence[str]) -> list[NodeSpec]:
        return deployment_nodes(namespace, model, True, robot, run_dir, remap)

    # Errors in them are reported first.
    names = [spec.name for spec in nodes('', 'any' if record else '', remap)]
    overrides = [*arm_override(arm), *overrides]
    values, topics = deployment_values(task, robot, params_file, overrides, names)
    model = (model or shipped_model(task)).absolute()
    if not model.is_file():
        raise ConfigError('no such file', '--model is an ONNX policy', source=model)
    # Refuses a configuration that does not bound all actions.
    of_arm = task_named(task, values['policy']['arm'])
    SafetyFilter(of_arm, configured(PolicyParameters, 'policy', values['policy']))
    find_models(of_arm, robot, values)
    run_folder = RunFolder(folder or Path('runs', task, 'robot'))
    run_without_training(
        Run(task, run_folder, resumed=False),
        values,
        namespace,
        nodes(str(model), str(run_folder.path) if record else '', [*topics, *remap]),
        lambda console: _display(f'{task} on a {robot} robot', namespace, console),
        f'{task} by {model}',
    )
    return 0


def deployment_values(
    task: str,
    robot: str,
    params_file: Path | None,
    overrides: Sequence[str] = (),
    nodes: Collection[str] = (),
) -> tuple[NodesValues, list[str]]:
    """Return all parameters of a deployment, and the remappings to the topics of its arm.

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
    """Return the remappings to the topics of a task's arm, as ``--remap`` takes them.

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
    }
    return [
        f'{ours}:={theirs if theirs.startswith("/") else f"/{theirs}"}'
        for ours, theirs in topics.items()
        if ours != theirs
    ]


def find_models(task: GoalTask, robot: str, values: NodesValues) -> None:
    """Find the models of a task's arm, and download them once, before several nodes would.

    :param robot: one of :data:`her_ros.orchestration.graph.ROBOTS`
    :param values: parameters of all nodes
    :raises ArmError: if a node will need one that is missing
    """
    measures_joints = values['robot_bridge']['tool_source'] == 'joint_states'
    if not task.arm or robot == 'none' or (robot == 'real' and not measures_joints):
        return
    # Needs mujoco, which a policy alone does without.
    from her_ros.arms.model_files import model_path

    description = placement_of(task).description
    for source in filter(None, (description.model.source, description.model.gripper)):
        model_path(source, description.folder)


def _box(task: GoalTask, bridge: RobotBridgeParameters) -> list[float]:
    """Return the workspace of a task's arm: least x, y, z, then greatest, metres, world frame.

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
