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

"""``her-ros bags export`` and ``import``: bags as data sets of other libraries."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from glob import escape
from pathlib import Path
import secrets
import shutil
from typing import Any, NamedTuple

from her_ros.adapters import lerobot_dataset, minari_dataset
from her_ros.adapters.episode_columns import DatasetError
from her_ros.bags.rollout import run_metadata
from her_ros.bags.sources import expand
from her_ros.bags.stream import stream_episodes
from her_ros.bags.writer import write_rollout
from her_ros.episodes.episode import Episode
from her_ros.orchestration.offline_bags import task_of
from her_ros.orchestration.progress import bags_tracked, tracked
from her_ros.runtime.files import create_held, publish_folder, remove_unheld, WRITABLE
from her_ros.runtime.output import say
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named

# Rows of a bag that import writes, about a megabyte.
_ROWS_PER_BAG = 4096


class Format(StrEnum):
    """Formats of data sets."""

    LEROBOT = 'lerobot'
    MINARI = 'minari'


class _Library(NamedTuple):
    write: Callable[[Path, GoalTask, Iterable[Episode]], int]
    read: Callable[[Path, GoalTask], Iterator[Episode]]
    #: task and arm that a data set of ours notes
    noted: Callable[[Path], Mapping[str, str]]
    #: number of episodes that a data set states; 0: it states none
    episodes: Callable[[Path], int]
    #: code that reads it, given folder and task
    hint: Callable[[Path, GoalTask], str]


_LIBRARIES = {
    Format.LEROBOT: _Library(
        lerobot_dataset.write_lerobot,
        lerobot_dataset.read_lerobot,
        lerobot_dataset.lerobot_task,
        lerobot_dataset.lerobot_episodes,
        lambda folder, task: f"LeRobotDataset('her_ros/{task.name}', root='{folder}')",
    ),
    Format.MINARI: _Library(
        minari_dataset.write_minari,
        minari_dataset.read_minari,
        minari_dataset.minari_task,
        minari_dataset.minari_episodes,
        lambda folder, task: (
            f"minari.load_dataset('{minari_dataset.dataset_id(task)}')"
            f' with MINARI_DATASETS_PATH={folder}'
        ),
    ),
}


def _noted_task(noted: Mapping[str, Any], dataset: Path) -> GoalTask:
    """
    Return the task that a data set of ours notes.

    :raises HerRosError: if what it notes is no task
    """
    name, arm = noted.get('task'), noted.get('arm', '')
    if not isinstance(name, str) or not isinstance(arm, str):
        raise DatasetError('what it notes as its task is none', 'name it by --task', dataset)
    return task_named(name, arm)


def export_bags(bags: list[Path], out: Path, to: Format, task: GoalTask | None) -> None:
    """
    Write the finished episodes of bags as a data set, in bounded memory.

    :param task: of bags that do not name theirs
    :raises HerRosError: if a bag cannot be read, the bags are of several tasks, or the library is
        missing; nothing is written then
    """
    paths = expand(bags)
    chosen = task or task_of([(path, '') for path in paths])
    library = _LIBRARIES[to]
    with _whole(out) as folder, bags_tracked(paths, 'exporting', is_slow=True):
        count = library.write(
            folder, chosen, (each for path in paths for each in stream_episodes(path, chosen))
        )
    say(f'{out}: {count} episodes of {chosen.name}; {library.hint(out.absolute(), chosen)}')


def import_dataset(dataset: Path, out: Path, source: Format, task: GoalTask | None) -> None:
    """
    Write the episodes of a data set as bags, in bounded memory.

    :param task: of data that her_ros did not write; None: as noted in it
    :raises HerRosError: if it cannot be read, or an episode is none of the task; nothing is
        written then
    """
    library = _LIBRARIES[source]
    if not dataset.is_dir():
        raise DatasetError('no such folder', 'correct the path', dataset)
    noted = library.noted(dataset)
    if task is None and not noted:
        raise DatasetError('it does not say its task', 'name it by --task', source=dataset)
    chosen = task or _noted_task(noted, dataset)
    metadata = run_metadata(chosen, imported_from=source.value)
    count = 0
    with _whole(out) as folder:
        folder.mkdir(parents=True)
        episodes = library.read(dataset, chosen)
        if stated := library.episodes(dataset):
            episodes = tracked(episodes, 'importing', stated)
        for number, group in enumerate(_groups(episodes)):
            messages = [episode.rows for episode in group]
            write_rollout(folder, f'{source.value}_{number:06d}', metadata, messages)
            count += len(group)
        if not count:
            raise DatasetError('no episode', 'record some', dataset)
    say(f'{out}: {count} episodes of {chosen.name}; her-ros train-offline {out} learns from them')


def _groups(episodes: Iterable[Episode]) -> Iterator[list[Episode]]:
    """Collect the episodes of each bag."""
    group: list[Episode] = []
    rows = 0
    for episode in episodes:
        group.append(episode)
        rows += len(episode.rows)
        if rows >= _ROWS_PER_BAG:
            yield group
            group, rows = [], 0
    if group:
        yield group


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """
    Return a temporary folder, which does not exist, and becomes ``out`` at the end.

    :raises DatasetError: if ``out`` exists, or cannot be written
    """
    if out.exists():
        raise DatasetError('exists already', 'name another folder', source=out)
    for torn in out.parent.glob(f'.{escape(out.name)}.*.tmp'):  # of killed processes
        remove_unheld(torn)
    temporary = out.with_name(f'.{out.name}.{secrets.token_hex(4)}.tmp')
    try:
        temporary.mkdir(parents=True)
        with create_held(temporary / 'lock'):
            yield temporary / 'whole'
            publish_folder(temporary / 'whole', out)
    except OSError as error:
        raise DatasetError(f'cannot be written ({error.strerror})', WRITABLE, out) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
