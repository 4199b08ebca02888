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
Scene, start pose, and object and goal regions of the four Fetch tasks.

The tasks are those of Plappert et al. 2018 (arXiv 1802.09464), section 1.1; the numbers are those
of gymnasium-robotics' ``FetchReach-v4``, ``FetchPush-v4``, ``FetchSlide-v4`` and
``FetchPickAndPlace-v4``.
"""

from dataclasses import dataclass, field

from her_ros.arms.errors import ArmError
from her_ros.tasks.arm import ARM_TASKS, FETCH_PREFIX
from her_ros.tasks.goal_task import GoalTask

#: edges of the block and diameter of the puck, metres
BLOCK_M = 0.05


@dataclass(frozen=True)
class SceneSpec:
    """Scene of one task; lengths in metres, world frame."""

    #: MJCF file in the assets' ``fetch`` folder
    scene: str
    #: start value of ``robot0:slide0``, the position of the base along x
    base_x_m: float
    #: position of the robot's base, whose axes are those of the world
    base_m: tuple[float, float, float]
    #: position of the gripper at the start of episodes, before it has settled fully
    start_m: tuple[float, float, float]
    #: height of the resting object
    object_height_m: float = field(kw_only=True, default=0.0)
    #: displacement of the gripper before the first episode, from its position in the MJCF
    gripper_shift_m: tuple[float, float, float]
    #: half width of the square of goals around the gripper
    goal_range_m: float
    #: centre of the goals, relative to the gripper
    goal_shift_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    #: largest height of goals above the object; half of the goals are at its height
    goal_height_m: float = 0.0
    #: position of the object while the scene settles; None: there is no object
    object_start_m: tuple[float, float, float] | None = None
    #: half width of the square around the gripper in which the object starts
    object_range_m: float = 0.0
    #: whether the fingers are held closed and the fourth action has no effect
    fingers_closed: bool = True


SCENE_SPECS = {
    'FetchReach': SceneSpec(
        scene='reach.xml',
        base_x_m=0.4049,
        base_m=(0.6918, 0.7441, 0.0),
        start_m=(1.3418132221394712, 0.7491009822611937, 0.5347217811232724),
        gripper_shift_m=(-0.498, 0.005, -0.431 + 0.2),
        goal_range_m=0.15,
    ),
    'FetchPush': SceneSpec(
        scene='push.xml',
        base_x_m=0.405,
        base_m=(0.6919, 0.7441, 0.0),
        start_m=(1.362850490425154, 0.7491004619204665, 0.4160131202438816),
        object_height_m=0.4248922232488584,
        gripper_shift_m=(-0.498, 0.005, -0.431),
        goal_range_m=0.15,
        object_start_m=(1.25, 0.53, 0.4),
        object_range_m=0.15,
    ),
    'FetchSlide': SceneSpec(
        scene='slide.xml',
        base_x_m=0.05,
        base_m=(0.3369, 0.7441, 0.0),
        start_m=(1.013002706903853, 0.749154137351826, 0.41550269605186485),
        object_height_m=0.41999941366554433,
        gripper_shift_m=(-0.498, 0.005, -0.431 - 0.02),
        goal_range_m=0.3,
        goal_shift_m=(0.4, 0.0, 0.0),
        object_start_m=(1.7, 1.1, 0.41),
        object_range_m=0.1,
    ),
    'FetchPickAndPlace': SceneSpec(
        scene='pick_and_place.xml',
        base_x_m=0.405,
        base_m=(0.6919, 0.7441, 0.0),
        start_m=(1.3419132215026535, 0.7491010112784146, 0.5347217893580366),
        object_height_m=0.4248922232488584,
        gripper_shift_m=(-0.498, 0.005, -0.431 + 0.2),
        goal_range_m=0.15,
        goal_height_m=0.45,
        object_start_m=(1.25, 0.53, 0.4),
        object_range_m=0.15,
        fingers_closed=False,
    ),
}


def scene_spec_of(task: GoalTask) -> SceneSpec:
    """
    Return the scene of a task; one of another arm has the regions of the Fetch's.

    :raises ArmError: if the task has no arm
    """
    try:
        return SCENE_SPECS[f'{FETCH_PREFIX}{task.name}' if task.arm else task.name]
    except KeyError:
        tasks = ', '.join([*SCENE_SPECS, *ARM_TASKS])
        raise ArmError(f'task {task.name!r} has no arm', f'choose one of {tasks}') from None
