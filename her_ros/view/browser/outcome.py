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

"""Say in words how an episode ended, and why it missed its goal."""

from her_ros.episodes.episode import Episode
from her_ros.tasks.goal_task import GoalTask
import numpy as np

# An object that moved less was not moved, and one that is so much lower fell; metres.
_STILL_M, _FALL_M = 0.01, 0.05


def outcome(episode: Episode, task: GoalTask) -> str:
    """Return how an episode ended, in a few words."""
    if episode.is_success:
        return 'reached'
    return f'missed by {100 * _distances(episode, task)[-1]:.1f} cm'


def reason(episode: Episode, task: GoalTask) -> str:
    """Return why an episode ended as it did, in a sentence or two."""
    distances = _distances(episode, task)
    near = distances < task.goal_tolerance_m
    if episode.is_success:
        if near.all():
            return 'It was at the goal from the start.'
        away = int(np.flatnonzero(~near)[-1]) if not near.all() else -1
        return f'At the goal from step {away + 1} to the end.'
    parts = []
    if not episode.rows['policy_version'][1:].any():
        parts.append('The actions were random: there was no policy yet.')
    parts.append(_of_object(episode, task) or _of_distance(distances, near, task))
    return ' '.join(parts)


def _of_distance(distances: np.ndarray, near: np.ndarray, task: GoalTask) -> str:
    needed = f'{100 * task.goal_tolerance_m:g} cm'
    if near.any():
        step = int(np.flatnonzero(near)[-1])
        return f'It was at the goal until step {step}, then left it.'
    step = int(distances.argmin())
    closest = f'{100 * distances[step]:.1f} cm'
    if step == len(distances) - 1:
        return f'It was still coming closer at the end: {closest} left, {needed} are needed.'
    return f'It came no closer than {closest}, at step {step}; {needed} are needed.'


def _of_object(episode: Episode, task: GoalTask) -> str:
    """Return what happened to the object, if that explains it; else nothing."""
    slices = task.observation_slices
    if 'object_position' not in slices:
        return ''
    path = episode.true_observation[:, slices['object_position']]
    gripper = episode.true_observation[:, slices['gripper_position']]
    if np.linalg.norm(path - path[0], axis=1).max() < _STILL_M:
        closest = float(np.linalg.norm(gripper - path, axis=1).min())
        return (
            'The object was never moved; the gripper came within'
            f' {100 * closest:.1f} cm of its middle.'
        )
    fallen = np.flatnonzero(path[:, 2] < path[0, 2] - _FALL_M)
    return f'The object fell at step {fallen[0]}.' if len(fallen) else ''


def _distances(episode: Episode, task: GoalTask) -> np.ndarray:
    """Return the distance to the goal in every state, metres, shape (T + 1,)."""
    return np.asarray(task.distance(episode.achieved_goal, episode.desired_goal))
