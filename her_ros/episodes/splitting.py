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

"""Splitting of rollouts into episodes."""

from collections.abc import Iterator, Sequence
import itertools

from her_ros.episodes.episode import Episode
from her_ros.wire.rows import joined, Rows
import numpy as np
from numpy.typing import NDArray


def split_rollout(messages: Sequence[Rows]) -> tuple[list[Episode], int]:
    """
    Split the ``step`` messages of one or more rollouts into finished episodes.

    :param messages: structured rows per message, in the order of the recording
    :return: finished episodes ordered by (session, episode, env), and the number of rows that
        belong to none
    """
    rows = joined(messages) if messages else np.zeros(0, [('step', 'u4')])
    episodes, left_over = [], 0
    for part, is_finished in episode_parts(rows):
        if is_finished:
            episodes.append(Episode(part))
        else:
            left_over += len(part)
    return episodes, left_over


def episode_parts(rows: Rows) -> Iterator[tuple[Rows, bool]]:
    """
    Sort rows into episodes; this is the one definition of a finished episode.

    Repeated rows, which a lock-step sender sends without an answer, are dropped. An episode is
    finished if its last row is terminated or truncated and no step is missing.

    :param rows: in the order of the recording
    :return: the rows of one episode in the order of its steps, and whether it is finished;
        ordered by (session, episode, env)
    """
    if not len(rows):
        return
    # Stable, so that the first of repeated rows stays.
    order = np.lexsort([rows[name] for name in ('step', 'env', 'episode', 'session')])
    # `take` copies structured rows as bytes, while an index copies field by field.
    rows = rows.take(order)
    starts_episode = np.ones(len(rows), bool)
    repeated = np.zeros(len(rows), bool)
    same = np.ones(len(rows) - 1, bool)
    for name in ('session', 'episode', 'env'):
        same &= rows[name][1:] == rows[name][:-1]
    starts_episode[1:] = ~same
    repeated[1:] = same & (rows['step'][1:] == rows['step'][:-1])
    if repeated.any():
        kept = np.flatnonzero(~repeated)
        rows, starts_episode = rows.take(kept), starts_episode[kept]
    bounds = np.append(np.flatnonzero(starts_episode), len(rows)).tolist()
    ended = is_end(rows).tolist()
    steps = rows['step'].tolist()
    for begin, end in itertools.pairwise(bounds):
        # Steps rise strictly, so first and last tell whether any is missing.
        whole = end - begin >= 2 and steps[begin] == 0 and steps[end - 1] == end - begin - 1
        yield rows[begin:end], whole and ended[end - 1]


def is_end(rows: Rows) -> NDArray[np.bool_]:
    """Tell which rows are the last of their episode, shape (n,)."""
    return (rows['terminated'] | rows['truncated']) != 0
