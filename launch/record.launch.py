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
