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

"""Data sets of LeRobot (installed separately), through its own API."""

from collections.abc import Iterable, Iterator
import json
from pathlib import Path
from typing import Any

from her_ros.adapters.episode_columns import (
    Column,
    DatasetError,
    episode_of,
    named_faults,
    optional_library,
)
from her_ros.episodes.episode import Episode
from her_ros.tasks.goal_task import GoalTask
import numpy as np

_MODULE = 'lerobot.datasets.lerobot_dataset'
# No extra of ours: it takes older releases of torch and numpy than those that we pin.
_INSTALL = 'pip install lerobot==0.4.4'
# The API asks for the name of a repository; nothing is sent to one.
_REPOSITORY = 'her_ros/{}'
_INFO = Path('meta', 'info.json')
# Values that identify an episode of ours, in this order.
_IDENTITY = ('session', 'env', 'episode')


def write_lerobot(folder: Path, task: GoalTask, episodes: Iterable[Episode]) -> int:
    """
    Write episodes as a LeRobotDataset, one at a time.

    A frame holds a state, the move from it, and what that led to (``next.…``).

    :param folder: of the data set; must not exist
    :return: number of episodes
    :raises DatasetError: if LeRobot is missing, the data set cannot be written, or an episode is
        disturbed, as LeRobot has no place for the truth
    """
    library = optional_library(_MODULE, _INSTALL)
    optional_library('datasets', _INSTALL).disable_progress_bars()  # one per episode
    count = 0
    with named_faults(folder):
        dataset = library.LeRobotDataset.create(
            repo_id=_REPOSITORY.format(task.name),
            fps=max(1, round(1 / task.control_period_s)),
            features=_features(task),
            root=folder,
            robot_type=task.arm_name or 'fetch',
            use_videos=False,
        )
        for count, episode in enumerate(episodes, start=1):  # noqa: B007
            columns = _columns(episode)
            for index in range(len(episode)):
                frame = {name: column[index] for name, column in columns.items()}
                dataset.add_frame({**frame, 'task': f'{task.name}: reach the desired goal'})
            dataset.save_episode()
        dataset.finalize()
        path = folder / _INFO
        info = json.loads(path.read_text('utf-8'))
        noted = {'task': task.name, 'arm': task.arm}
        path.write_text(json.dumps({**info, 'her_ros': noted}, indent=4), 'utf-8')
    return count


def _features(task: GoalTask) -> dict[str, dict[str, Any]]:
    state = [f'{name}_{i}' for name, size in task.observation_fields for i in range(size)]
    goal = [f'goal_{i}' for i in range(task.goal_size)]
    action = [f'action_{i}' for i in range(task.action_size)]
    kinds: dict[str, tuple[str, list[str]]] = {
        'observation.state': ('float32', state),
        'observation.environment_state': ('float32', goal),
        'action': ('float32', action),
        'achieved_goal': ('float64', goal),
        'desired_goal': ('float64', goal),
        'next.observation.state': ('float32', state),
        'next.achieved_goal': ('float64', goal),
        'next.reward': ('float32', ['reward']),
        'next.success': ('bool', ['success']),
        'next.terminated': ('bool', ['terminated']),
        'next.truncated': ('bool', ['truncated']),
        'policy_version': ('int64', ['version']),
        'identity': ('int64', [*_IDENTITY]),
    }
    return {
        name: {'dtype': dtype, 'shape': (len(names),), 'names': names}
        for name, (dtype, names) in kinds.items()
    }


def _columns(episode: Episode) -> dict[str, Column]:
    """Return the values of T frames by feature, each of shape (T, n)."""
    if episode.has_truth:
        raise DatasetError(
            'the episode is disturbed, and LeRobot has no place for the truth',
            'export it to minari',
        )
    rows = episode.rows
    before, after = rows[:-1], rows[1:]
    return {
        'observation.state': before['observation'].astype(np.float32),
        'observation.environment_state': before['desired_goal'].astype(np.float32),
        'action': after['action'],
        'achieved_goal': before['achieved_goal'],
        'desired_goal': before['desired_goal'],
        'next.observation.state': after['observation'].astype(np.float32),
        'next.achieved_goal': after['achieved_goal'],
        'next.reward': after['reward'][:, None],
        'next.success': after['is_success'][:, None].astype(bool),
        'next.terminated': after['terminated'][:, None].astype(bool),
        'next.truncated': after['truncated'][:, None].astype(bool),
        'policy_version': after['policy_version'][:, None].astype(np.int64),
        'identity': np.stack([after[name] for name in _IDENTITY], -1).astype(np.int64),
    }


def lerobot_task(folder: Path) -> dict[str, str]:
    """Return task and arm that her_ros noted in a data set; empty in those of others."""
    with named_faults(folder):
        return dict(json.loads((folder / _INFO).read_text('utf-8')).get('her_ros', {}))


def lerobot_episodes(folder: Path) -> int:
    """Return how many episodes a data set states; 0: it states none."""
    with named_faults(folder):
        stated = json.loads((folder / _INFO).read_text('utf-8')).get('total_episodes')
        return stated if isinstance(stated, int) else 0


def read_lerobot(folder: Path, task: GoalTask) -> Iterator[Episode]:
    """
    Read the episodes of a LeRobotDataset that :func:`write_lerobot` has written.

    Observations come back in single precision, goals and moves as they were.

    :param task: task of the data
    :raises DatasetError: if LeRobot is missing, the data set cannot be read, lacks goals, or holds
        an episode that is none of the task
    """
    library = optional_library(_MODULE, _INSTALL)
    with named_faults(folder):
        dataset = library.LeRobotDataset(_REPOSITORY.format(task.name), root=folder)
        features = _features(task)
        if missing := sorted(features.keys() - dataset.features.keys()):
            raise DatasetError(f'no {", ".join(missing)}, so it has no goals to learn from')
        # As plain values: its arrays have single precision.
        frames = dataset.hf_dataset.with_format(None).select_columns([*features])
        for number, bounds in enumerate(dataset.meta.episodes):
            begin, end = bounds['dataset_from_index'], bounds['dataset_to_index']
            with named_faults(f'episode {number}'):
                columns = {name: np.array(each) for name, each in frames[begin:end].items()}
                yield _episode(task, columns, number)


def _episode(task: GoalTask, frames: dict[str, Column], number: int) -> Episode:
    def states(name: str) -> Column:
        return np.concatenate([frames[name], frames[f'next.{name}'][-1:]])

    moves = len(frames['action'])
    columns = {
        'observation': states('observation.state').reshape(moves + 1, -1),
        'achieved_goal': states('achieved_goal').reshape(moves + 1, -1),
        'desired_goal': frames['desired_goal'].reshape(moves, -1),
        'action': frames['action'].reshape(moves, -1),
        'terminated': frames['next.terminated'],
    }
    identity = frames['identity'][0]
    own = {name: np.full(moves + 1, identity[i]) for i, name in enumerate(_IDENTITY)}
    own['step'] = np.arange(moves + 1)
    for name, feature in (('policy_version', 'policy_version'), ('is_success', 'next.success')):
        own[name] = np.append(0, frames[feature].reshape(-1))
    return episode_of(task, columns, own, session=0, number=number)
