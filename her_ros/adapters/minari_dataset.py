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

"""Goal-conditioned data sets of Minari (installed separately)."""

from collections.abc import Iterable, Iterator
import json
import os
from pathlib import Path
import secrets
from typing import Any
from unittest import mock
import warnings

from her_ros.adapters.episode_columns import (
    DatasetError,
    episode_of,
    named_faults,
    optional_library,
    own_columns,
)
from her_ros.episodes.episode import Episode
from her_ros.tasks.goal_task import GoalTask
import numpy as np

_INSTALL = "pip install 'her_ros[minari]'"
_ROOT = 'MINARI_DATASETS_PATH'
_STATE = ('observation', 'achieved_goal', 'desired_goal')
# Episodes read at once.
_GROUP = 64


def dataset_id(task: GoalTask) -> str:
    """Return the name by which ``minari.load_dataset`` finds the data set of a task."""
    name = ''.join(each if each.isalnum() else '_' for each in task.name)
    return f'{name}/her_ros-v0'


def write_minari(folder: Path, task: GoalTask, episodes: Iterable[Episode]) -> int:
    """
    Write episodes as a data set of Minari, one at a time.

    :param folder: root of data sets, ``MINARI_DATASETS_PATH``
    :return: number of episodes
    :raises DatasetError: if Minari is missing, or the data set cannot be written
    """
    minari = optional_library('minari', _INSTALL)
    spaces = optional_library('gymnasium.spaces', _INSTALL)
    optional_library('h5py', _INSTALL)
    sizes = (task.observation_size, task.goal_size, task.goal_size)
    state = {
        name: spaces.Box(-np.inf, np.inf, (size,), np.float64)
        for name, size in zip(_STATE, sizes, strict=True)
    }
    count = 0

    def buffers() -> Iterator[Any]:
        nonlocal count
        for count, episode in enumerate(episodes, start=1):  # noqa: B007
            yield _buffer(minari, episode)

    with (
        named_faults(folder),
        mock.patch.dict(os.environ, {_ROOT: str(folder)}),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter('ignore', UserWarning)  # about an environment, which is not needed
        dataset = minari.create_dataset_from_buffers(
            dataset_id(task),
            buffers(),
            observation_space=spaces.Dict(state),
            action_space=spaces.Box(-1.0, 1.0, (task.action_size,), np.float32),
            description=f'Episodes of {task.name}, recorded by her_ros; the reward is sparse.',
        )
        dataset.storage.update_metadata({'her_ros': {'task': task.name, 'arm': task.arm}})
    return count


def _buffer(minari: Any, episode: Episode) -> Any:
    rows = episode.rows
    return minari.data_collector.EpisodeBuffer(
        observations={name: rows[name] for name in _STATE},
        actions=rows['action'][1:],
        rewards=rows['reward'][1:],
        terminations=rows['terminated'][1:].astype(bool),
        truncations=rows['truncated'][1:].astype(bool),
        infos=own_columns(episode),
    )


def minari_folder(folder: Path) -> Path:
    """
    Return the folder of the only data set below a folder.

    :raises DatasetError: if there is none, or more than one
    """
    found = sorted(path.parent for path in folder.rglob('data/metadata.json'))
    if folder.name == 'data' and (folder / 'metadata.json').is_file():
        found = [folder]
    if len(found) != 1:
        raise DatasetError(
            f'{len(found)} data sets of Minari',
            'name the folder of one, which has data/metadata.json',
            source=folder,
        )
    return found[0]


def minari_task(folder: Path) -> dict[str, str]:
    """Return task and arm that her_ros noted in a data set; empty in those of others."""
    with named_faults(folder):
        metadata = json.loads((minari_folder(folder) / 'metadata.json').read_text('utf-8'))
        return dict(metadata.get('her_ros', {}))


def minari_episodes(folder: Path) -> int:
    """Return how many episodes a data set states; 0: it states none."""
    with named_faults(folder):
        text = (minari_folder(folder) / 'metadata.json').read_text('utf-8')
        stated = json.loads(text).get('total_episodes')
        return stated if isinstance(stated, int) else 0


def read_minari(folder: Path, task: GoalTask) -> Iterator[Episode]:
    """
    Read the episodes of a data set of Minari, a few at a time.

    :param folder: of one data set, or a folder that holds only one
    :param task: task of the data
    :raises DatasetError: if Minari is missing, the data set cannot be read, or an episode is none
        of the task
    """
    minari = optional_library('minari', _INSTALL)
    optional_library('h5py', _INSTALL)
    source = minari_folder(folder)
    with named_faults(source):
        dataset, session = minari.MinariDataset(source), secrets.randbits(32)
        for begin in range(0, dataset.total_episodes, _GROUP):
            group = range(begin, min(begin + _GROUP, dataset.total_episodes))
            for number, each in zip(group, dataset.iterate_episodes(group), strict=True):
                with named_faults(f'episode {number}'):
                    yield _episode(task, each, session, number)


def _episode(task: GoalTask, each: Any, session: int, number: int) -> Episode:
    if not isinstance(each.observations, dict) or not {*_STATE} <= each.observations.keys():
        raise DatasetError(f'observations lack {", ".join(_STATE)}, so it has no goals')
    infos = each.infos if isinstance(each.infos, dict) else {}
    columns = {name: each.observations[name] for name in _STATE}
    columns |= {'action': each.actions, 'terminated': each.terminations}
    return episode_of(task, columns, infos if 'policy_version' in infos else {}, session, number)
