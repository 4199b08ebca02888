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

"""
Where the arm of a goal task stands in the world, and where its tool starts.

The world frame is that of the Fetch tasks. Any other arm stands so that its table is as high as
theirs, and so that its tool starts where theirs does: then a policy that was trained on one arm
gets inputs that it knows on another one.
"""

from dataclasses import dataclass

from her_ros.arms.description import ArmDescription
from her_ros.arms.registry import arm_named
from her_ros.arms.scene_specs import scene_spec_of, SceneSpec
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: height of the table top, metres, world frame
TABLE_HEIGHT_M = 0.4
#: the arm of the Fetch tasks
FETCH = 'fetch'

# A puck is slid away from the arm, from a start at this distance from the workspace's near edge.
_FROM_NEAR_EDGE_M = 0.15


@dataclass(frozen=True)
class Placement:
    """An arm and its place in the world of a task."""

    description: ArmDescription
    scene_spec: SceneSpec
    #: position of the base, whose axes are those of the world: metres, world frame, shape (3,)
    base_m: Floats
    #: position of the tool at the start of episodes, metres, world frame, shape (3,)
    start_m: Floats

    @property
    def start_in_base_m(self) -> Floats:
        """Position of the tool at the start of episodes, metres, frame of the base, shape (3,)."""
        return self.start_m - self.base_m


def placement_of(task: GoalTask) -> Placement:
    """
    Return where a task's arm stands.

    :raises ArmError: if the task has no arm, or its description has a fault
    """
    scene_spec = scene_spec_of(task)
    if not task.arm:
        base_m, start_m = np.array(scene_spec.base_m), np.array(scene_spec.start_m)
        return Placement(arm_named(FETCH), scene_spec, base_m, start_m)
    description = arm_named(task.arm)
    in_base_m = _start_in_base(task, description, scene_spec.start_m[2] - TABLE_HEIGHT_M)
    above_table_m = in_base_m[2] - description.workspace.table_height
    start_m = np.array([*scene_spec.start_m[:2], TABLE_HEIGHT_M + above_table_m])
    return Placement(description, scene_spec, start_m - in_base_m, start_m)


def _start_in_base(task: GoalTask, description: ArmDescription, above_table_m: float) -> Floats:
    workspace = description.workspace
    x, y = workspace.centre
    if task.name == 'Slide':
        x = workspace.low[0] + _FROM_NEAR_EDGE_M
    return np.array([x, y, max(workspace.table_height + above_table_m, workspace.low[2])])
