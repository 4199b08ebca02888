"""Serve a trained policy on a robot."""

from pathlib import Path
from typing import Any

from launch import LaunchDescription

from her_ros.cli.graph import deployment_nodes
from her_ros.cli.launch import argument, node_actions, task_argument, with_arguments
from her_ros.cli.prepare import params_for


def _nodes(
    task: str, model: str, autostart: str, params: str, namespace: str, **_: str
) -> list[Any]:
    nodes = deployment_nodes(namespace, model, autostart == 'true')
    return node_actions(nodes, params_for(task, Path(params) if params else None))


def generate_launch_description() -> LaunchDescription:
    """Describe the policy node alone; it needs neither torch nor mujoco."""
    return LaunchDescription(
        [
            task_argument(),
            argument('model', '', 'ONNX policy; empty: wait for one on the policy topic.'),
            argument('autostart', 'true', 'Configure and activate at start.', ['true', 'false']),
            argument('params', '', 'ROS parameter file; empty: the one shipped for the task.'),
            argument('namespace', 'robot', 'Namespace of the step and action topics.'),
            with_arguments(_nodes),
        ]
    )
