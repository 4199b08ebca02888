"""``her-ros deploy``: a policy on a robot, through the same nodes as the launch file's."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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


class Options(NamedTuple):
    """What the user asks for."""

    task: str
    #: None: the policy shipped for the task
    model: Path | None
    #: one of :data:`her_ros.orchestration.graph.ROBOTS`
    robot: str
    folder: Path | None
    record: bool
    params_file: Path | None
    overrides: Sequence[str]
    namespace: str
    remap: Sequence[str]


def deploy(options: Options) -> int:
    """Run policy, bridge and robot until Ctrl-C; return the exit status.

    :raises HerRosError: if anything does not fit, before anything was started
    """
    check_ros_environment(os.environ, own_log_folder=True)
    checked_namespace(options.namespace)
    # What is wrong with them is said first.
    names = [spec.name for spec in _nodes(options, '', 'any' if options.record else '')]
    values = values_for(options.task, options.params_file, options.overrides, names)
    model = (options.model or shipped_model(options.task)).absolute()
    if not model.is_file():
        raise ConfigError('no such file', '--model is an ONNX policy', source=model)
    # Whether all of its actions could be bounded.
    SafetyFilter(
        task_named(options.task), configured(PolicyParameters, 'policy', values['policy'])
    )
    folder = RunFolder(options.folder or Path('runs', options.task, 'robot'))
    run_without_training(
        Run(options.task, folder, resumed=False),
        values,
        options.namespace,
        _nodes(options, str(model), str(folder.path) if options.record else ''),
        lambda console: _display(options, console),
        f'{options.task} by {model}',
    )
    return 0


def _nodes(options: Options, model: str, run_dir: str) -> list[NodeSpec]:
    return deployment_nodes(options.namespace, model, True, options.robot, run_dir, options.remap)


def _display(options: Options, console: Console) -> 'Display':
    from her_ros.view.robot_display import RobotDisplay

    title = f'{options.task} on a {options.robot} robot'
    return RobotDisplay(title, options.namespace, console)
