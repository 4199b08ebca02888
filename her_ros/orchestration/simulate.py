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

"""``her-ros simulate``: run a policy in simulation, with the same nodes as the launch file."""

from collections.abc import Sequence
import os
from pathlib import Path
from typing import NamedTuple, TYPE_CHECKING

from her_ros.config.files import shipped_model
from her_ros.config.schema import ConfigError
from her_ros.orchestration.graph import NodeSpec, simulation_nodes
from her_ros.orchestration.prepare import checked_values, find_models, Run
from her_ros.orchestration.session import run_without_training
from her_ros.runtime.ros_environment import check_ros_environment, checked_namespace
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import task_named
from rich.console import Console

if TYPE_CHECKING:
    from her_ros.view.display import Display


class SimulateOptions(NamedTuple):
    """Options of ``her-ros simulate``."""

    task: str
    #: None: the policy shipped for the task
    model: Path | None
    real_time: bool
    publish_scene: bool
    folder: Path | None
    record: bool
    params_file: Path | None
    overrides: Sequence[str]
    namespace: str


def simulate(options: SimulateOptions) -> None:
    """
    Run simulation and policy until Ctrl-C.

    :raises HerRosError: if an option is invalid, before anything is started
    """
    check_ros_environment(os.environ, own_log_folder=True)
    checked_namespace(options.namespace)
    # Errors in them are reported first.
    names = [spec.name for spec in _nodes(options, '', 'any' if options.record else '')]
    values = checked_values(options.task, options.params_file, options.overrides, names)
    model = (options.model or shipped_model(options.task)).absolute()
    if not model.is_file():
        raise ConfigError('no such file', '--model is an ONNX policy', source=model)
    find_models(task_named(options.task, values['policy']['arm']))
    folder = RunFolder(options.folder or Path('runs', options.task, 'simulation'))
    run_without_training(
        Run(options.task, folder, resumed=False),
        values,
        options.namespace,
        _nodes(options, str(model), str(folder.path) if options.record else ''),
        lambda console: _display(options, console),
        f'{options.task} by {model}',
    )


def _nodes(options: SimulateOptions, model: str, run_dir: str) -> list[NodeSpec]:
    return simulation_nodes(
        options.namespace, model, run_dir, options.real_time, options.publish_scene
    )


def _display(options: SimulateOptions, console: Console) -> 'Display':
    from her_ros.view.simulation_display import SimulationDisplay

    return SimulationDisplay(f'{options.task} in simulation', options.namespace, console)
