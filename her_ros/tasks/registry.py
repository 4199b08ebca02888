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

"""The list of all tasks, by name."""

from collections.abc import Iterator
from dataclasses import replace

from her_ros.runtime.registry import Registry, RegistryError
from her_ros.tasks.arm import ARM_TASKS
from her_ros.tasks.errors import TaskError
from her_ros.tasks.fetch import FETCH_TASKS
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.gymnasium import GYM_IDS, GYM_PREFIX, gym_tasks

#: tasks of this package; new ones go here
OWN_TASKS: dict[str, GoalTask] = {**FETCH_TASKS, **ARM_TASKS}
#: those and the tasks of other packages
TASKS: Registry[GoalTask] = Registry('task', 'her_ros.tasks', OWN_TASKS)
#: tasks of Gymnasium-Robotics
GYM_TASKS = gym_tasks(FETCH_TASKS)


def task_named(name: str, arm: str = '') -> GoalTask:
    """
    Find a task by its name; ``gym:<id>`` is one of Gymnasium-Robotics.

    :param arm: name of an arm, or path of its description; empty: that of the task
    :raises TaskError: if there is no such task, its reward is not supported, it is not done by
        other arms, or the package that gives it has a fault
    """
    task = _task_named(name)
    if not arm or arm == task.arm:
        return task
    if not task.arm:
        raise TaskError(
            f'arm is {arm!r}, but task {name!r} is not done by other arms',
            f'{", ".join(ARM_TASKS)} are',
        )
    return replace(task, arm=arm)


def _task_named(name: str) -> GoalTask:
    if task := GYM_TASKS.get(name):
        return task
    if name not in TASKS and name.startswith(GYM_PREFIX):
        raise TaskError(
            f'task {name!r} is not in the list of supported tasks: {GYM_IDS}',
            'another one with a sparse reward of the distance to the goal can be added to TASKS',
        )
    try:
        found = TASKS[name]
    except RegistryError as error:
        gym = '' if name in TASKS else ', or gym:<id> of Gymnasium-Robotics'
        raise TaskError(error.problem, f'{error.cure}{gym}') from error
    if not isinstance(found, GoalTask) or found.name != name:
        raise TaskError(
            f'task {name!r} is given as {found!r}', f'give a GoalTask whose name is {name!r}'
        )
    return found


def all_tasks() -> Iterator[GoalTask]:
    """
    Return every task.

    :raises TaskError: if one cannot be loaded
    """
    return map(task_named, [*TASKS, *GYM_TASKS])
