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

"""Make the simulation of a task."""

from collections.abc import Callable, Sequence

from her_ros.runtime.registry import load, RegistryError
from her_ros.sim.errors import SimError
from her_ros.sim.simulation import Simulation
from her_ros.tasks.goal_task import GoalTask


def simulation_of(task: GoalTask, seeds: Sequence[int | None], threads: int = 1) -> Simulation:
    """
    Make the simulation that a task names.

    :param seeds: one per environment; None draws one from the operating system
    :param threads: physics threads of Fetch tasks; Gymnasium's environments use one
    :raises SimError: if it cannot be made
    """
    if not task.simulation:
        raise SimError(
            f'task {task.name!r} has no simulation',
            'name one in its GoalTask, as simulation="module:class"',
        )
    try:
        make: Callable[..., Simulation] = load(
            f'the simulation of task {task.name!r}', task.simulation
        )
    except RegistryError as error:
        raise SimError.of(error) from error
    return make(task, seeds, threads)
