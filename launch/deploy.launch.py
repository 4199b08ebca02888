"""Act on a robot: the simulated one, or a real one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from launch import LaunchDescription

from her_ros.config.files import shipped_model
from her_ros.orchestration.deploy import deployment_values, find_models
from her_ros.orchestration.graph import (
    DEPLOYED_ROBOT,
    DEPLOYED_TASK,
    ROBOT_NAMESPACE,
    ROBOTS,
    deployment_nodes,
)
from her_ros.orchestration.launch_actions import (
    argument,
    environment_actions,
    node_actions,
    with_arguments,
)
from her_ros.orchestration.prepare import arm_override, checked_params
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import TASKS, task_named


def _nodes(
    task: str,
    arm: str,
    accept_arm: str,
    model: str,
    robot: str,
    run_dir: str,
    autostart: str,
    remap: str,
    params: str,
    namespace: str,
    **_: str,
) -> list[Any]:
    path = checked_params(task, Path(params) if params else None)
    values, topics = deployment_values(task, robot, path, arm_override(arm))
    find_models(task_named(task, values['policy']['arm']), robot, values)
    if run_dir:
        folder = RunFolder(run_dir)
        folder.create()
        run_dir = str(folder.path)
    model = str(Path(model or shipped_model(task)).absolute())
    nodes = deployment_nodes(
        namespace, model, autostart == 'true', robot, run_dir, [*topics, *remap.split()]
    )
    # Values that the parameter file does not have.
    of_all = {'arm': values['policy']['arm']} if arm else {}
    of_policy = {'safety.workspace': values['policy']['safety.workspace']}
    if accept_arm == 'true':
        of_policy['accept_arm'] = True
    more = {node.name: of_all | (of_policy if node.name == 'policy' else {}) for node in nodes}
    return node_actions(
        [replace(node, parameters={**node.parameters, **more[node.name]}) for node in nodes], path
    )


def generate_launch_description() -> LaunchDescription:
    """Describe the policy, the bridge to a robot, and a simulated robot where there is no other.

    The policy alone (``robot:=none``) needs neither torch nor mujoco.
    """
    return LaunchDescription(
        [
            argument('task', DEPLOYED_TASK, f'Task of a robot arm: {", ".join(TASKS)}.'),
            argument('arm', '', "Arm: a name or a description's path; empty: the task's."),
            argument(
                'accept_arm',
                'false',
                'Take a policy that was trained on another arm.',
                ['true', 'false'],
            ),
            argument('model', '', 'ONNX policy; empty: the one shipped for the task.'),
            argument(
                'robot',
                DEPLOYED_ROBOT,
                'What to act on; none: whoever sends step and takes action.',
                list(ROBOTS),
            ),
            argument('run_dir', '', 'Run folder to record to; empty: record nothing.'),
            argument('remap', '', "Other names of a robot's topics: old:=new, apart by spaces."),
            argument('autostart', 'true', 'Configure and activate at start.', ['true', 'false']),
            argument('params', '', 'ROS parameter file; empty: the one shipped for the task.'),
            argument('namespace', ROBOT_NAMESPACE, 'Namespace of the nodes.'),
            *environment_actions(this_machine=False),
            with_arguments(_nodes),
        ]
    )
