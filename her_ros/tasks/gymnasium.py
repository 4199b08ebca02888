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
Gymnasium-Robotics tasks whose reward a :class:`~her_ros.tasks.goal_task.GoalTask` can give.

That is: a sparse reward that depends only on the distance from achieved to desired goal. Sizes and
times are those of gymnasium-robotics 1.4.2. Observations, goals and actions are used unchanged.
"""

from dataclasses import replace

from her_ros.tasks.goal_task import GoalTask

#: prefix of the names of these tasks; the rest is Gymnasium's id
GYM_PREFIX = 'gym:'

#: description of their names, for messages
GYM_IDS = (
    'gym:HandReach-v3, gym:PointMaze_<maze>-v3, gym:AntMaze_<maze>-v5, gym:Fetch…-v4'
    ' (docs/how_to/gymnasium_tasks.md lists the mazes)'
)

_SIMULATION = 'her_ros.sim.gym_batch:GymBatch'
# Positions in metres, velocities in m/s, angles in rad.
_POINT_FIELDS = (('position', 2), ('velocity', 2))
_ANT_FIELDS = (('joint_positions', 13), ('joint_velocities', 14), ('contact_forces', 78))
_HAND_FIELDS = (
    ('joint_positions', 24),
    ('joint_velocities', 24),
    ('fingertip_positions', 15),
)
# Steps of an episode: of point mazes, of ant mazes.
_MAZES = {
    'UMaze': (300, 700),
    'Open': (300, 700),
    'Open_Diverse_G': (300, 700),
    'Open_Diverse_GR': (300, 700),
    'Medium': (600, 1000),
    'Medium_Diverse_G': (600, 1000),
    'Medium_Diverse_GR': (600, 1000),
    'Large': (800, 1000),
    'Large_Diverse_G': (800, 1000),
    'Large_Diverse_GR': (800, 1000),
}


def _maze(
    robot: str, fields: tuple[tuple[str, int], ...], actions: int, period_s: float, steps: int
) -> GoalTask:
    return GoalTask(
        name=f'{GYM_PREFIX}{robot}',
        observation_fields=fields,
        goal_size=2,
        action_size=actions,
        goal_tolerance_m=0.45,
        control_period_s=period_s,
        episode_length=steps,
        simulation=_SIMULATION,
    )


_HAND_REACH = GoalTask(
    name=f'{GYM_PREFIX}HandReach-v3',
    observation_fields=_HAND_FIELDS,
    # Positions of five fingertips; the distance of two goals is that of all 15 numbers.
    goal_size=15,
    action_size=20,
    goal_tolerance_m=0.01,
    control_period_s=0.04,
    episode_length=50,
    simulation=_SIMULATION,
)


def gym_tasks(fetch: dict[str, GoalTask]) -> dict[str, GoalTask]:
    """
    Return these tasks by name.

    :param fetch: our own Fetch tasks, from which the tasks ``gym:Fetch…`` take their sizes
    """
    tasks = [_HAND_REACH]
    for maze, (of_point, of_ant) in _MAZES.items():
        tasks.append(_maze(f'PointMaze_{maze}-v3', _POINT_FIELDS, 2, 0.01, of_point))
        tasks.append(_maze(f'AntMaze_{maze}-v5', _ANT_FIELDS, 8, 0.05, of_ant))
    tasks += [
        replace(task, name=f'{GYM_PREFIX}{name}-v4', simulation=_SIMULATION)
        for name, task in fetch.items()
    ]
    return {task.name: task for task in tasks}
