"""Rows of the ``step`` and ``action`` topics as numpy structured arrays.

A PointCloud2 describes its own rows: every field has a name, an offset, a type and a count. Rows
are therefore read by field name, so that another field order, padding, additional fields, or
float32 instead of float64 are still read correctly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from her_ros.runtime.errors import HerRosError
from her_ros.tasks.disturbances import DISTURBANCES
from her_ros.tasks.goal_task import GoalTask

Rows = NDArray[np.void]

# sensor_msgs/PointField: INT8 = 1 ... FLOAT64 = 8
DATATYPES = ('i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'f4', 'f8')

#: more than any simulation steps at once
MAX_ENVIRONMENTS = 1 << 16
#: of a row; those of our own take a few hundred
MAX_ROW_BYTES = 1 << 20

#: newest format number of ``step`` rows in a bag, increased when a field is added; rows without
#: the truth have format 1
ROW_FORMAT = 2
#: field of a disturbed row that holds the value drawn of each disturbance, by the latter's name
DRAWN_FIELDS = {name: f'drawn_{name}' for name in DISTURBANCES}
#: fields added since format 1, with their default values for rows that lack them
ADDED_FIELDS: dict[str, float] = {
    field: DISTURBANCES[name].neutral for name, field in DRAWN_FIELDS.items()
}
#: fields of disturbed rows alone, with what undisturbed rows have in their place
_TRUTH = {'true_observation': 'observation', 'true_achieved_goal': 'achieved_goal'}

IDENTITY = ('session', 'env', 'episode', 'step')


class RowError(HerRosError):
    """Rows that violate the wire contract."""

    usual_cure = 'send what the wire contract in ARCHITECTURE.md asks for'


@dataclass(frozen=True)
class Field:
    """One sensor_msgs/PointField, without ROS."""

    name: str
    offset: int
    datatype: int
    count: int


@cache
def step_dtype(task: GoalTask) -> np.dtype[np.void]:
    """Return the dtype of a ``step`` row: the state of an environment and the move that led to it.

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
    """Return the dtype of a ``step`` row whose state is disturbed: :func:`step_dtype`, and more.

    ``observation`` and ``achieved_goal`` are what the policy sees. Reward and success follow from
    ``true_achieved_goal``. The other fields hold what the episode drew of each disturbance.
    """
    plain = step_dtype(task)
    assert plain.names is not None
    return np.dtype(
        [(name, plain[name].base, plain[name].shape) for name in plain.names]
        + [(name, plain[seen].base, plain[seen].shape) for name, seen in _TRUTH.items()]
        + [(field, 'f4', (DISTURBANCES[name].size,)) for name, field in DRAWN_FIELDS.items()],
        align=True,
    )


def has_truth(rows: Rows) -> bool:
    """Tell whether rows are disturbed, and hold the truth beside what the policy sees."""
    return 'true_observation' in (rows.dtype.names or ())


def format_note(with_truth: bool) -> dict[str, str]:
    """Return what a bag notes of the format of its rows.

    :param with_truth: whether any of its rows hold the truth
    """
    return {'row_format': str(ROW_FORMAT if with_truth else 1)}


def finite_fields(rows: Rows) -> tuple[str, ...]:
    """Return the fields of ``step`` rows that must be finite."""
    plain = ('observation', 'achieved_goal', 'desired_goal', 'action', 'reward')
    return (*plain, *_TRUTH, *DRAWN_FIELDS.values()) if has_truth(rows) else plain


def true_achieved_goal(rows: Rows) -> NDArray[np.float64]:
    """Return the achieved goals that reward and success follow from, metres, shape (n, G)."""
    return rows['true_achieved_goal' if has_truth(rows) else 'achieved_goal']


def with_truth(rows: Rows, dtype: np.dtype[np.void]) -> Rows:
    """Return rows as disturbed ones: of undisturbed rows, what is seen is the truth.

    :param dtype: from :func:`disturbed_step_dtype`
    """
    if rows.dtype == dtype:
        return rows
    converted = np.zeros(len(rows), dtype)
    for name in dtype.names or ():
        converted[name] = (
            ADDED_FIELDS[name] if name in ADDED_FIELDS else rows[_TRUTH.get(name, name)]
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


def fields_of(dtype: np.dtype[np.void]) -> tuple[Field, ...]:
    """Describe a structured dtype the way a PointCloud2 does."""
    assert dtype.fields is not None
    assert dtype.names is not None
    described = []
    for name in dtype.names:
        kind, offset = dtype.fields[name][:2]
        count = kind.shape[0] if kind.shape else 1
        described.append(Field(name, offset, DATATYPES.index(kind.base.str[1:]) + 1, count))
    return tuple(described)


class RowDecoder:
    """Reads rows of one layout into rows of the wanted dtype; checks the layout once.

    :param wanted: the dtype to deliver, from :func:`step_dtype` or :func:`action_dtype`
    :param fields: the sender's fields
    :param point_step: bytes from one row to the next
    :param disturbed: the dtype to deliver instead if the message holds the truth, from
        :func:`disturbed_step_dtype`; None: the truth is left out
    :raises RowError: if a field of format 1 is missing, or a field has another size or kind
    """

    def __init__(
        self,
        wanted: np.dtype[np.void],
        fields: Iterable[Field],
        point_step: int,
        is_bigendian: bool = False,
        disturbed: np.dtype[np.void] | None = None,
    ) -> None:
        fields = tuple(fields)
        if disturbed is not None and {*_TRUTH} <= {field.name for field in fields}:
            wanted = disturbed
        self.wanted = wanted
        self._source = _source_dtype(wanted, fields, point_step, is_bigendian)
        self._same = self._source == wanted

    def decode(self, buffer: bytes | memoryview | NDArray[np.uint8], count: int) -> Rows:
        """Read ``count`` rows.

        :return: rows of the wanted dtype, shape (count,); a read-only view of the buffer where
            its layout is our own
        :raises RowError: if the buffer is too short
        """
        if len(buffer) < count * self._source.itemsize:
            raise RowError(
                f'{count} rows of {self._source.itemsize} bytes announced,'
                f' but the message holds {len(buffer)} bytes'
            )
        rows = np.frombuffer(buffer, self._source, count)
        if self._same:
            return rows
        converted = np.zeros(count, self.wanted)
        with np.errstate(over='ignore', invalid='ignore'):  # too large for float32: infinity
            for name in self.wanted.names or ():
                is_there = name in (self._source.names or ())
                converted[name] = rows[name] if is_there else ADDED_FIELDS[name]
        return converted


def _source_dtype(
    wanted: np.dtype[np.void], fields: Sequence[Field], point_step: int, is_bigendian: bool
) -> np.dtype[np.void]:
    require_distinct(fields)
    if point_step > MAX_ROW_BYTES:
        raise RowError(f'a row takes {point_step} bytes', f'at most {MAX_ROW_BYTES} fit')
    by_name = {field.name: field for field in fields}
    assert wanted.names is not None
    missing = [name for name in wanted.names if name not in by_name]
    if required := [name for name in missing if name not in ADDED_FIELDS]:
        raise RowError(f'fields {required} are missing; the message has {list(by_name)}')
    names = [name for name in wanted.names if name not in missing]
    formats: list[tuple[str, tuple[int, ...]]] = []
    for name in names:
        field, kind = by_name[name], wanted[name]
        size = kind.shape[0] if kind.shape else 1
        if field.count != size:
            raise RowError(f'field {name} has {field.count} values per row', f'expected {size}')
        if not 1 <= field.datatype <= len(DATATYPES):
            raise RowError(f'field {name} has the unknown datatype {field.datatype}')
        code = ('>' if is_bigendian else '<') + DATATYPES[field.datatype - 1]
        if not np.can_cast(np.dtype(code), kind.base, 'same_kind'):
            raise RowError(f'field {name} is {np.dtype(code).name}', f'expected {kind.base.name}')
        if field.offset + np.dtype(code).itemsize * size > point_step:
            raise RowError(f'field {name} reaches beyond the row of {point_step} bytes')
        formats.append((code, kind.shape))
    _require_apart([by_name[name] for name in names])
    return np.dtype(
        {
            'names': names,
            'formats': formats,
            'offsets': [by_name[name].offset for name in names],
            'itemsize': point_step,
        }
    )


def require_distinct(fields: Sequence[Field]) -> None:
    """Refuse fields without a name, and two of one name.

    :raises RowError: naming them
    """
    names = [field.name for field in fields]
    if '' in names:
        raise RowError(f'field {names.index("")} has no name')
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RowError(f'fields {twice} occur more than once')


def _require_apart(wanted: Sequence[Field]) -> None:
    """Refuse wanted fields that share bytes; other fields may overlap.

    :raises RowError: naming the first two
    """
    spans = []
    for field in wanted:
        size = np.dtype(DATATYPES[field.datatype - 1]).itemsize * field.count
        spans.append((field.offset, field.offset + size, field.name))
    spans.sort()
    for (_, end, name), (begin, _, other) in pairwise(spans):
        if begin < end:
            raise RowError(f'fields {name} and {other} overlap at byte {begin} of the row')


def joined(parts: Sequence[Rows]) -> Rows:
    """Concatenate ``step`` rows, as a copy; some of them may be disturbed, which all are then.

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
    """Refuse an ``env`` so large that it must be noise; memory is kept for each one below it.

    :raises RowError: naming it
    """
    if (last := int(env.max(initial=0))) >= MAX_ENVIRONMENTS:
        raise RowError(f'env is {last}', f'at most {MAX_ENVIRONMENTS} fit')


def with_room(values: NDArray[Any], env: NDArray[np.uint32], fill: int = 0) -> NDArray[Any]:
    """Return an array of one entry per environment, grown to hold the given environments.

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
    """Refuse NaN and infinity.

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
