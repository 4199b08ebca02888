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

"""Run a policy in simulation, without training."""

from pathlib import Path
from typing import Any

from her_ros.orchestration.graph import simulation_nodes
from her_ros.orchestration.launch_actions import (
    accept_arm_argument,
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
    find_models,
    with_values,
)
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import task_named
from launch import LaunchDescription


def _nodes(
    task: str,
    arm: str,
    accept_arm: str,
    model: str,
    run_dir: str,
    params: str,
    namespace: str,
    real_time: str,
    publish_scene: str,
    **_: str,
) -> list[Any]:
    path = checked_params(task, Path(params) if params else None)
    values = checked_values(task, path, arm_overrides(arm, accept_arm == 'true'))
    find_models(task_named(task, values['policy']['arm']))
    if run_dir:
        folder = RunFolder(run_dir)
        folder.create()
        run_dir = str(folder.path)
    nodes = simulation_nodes(
        namespace, model, run_dir, real_time == 'true', publish_scene == 'true'
    )
    return node_actions(with_values(nodes, path, values), path)


def generate_launch_description() -> LaunchDescription:
    """Describe simulation and policy, with a recorder where there is a folder for it."""
    return LaunchDescription(
        [
            task_argument(),
            arm_argument(),
            accept_arm_argument(),
            argument('model', '', 'ONNX policy; empty: act at random.'),
            argument('run_dir', '', 'Run folder to record to; empty: record nothing.'),
            argument('params', '', 'ROS parameter file; empty: the one shipped for the task.'),
            argument('namespace', 'her_ros', 'ROS namespace.'),
            argument('real_time', 'false', 'Move as fast as a robot.', ['true', 'false']),
            argument('publish_scene', 'false', 'Show environment 0.', ['true', 'false']),
            *environment_actions(),
            with_arguments(_nodes),
        ]
    )
