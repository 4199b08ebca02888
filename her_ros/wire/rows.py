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
Rows of the ``step`` and ``action`` topics as numpy structured arrays.

How the rows of a message are laid out is in :mod:`her_ros.wire.row_layout`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from her_ros.runtime.errors import HerRosError
from her_ros.tasks.disturbances import DISTURBANCES
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.void]

#: more than any simulation steps at once
MAX_ENVIRONMENTS = 1 << 16
#: newest format number of ``step`` rows in a bag, increased when a field is added; rows without
#: the truth have format 1
ROW_FORMAT = 2
#: field of a disturbed row that holds the value drawn of each disturbance, by the latter's name
DRAWN_FIELDS = {name: f'drawn_{name}' for name in DISTURBANCES}
#: fields added since format 1, with their default values for rows that lack them
ADDED_FIELDS: dict[str, float] = {
    field: DISTURBANCES[name].neutral for name, field in DRAWN_FIELDS.items()
}
#: fields that only disturbed rows have, and the fields of undisturbed rows with the same values
TRUTH = {'true_observation': 'observation', 'true_achieved_goal': 'achieved_goal'}

IDENTITY = ('session', 'env', 'episode', 'step')


class RowError(HerRosError):
    """Rows that violate the wire contract."""

    usual_cure = 'send what the wire contract in ARCHITECTURE.md asks for'


@cache
def step_dtype(task: GoalTask) -> np.dtype[np.void]:
    """
    Return the dtype of a ``step`` row: the state of an environment and the move that led to it.

    ``action`` is the action as applied; it, ``policy_version``, ``reward`` and the flags are zero
    in the row of step 0, which no move led to. Positions are metres in the world frame.
    """
    return np.dtype(
        [(name, 'u4') for name in IDENTITY]
        + [
            ('observation', 'f8', (task.observation_size,)),
            ('achieved_goal', 'f8', (task.goal_size,)),
            ('desired_goal', 'f8', (task.goal_size,)),
            ('action', 'f4', (task.action_size,)),
            ('policy_version', 'u4'),
            ('reward', 'f4'),
            ('terminated', 'u1'),
            ('truncated', 'u1'),
            ('is_success', 'u1'),
        ],
        align=True,
    )


@cache
def disturbed_step_dtype(task: GoalTask) -> np.dtype[np.void]:
    """
    Return the dtype of a ``step`` row whose state is disturbed: :func:`step_dtype`, and more.

    ``observation`` and ``achieved_goal`` are what the policy sees. Reward and success follow from
    ``true_achieved_goal``. The other fields hold what the episode drew of each disturbance.
    """
    plain = step_dtype(task)
    assert plain.names is not None
    return np.dtype(
        [(name, plain[name].base, plain[name].shape) for name in plain.names]
        + [(name, plain[seen].base, plain[seen].shape) for name, seen in TRUTH.items()]
        + [(field, 'f4', (DISTURBANCES[name].size,)) for name, field in DRAWN_FIELDS.items()],
        align=True,
    )


def has_truth(rows: Rows) -> bool:
    """Tell whether rows are disturbed, and hold the truth beside what the policy sees."""
    return 'true_observation' in (rows.dtype.names or ())


def format_note(with_truth: bool) -> dict[str, str]:
    """
    Return what a bag notes of the format of its rows.

    :param with_truth: whether any of its rows hold the truth
    """
    return {'row_format': str(ROW_FORMAT if with_truth else 1)}


def finite_fields(rows: Rows) -> tuple[str, ...]:
    """Return the fields of ``step`` rows that must be finite."""
    plain = ('observation', 'achieved_goal', 'desired_goal', 'action', 'reward')
    return (*plain, *TRUTH, *DRAWN_FIELDS.values()) if has_truth(rows) else plain


def true_achieved_goal(rows: Rows) -> NDArray[np.float64]:
    """Return the achieved goals that reward and success follow from, metres, shape (n, G)."""
    return rows['true_achieved_goal' if has_truth(rows) else 'achieved_goal']


def with_truth(rows: Rows, dtype: np.dtype[np.void]) -> Rows:
    """
    Return rows as disturbed ones: of undisturbed rows, what is seen is the truth.

    :param dtype: from :func:`disturbed_step_dtype`
    """
    if rows.dtype == dtype:
        return rows
    converted = np.zeros(len(rows), dtype)
    for name in dtype.names or ():
        converted[name] = (
            ADDED_FIELDS[name] if name in ADDED_FIELDS else rows[TRUTH.get(name, name)]
        )
    return converted


@cache
def action_dtype(task: GoalTask) -> np.dtype[np.void]:
    """Return the dtype of an ``action`` row: the answer to a ``step`` row of the same identity."""
    return np.dtype(
        [(name, 'u4') for name in IDENTITY]
        + [('action', 'f4', (task.action_size,)), ('policy_version', 'u4')],
        align=True,
    )


def joined(parts: Sequence[Rows]) -> Rows:
    """
    Concatenate ``step`` rows, as a copy; some of them may be disturbed, which all are then.

    numpy would copy structured rows field by field, which takes ten times as long as their bytes.
    """
    if len({part.dtype for part in parts}) > 1:
        dtype = next(part.dtype for part in parts if has_truth(part))
        parts = [with_truth(part, dtype) for part in parts]
    buffers: list[Any] = [np.ascontiguousarray(part) for part in parts]
    return np.frombuffer(bytearray().join(buffers), parts[0].dtype)


def identity_of(rows: Rows) -> NDArray[np.uint32]:
    """Return (session, env, episode, step) of every row, shape (n, 4)."""
    # Both dtypes begin with these, and their rows are multiples of 4 bytes.
    words = np.ascontiguousarray(rows).view(np.uint32).reshape(len(rows), rows.itemsize // 4)
    return words[:, : len(IDENTITY)]


def require_few_environments(env: NDArray[np.uint32]) -> None:
    """
    Refuse an ``env`` so large that it must be noise; memory is kept for each one below it.

    :raises RowError: naming it
    """
    if (last := int(env.max(initial=0))) >= MAX_ENVIRONMENTS:
        raise RowError(f'env is {last}', f'at most {MAX_ENVIRONMENTS} fit')


def with_room(values: NDArray[Any], env: NDArray[np.uint32], fill: int = 0) -> NDArray[Any]:
    """
    Return an array of one entry per environment, grown to hold the given environments.

    :param values: indexed by env, shape (n, ...)
    :param env: numbers of environments, at least one
    :param fill: value of new entries
    :return: the same array if it is large enough
    :raises RowError: if an ``env`` is so large that it must be noise
    """
    if (needed := int(env.max()) + 1) <= len(values):
        return values
    require_few_environments(env)
    grown = np.full((needed, *values.shape[1:]), fill, values.dtype)
    grown[: len(values)] = values
    return grown


def require_finite(rows: Rows, names: Sequence[str], topic: str) -> None:
    """
    Refuse NaN and infinity.

    :raises RowError: naming the first row and field that is not finite
    """
    for name in names:
        if not np.isfinite(rows[name]).all():
            bad = int(np.flatnonzero(~np.isfinite(rows[name]).reshape(len(rows), -1).all(1))[0])
            row = rows[bad]
            raise RowError(
                f'{name} of env {row["env"]}, episode {row["episode"]}, step'
                f' {row["step"]} is {row[name].tolist()}',
                'it must be finite',
                source=topic,
            )
