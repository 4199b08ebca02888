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

"""Determine the task of a bag."""

from collections.abc import Mapping

from her_ros.bags.errors import BagError
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.gymnasium import GYM_PREFIX
from her_ros.tasks.registry import all_tasks, task_named
from her_ros.wire.cloud import CLOUD_TYPE, dtype_of
from her_ros.wire.rows import ROW_FORMAT
from her_ros.wire.topics import STEP


def is_step(topic: str, message_type: str) -> bool:
    """Tell whether a topic is a ``step`` topic."""
    return f'/{topic}'.endswith(f'/{STEP}') and message_type == CLOUD_TYPE


def agree_on_task(
    metadata: Mapping[str, str], task: GoalTask | None, message: bytes | memoryview | None
) -> GoalTask:
    """
    Return the task of a bag.

    :param metadata: metadata of its writer
    :param task: the task that the reader expects; None for any
    :param message: a ``step`` message of the bag, whose sizes may identify the task
    :raises BagError: if the bag is of another task, no task can be determined, or the rows have a
        newer format
    :raises TaskError: if the metadata names a task that does not exist
    """
    _check_row_format(metadata)
    recorded = metadata.get('task')
    arm = metadata.get('arm', '')
    if task is None:
        return task_named(recorded, arm) if recorded is not None else _task_of_size(message)
    if recorded not in (None, task.name):
        raise BagError(
            f'recorded from {recorded}, expected {task.name}', f'name bags of {task.name}'
        )
    if arm and arm != task.arm_name:
        raise BagError(
            f'recorded on arm {arm}, expected {task.arm_name or "no arm"}',
            'name the arm of the bags by --arm',
        )
    return task


def _check_row_format(metadata: Mapping[str, str]) -> None:
    # The first writers noted no format, and a merged bag notes the formats of all its parts.
    noted = metadata.get('row_format', '1')
    if not all(word.isdecimal() for word in noted.split() or ['']):
        raise BagError(f'its row_format is {noted!r}', 'expected a number')
    if (newest := max(map(int, noted.split()))) > ROW_FORMAT:
        raise BagError(
            f'its rows have format {newest}, and this version of her_ros reads formats up to'
            f' {ROW_FORMAT}',
            'update her_ros',
        )


def _task_of_size(message: bytes | memoryview | None) -> GoalTask:
    if message is None:
        raise BagError('the bag does not name its task', 'name the task')
    dtype = dtype_of(message)
    names = ('observation', 'achieved_goal', 'action')
    sizes = tuple(dtype[name].shape[0] if name in (dtype.names or ()) else 0 for name in names)
    found = [
        task
        for task in all_tasks()
        # These have the sizes of our own Fetch tasks, and their bags name them.
        if not (task.arm or task.name.startswith(f'{GYM_PREFIX}Fetch'))
        and (task.observation_size, task.goal_size, task.action_size) == sizes
    ]
    if len(found) == 1:
        return found[0]
    described = ', '.join(f'{size} {name}' for size, name in zip(sizes, names, strict=True))
    if not found:
        raise BagError(
            f'rows of no known task: a row has {described}',
            'add the task as docs/tutorials/own_task.md shows',
        )
    fitting = ', '.join(task.name for task in found)
    raise BagError(
        f'the bag does not name its task, and its rows ({described}) fit {fitting}',
        'name the task',
    )
