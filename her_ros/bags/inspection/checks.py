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

"""Checks of the wire contract on many ``step`` rows at a time."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from her_ros.episodes.splitting import is_end
from her_ros.tasks.fetch import MAX_MOVE_M
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import finite_fields, MAX_ENVIRONMENTS, Rows, true_achieved_goal
import numpy as np
from numpy.typing import NDArray

#: distance from the tolerance, metres, within which rounding may decide reward and success
BORDER_M = 1e-6
# Error of a reward computed in float32, by our formula or an equivalent one.
_ROUNDING = 2 * float(np.finfo(np.float32).eps)

_FLAGS = ('terminated', 'truncated', 'is_success')
_ABOUT_THE_MOVE = ('action', 'policy_version', 'reward', *_FLAGS)

Mask = NDArray[np.bool_]


class RowFault(NamedTuple):
    """A violation of the wire contract by one row."""

    row: int
    #: without values, so that faults of one kind can be counted
    kind: str
    #: found and expected values
    text: str


def _each(bad: Mask, kind: str, text: Callable[[int], str]) -> Iterator[RowFault]:
    for index in np.flatnonzero(bad).tolist():
        yield RowFault(index, kind, text(index))


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    """Flatten a field to shape (n, values)."""
    return values.reshape(len(values), -1)


def _same(some: NDArray[Any], others: NDArray[Any]) -> Mask:
    """Compare two fields row by row, shape (n,); NaN equals NaN."""
    is_same: Mask = (some == others) | ((some != some) & (others != others))
    return np.asarray(_flat(is_same).all(1))


def borderline(rows: Rows, task: GoalTask) -> Mask:
    """Return which rows are so near the tolerance that rounding decides, shape (n,)."""
    with np.errstate(invalid='ignore', over='ignore'):
        distance = task.distance(true_achieved_goal(rows), rows['desired_goal'])
        return (rows['step'] > 0) & (np.abs(distance - task.goal_tolerance_m) <= BORDER_M)


def row_faults(rows: Rows, task: GoalTask) -> Iterator[RowFault]:
    """
    Check every row on its own: values, flags, reward and success.

    :param rows: shape (n,), in any order
    """
    first = rows['step'] == 0
    checks = [(name, ~np.isfinite(rows[name]), 'a finite number') for name in finite_fields(rows)]
    checks += [
        (name, (_flat(rows[name]) != 0).any(1) & first, 'zero at step 0')
        for name in _ABOUT_THE_MOVE
    ]
    checks += [(name, rows[name] > 1, '0 or 1') for name in _FLAGS]
    checks += [
        ('action', np.abs(rows['action']) > 1, 'within [-1, 1]'),
        ('env', rows['env'] >= MAX_ENVIRONMENTS, f'below {MAX_ENVIRONMENTS}'),
    ]
    for name, bad, expected in checks:

        def text(index: int, name: str = name, expected: str = expected) -> str:
            return f'{name} is {rows[name][index].tolist()}, expected {expected}'

        yield from _each(np.asarray(_flat(bad).any(1)), f'{name} not {expected}', text)
    yield from _outcome_faults(rows, task)
    yield from _speed_faults(rows, task)


def _speed_faults(rows: Rows, task: GoalTask) -> Iterator[RowFault]:
    """Find velocities that no arm reaches, such as that of an angle that jumped by 2π."""
    for name, place in task.observation_slices.items():
        if name not in MAX_MOVE_M:
            continue
        with np.errstate(invalid='ignore', over='ignore'):
            speed = np.linalg.norm(rows['observation'][:, place], axis=1)
            speed /= task.control_period_s
        limit = MAX_MOVE_M[name] / task.control_period_s

        def text(index: int, name: str = name, speed: Any = speed, limit: float = limit) -> str:
            return (
                f'{name} is {speed[index]:.3g} m/s, expected at most {limit:.3g} m/s, which no arm'
                ' exceeds; look at positions that jump and at times between measurements'
            )

        bad = np.isfinite(speed) & (speed > limit)
        yield from _each(bad, f'{name} faster than any arm', text)


def _outcome_faults(rows: Rows, task: GoalTask) -> Iterator[RowFault]:
    """Recompute reward and success of every move and compare them."""
    achieved, desired = true_achieved_goal(rows), rows['desired_goal']
    with np.errstate(invalid='ignore', over='ignore'):
        distance = task.distance(achieved, desired)
        computed = {
            'reward': task.reward(achieved, desired),
            'is_success': task.is_success(achieved, desired),
        }
    compared = (rows['step'] > 0) & np.isfinite(distance) & ~borderline(rows, task)
    for name, values in computed.items():
        # Values that are no numbers or no flags were reported already.
        sane = np.isfinite(rows[name]) if name == 'reward' else rows[name] <= 1

        def text(index: int, name: str = name, values: NDArray[Any] = values) -> str:
            return (
                f'{name} is {rows[name][index]:.9g}, expected {float(values[index]) + 0.0:.9g}:'
                f' the goal is {distance[index]:.6f} m away'
            )

        differs = np.abs(rows[name] - values) > _ROUNDING * np.abs(values)
        yield from _each(compared & sane & differs, f'{name} wrong', text)


def order_faults(rows: Rows, before: Rows, follows: Mask) -> Iterator[RowFault]:
    """
    Check every row against the previous row of its environment.

    :param rows: shape (n,)
    :param before: the previous rows, shape (n,)
    :param follows: where there is a previous row, shape (n,)
    """
    step, last = rows['step'].astype(np.int64), before['step'].astype(np.int64)
    newer = follows & (rows['episode'] > before['episode'])
    within = follows & (rows['episode'] == before['episode'])
    ended = is_end(before)
    for bad, found, expected in (
        (within & (step > last + 1), 'steps are missing', 'step {next}'),
        (within & (step < last), 'steps out of order', 'step {next}'),
        (follows & ~newer & ~within, 'episodes out of order', 'no earlier episode'),
        (within & ended & (step > last), 'goes on after its end', 'a new episode'),
        (newer & (step > 0), 'an episode without its beginning', 'step 0'),
        (newer & ~ended, 'the episode before has no end', 'terminated or truncated there'),
    ):

        def text(index: int, found: str = found, expected: str = expected) -> str:
            expected = expected.format(next=last[index] + 1)
            return (
                f'{found}: it follows step {last[index]} of episode {before["episode"][index]},'
                f' expected {expected}'
            )

        yield from _each(bad, found, text)

    moved = within & ~_same(rows['desired_goal'], before['desired_goal'])

    def goals(index: int) -> str:
        now, then = (each['desired_goal'][index].tolist() for each in (rows, before))
        return f'desired_goal is {now}, expected {then} as in the row before'

    yield from _each(moved, 'the goal changes within an episode', goals)
    repeated = within & (step == last) & ~moved
    for name in rows.dtype.names or ():
        different = repeated & ~_same(rows[name], before[name])

        def values(index: int, name: str = name) -> str:
            now, then = (each[name][index].tolist() for each in (rows, before))
            return f'repeated with another {name}: {now}, expected {then}'

        yield from _each(different, f'repeated with another {name}', values)
