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

"""Train a task: simulation, policy, recorder, evaluator and trainer."""

from pathlib import Path
from typing import Any

from her_ros.orchestration.graph import training_nodes
from her_ros.orchestration.launch_actions import (
    argument,
    arm_argument,
    end_of_run,
    environment_actions,
    node_actions,
    positive_integer,
    task_argument,
    with_arguments,
)
from her_ros.orchestration.prepare import arm_overrides, claimed, extended, prepare_run
from her_ros.orchestration.worker import write_join_file
from launch import LaunchDescription
from launch.actions import LogInfo

# Keeps the locks of the run's folder and namespace for as long as launch runs.
_HELD: list[Any] = []


def _nodes(
    task: str,
    arm: str,
    runs: str,
    name: str,
    new: str,
    params: str,
    workers: str,
    namespace: str,
    **_: str,
) -> list[Any]:
    worker_count = positive_integer('workers', workers)
    path = Path(params) if params else None
    run = prepare_run(task, Path(runs), name, new == 'true', path, arm_overrides(arm))
    if run.result is not None:
        reason = f'{run.folder.path}: finished already; new:=true starts another run'
        return end_of_run(run.result, reason)
    lock = claimed(run, namespace)
    lock.__enter__()
    run = extended(run)
    write_join_file(run, namespace)
    _HELD.append(lock)
    nodes = training_nodes(namespace, worker_count, str(run.folder.path))
    return [LogInfo(msg=f'run folder: {run.folder.path}'), *node_actions(nodes, run.folder.params)]


def generate_launch_description() -> LaunchDescription:
    """Describe the training graph."""
    return LaunchDescription(
        [
            task_argument(),
            arm_argument(),
            argument('runs', 'runs', 'Folder of all runs.'),
            argument('name', '', 'Name of the run; empty: the last one of the task.'),
            argument('new', 'false', 'Start another run.', ['true', 'false']),
            argument('params', '', 'ROS parameter file; empty: the one shipped for the task.'),
            argument('workers', '1', 'Number of simulation workers.'),
            argument('namespace', 'her_ros', 'ROS namespace of the run.'),
            *environment_actions(),
            with_arguments(_nodes),
        ]
    )
