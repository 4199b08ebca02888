"""Record the episodes of a running robot or simulation."""

from pathlib import Path
from typing import Any

from her_ros.orchestration.graph import recording_nodes
from her_ros.orchestration.launch_actions import (
    argument,
    arm_argument,
    environment_actions,
    node_actions,
    task_argument,
    with_arguments,
)
from her_ros.orchestration.prepare import (
    arm_overrides,
    checked_params,
    checked_values,
    with_values,
)
from her_ros.runtime.run_folder import RunFolder
from launch import LaunchDescription


def _nodes(task: str, arm: str, run_dir: str, params: str, namespace: str, **_: str) -> list[Any]:
    path = checked_params(task, Path(params) if params else None)
    values = checked_values(task, path, arm_overrides(arm))
    folder = RunFolder(run_dir)
    folder.create()
    nodes = recording_nodes(namespace, str(folder.path))
    return node_actions(with_values(nodes, path, values), path)


def generate_launch_description() -> LaunchDescription:
    """Describe a recorder."""
    return LaunchDescription(
        [
            task_argument(),
            arm_argument(),
            argument('run_dir', 'runs/recorded', 'Folder whose bags/ takes the episodes.'),
            argument('params', '', 'ROS parameter file; empty: the one shipped for the task.'),
            argument('namespace', 'her_ros/worker_0', 'Namespace of the step topic.'),
            *environment_actions(this_machine=False),
            with_arguments(_nodes),
        ]
    )
