"""``her-ros deploy``: run a policy on a robot, with the same nodes as the launch file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from her_ros.config.files import shipped_model
from her_ros.config.parameters.robot import PolicyParameters
from her_ros.config.run_parameters import values_for
from her_ros.config.schema import ConfigError, configured
from her_ros.orchestration.graph import NodeSpec, deployment_nodes
from her_ros.orchestration.prepare import Run
from her_ros.orchestration.session import run_without_training
from her_ros.policy.safety.filter import SafetyFilter
from her_ros.runtime.ros_environment import check_ros_environment, checked_namespace
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import task_named

if TYPE_CHECKING:
    from her_ros.view.display import Display


def deploy(
    task: str,
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

    :param model: None: the policy shipped for the task
    :param robot: one of :data:`her_ros.orchestration.graph.ROBOTS`
    :raises HerRosError: if an option is invalid, before anything is started
    """

    def nodes(model: str, run_dir: str) -> list[NodeSpec]:
        return deployment_nodes(namespace, model, True, robot, run_dir, remap)

    check_ros_environment(os.environ, own_log_folder=True)
    checked_namespace(namespace)
    # Errors in them are reported first.
    names = [spec.name for spec in nodes('', 'any' if record else '')]
    values = values_for(task, params_file, overrides, names)
    model = (model or shipped_model(task)).absolute()
    if not model.is_file():
        raise ConfigError('no such file', '--model is an ONNX policy', source=model)
    # Refuses a configuration that does not bound all actions.
    SafetyFilter(task_named(task), configured(PolicyParameters, 'policy', values['policy']))
    run_folder = RunFolder(folder or Path('runs', task, 'robot'))
    run_without_training(
        Run(task, run_folder, resumed=False),
        values,
        namespace,
        nodes(str(model), str(run_folder.path) if record else ''),
        lambda console: _display(f'{task} on a {robot} robot', namespace, console),
        f'{task} by {model}',
    )
    return 0


def _display(title: str, namespace: str, console: Console) -> 'Display':
    from her_ros.view.robot_display import RobotDisplay

    return RobotDisplay(title, namespace, console)
