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

"""Goal tasks on any described arm: fields, sizes and timing are those of the Fetch tasks."""

from dataclasses import replace

from her_ros.tasks.fetch import FETCH_TASKS
from her_ros.tasks.goal_task import GoalTask

#: the arm of these tasks unless another one is named
DEFAULT_ARM = 'franka_panda'

#: prefix of the names of the same tasks on the Fetch
FETCH_PREFIX = 'Fetch'

#: tasks of :class:`~her_ros.sim.arm.batch.ArmBatch`
ARM_TASKS: dict[str, GoalTask] = {
    name.removeprefix(FETCH_PREFIX): replace(
        task,
        name=name.removeprefix(FETCH_PREFIX),
        arm=DEFAULT_ARM,
        simulation='her_ros.sim.arm.batch:ArmBatch',
    )
    for name, task in FETCH_TASKS.items()
}
