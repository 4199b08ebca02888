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

"""Positions of the values of an observation that sensors measure."""

from typing import NamedTuple

from her_ros.tasks.disturbances import FIELD_SIZE
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.symmetry import Kind


class Measured(NamedTuple):
    """Slices of an observation, and of an action; None: the task has no such values."""

    gripper_position: slice | None
    gripper_velocity: slice | None
    object_position: slice | None
    object_position_from_gripper: slice | None
    object_velocity_from_gripper: slice | None
    object_rotation: slice | None
    object_angular_velocity: slice | None
    #: the displacement of the gripper that an action commands
    displacement: slice | None


def measured_fields(task: GoalTask) -> Measured:
    """Find the fields of a task by their names; those of another size than 3 are not measured."""
    sizes = dict(task.observation_fields)
    places = {
        name: place for name, place in task.observation_slices.items() if sizes[name] == FIELD_SIZE
    }
    found = {name: places.get(name) for name in Measured._fields[:-1]}
    first, size = task.action_kinds[0]
    displacement = slice(0, size) if first == Kind.DISPLACEMENT and size == 3 else None
    return Measured(**found, displacement=displacement)
