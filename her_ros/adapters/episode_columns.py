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

"""Episodes as columns of numbers, for formats that keep a column per value."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from her_ros.episodes.episode import Episode, EpisodeError
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import disturbed_step_dtype, DRAWN_FIELDS, step_dtype
import numpy as np
from numpy.typing import ArrayLike, NDArray

#: fields of a row that formats of others have themselves
STANDARD = (
    'observation', 'achieved_goal', 'desired_goal', 'action', 'reward', 'terminated', 'truncated',
)  # fmt: skip
#: fields of a row that formats of others do not have
OWN = ('session', 'env', 'episode', 'step', 'policy_version', 'is_success')
#: more fields of disturbed rows
DISTURBED = ('true_observation', 'true_achieved_goal', *DRAWN_FIELDS.values())

Column = NDArray[Any]

# Errors of libraries about damaged or unexpected data; h5py also raises RuntimeError.
_FAULTS = (
    OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError,
    RuntimeError,
)  # fmt: skip


class DatasetError(HerRosError):
    """A data set of another library that cannot be written or read."""

    usual_cure = 'compare it with one of `her-ros bags export`'


def optional_library(name: str, command: str) -> Any:
    """
    Import a module of a library that the package does not require.

    :param command: which installs it
    :raises DatasetError: if it is missing, with the reason
    """
    try:
        return import_module(name)
    except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: of another torch
        raise DatasetError(
            f'{name} cannot be imported ({one_line(error)[:200]})',
            command,
        ) from None


def own_columns(episode: Episode) -> dict[str, Column]:
    """Return the values of an episode that formats of others lack, each of shape (T + 1, ...)."""
    fields = (*OWN, *DISTURBED) if episode.has_truth else OWN
    return {name: episode.rows[name] for name in fields}


def episode_of(
    task: GoalTask,
    columns: Mapping[str, ArrayLike],
    own: Mapping[str, ArrayLike],
    session: int,
    number: int,
) -> Episode:
    """
    Make an episode from columns; the inverse of :func:`own_columns` and the standard ones.

    Without own columns, as in data of others, rewards and successes are computed by the task.

    :param columns: :data:`STANDARD` without ``reward`` and ``truncated``; states 0 … T, moves
        0 … T - 1; the goal of each state
    :param own: columns that :func:`own_columns` returned; empty: data of others
    :param session: identity of data of others
    :param number: of the episode, its identity in data of others
    :raises EpisodeError: if the values are no episode of the task
    """
    goals = np.asarray(columns['desired_goal'])
    if goals.ndim == 2 and len(goals) and (goals != goals[0]).any():
        raise EpisodeError(
            'the goal changes within the episode', 'start an episode with each goal'
        )
    episode = Episode.from_arrays(
        task,
        columns['observation'],
        columns['achieved_goal'],
        goals[0] if goals.ndim == 2 and len(goals) else goals,
        columns['action'],
        terminated=bool(np.asarray(columns['terminated'])[-1:].any()),
    )
    if not own:
        episode.rows['session'], episode.rows['episode'] = session, number
        return episode
    has_truth = 'true_observation' in own
    rows = np.zeros(
        len(episode.rows), disturbed_step_dtype(task) if has_truth else step_dtype(task)
    )
    for name in episode.rows.dtype.names or ():
        rows[name] = episode.rows[name]
    for name in (*OWN, *(DISTURBED if has_truth else ())):
        if name not in own:
            raise EpisodeError(
                f'no {name}, which her_ros has written beside the others', 'export the bags again'
            )
        rows[name] = np.reshape(np.asarray(own[name]), rows[name].shape)
    if has_truth:
        rows['reward'][1:] = task.reward(rows['true_achieved_goal'], rows['desired_goal'])[1:]
    restored = Episode(rows)
    restored.check(task)
    return restored


@contextmanager
def named_faults(source: object) -> Iterator[None]:
    """
    Report the errors of another library about data as one line.

    :param source: file or folder
    :raises DatasetError: with the text of the error
    """
    try:
        yield
    except HerRosError as error:
        raise DatasetError.of(error, source) from None
    except _FAULTS as error:
        text = one_line(error) or type(error).__name__
        raise DatasetError(f'{type(error).__name__}: {text}', source=source) from error
