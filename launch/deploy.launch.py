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

"""Act on a robot: the simulated one, or a real one."""

from pathlib import Path
from typing import Any

from her_ros.orchestration.deploy import DeployOptions, prepared_deployment
from her_ros.orchestration.graph import (
    DEPLOYED_ROBOT,
    DEPLOYED_TASK,
    ROBOT_NAMESPACE,
    ROBOTS,
)
from her_ros.orchestration.launch_actions import (
    accept_arm_argument,
    argument,
    arm_argument,
    environment_actions,
    node_actions,
    with_arguments,
)
from her_ros.orchestration.prepare import arm_overrides, checked_params, with_values
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import TASKS
from launch import LaunchDescription


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
    options = DeployOptions(
        task,
        Path(model) if model else None,
        robot,
        path,
        arm_overrides(arm, accept_arm == 'true'),
        namespace,
        remap.split(),
        autostart == 'true',
    )
    folder = RunFolder(run_dir) if run_dir else None
    ready = prepared_deployment(options, str(folder.path) if folder else '')
    if folder:
        folder.create()
    return node_actions(with_values(ready.nodes, path, ready.values), path)


def generate_launch_description() -> LaunchDescription:
    """
    Describe the policy, the bridge to a robot, and a simulated robot where there is no other.

    The policy alone (``robot:=none``) needs neither torch nor mujoco.
    """
    return LaunchDescription(
        [
            argument('task', DEPLOYED_TASK, f'Task of a robot arm: {", ".join(TASKS)}.'),
            arm_argument(),
            accept_arm_argument(),
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
