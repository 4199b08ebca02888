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

from her_ros.wire.row_layout import Field, fields_of, RowDecoder
from her_ros.wire.rows import (
    action_dtype,
    disturbed_step_dtype,
    finite_fields,
    has_truth,
    identity_of,
    joined,
    require_finite,
    RowError,
    step_dtype,
    true_achieved_goal,
    with_room,
    with_truth,
)
import numpy as np
import pytest

# sensor_msgs/msg/PointField
UINT8, INT32, UINT32, FLOAT32, FLOAT64 = 2, 5, 6, 7, 8


def copied_into(dtype, rows):
    other = np.zeros(len(rows), dtype)
    for name in set(dtype.names) & set(rows.dtype.names):
        other[name] = rows[name]
    return other


def decoded(rows, wanted, **options):
    decoder = RowDecoder(wanted, fields_of(rows.dtype), rows.dtype.itemsize, **options)
    return decoder.decode(rows.tobytes(), len(rows))


def assert_same(rows, others):
    assert rows.dtype.names == others.dtype.names
    for name in rows.dtype.names:
        np.testing.assert_array_equal(rows[name], others[name], strict=True)


def test_fields_are_those_of_the_wire_contract(toy):
    wire = [(field.name, field.datatype, field.count) for field in fields_of(step_dtype(toy))]
    identity = [(name, UINT32, 1) for name in ('session', 'env', 'episode', 'step')]
    assert wire == [
        *identity,
        ('observation', FLOAT64, 5),
        ('achieved_goal', FLOAT64, 2),
        ('desired_goal', FLOAT64, 2),
        ('action', FLOAT32, 4),
        ('policy_version', UINT32, 1),
        ('reward', FLOAT32, 1),
        ('terminated', UINT8, 1),
        ('truncated', UINT8, 1),
        ('is_success', UINT8, 1),
    ]
    wire = [(field.name, field.datatype, field.count) for field in fields_of(action_dtype(toy))]
    assert wire == [*identity, ('action', FLOAT32, 4), ('policy_version', UINT32, 1)]


def test_our_own_layout_is_read_without_a_copy(make_episode_rows, toy):
    rows = make_episode_rows()
    buffer = np.frombuffer(rows.tobytes(), np.uint8)
    decoder = RowDecoder(step_dtype(toy), fields_of(rows.dtype), rows.dtype.itemsize)
    read = decoder.decode(buffer, len(rows))
    assert_same(read, rows)
    assert np.shares_memory(read, buffer)
    assert not read.flags.writeable


def test_another_field_order_without_padding_is_read_by_name(make_episode_rows, toy):
    rows = make_episode_rows()
    names = list(reversed(rows.dtype.names))
    packed = copied_into(np.dtype([(name, rows.dtype[name]) for name in names]), rows)
    assert_same(decoded(packed, step_dtype(toy)), rows)


def test_padding_and_extra_fields_are_passed_over(make_episode_rows, toy):
    rows = make_episode_rows()
    names = ['temperature', *rows.dtype.names, 'label']
    formats = ['f4', *(rows.dtype[name] for name in rows.dtype.names), ('i2', (3,))]
    sizes = [np.dtype(kind).itemsize for kind in formats]
    offsets = np.cumsum([5, *(size + 3 for size in sizes[:-1])]).tolist()
    layout = {'names': names, 'formats': formats, 'offsets': offsets, 'itemsize': 512}
    foreign = copied_into(np.dtype(layout), rows)
    foreign['temperature'], foreign['label'] = 9, 9
    assert_same(decoded(foreign, step_dtype(toy)), rows)


def test_float32_states_are_widened(make_episode_rows, toy):
    rows = make_episode_rows()
    layout = [
        (name, 'f4', kind.shape) if kind.base == np.float64 else (name, kind)
        for name, kind in ((name, rows.dtype[name]) for name in rows.dtype.names)
    ]
    narrow = copied_into(np.dtype(layout), rows)
    read = decoded(narrow, step_dtype(toy))
    assert read['observation'].dtype == np.float64
    np.testing.assert_array_equal(read['observation'], rows['observation'].astype(np.float32))
    np.testing.assert_array_equal(read['action'], rows['action'])
    np.testing.assert_array_equal(read['step'], rows['step'])


def test_big_endian_rows_are_swapped(make_episode_rows, toy):
    rows = make_episode_rows()
    foreign = rows.astype(rows.dtype.newbyteorder('>'))
    assert_same(decoded(foreign, step_dtype(toy), is_bigendian=True), rows)


def test_no_rows_are_no_error(toy):
    assert len(decoded(np.zeros(0, step_dtype(toy)), step_dtype(toy))) == 0


@pytest.mark.parametrize('name', ['session', 'observation', 'action', 'is_success'])
def test_a_missing_field_is_named_beside_those_there(toy, name):
    fields = [field for field in fields_of(step_dtype(toy)) if field.name != name]
    with pytest.raises(RowError, match=rf"fields \['{name}'\] are missing; .*'desired_goal'"):
        RowDecoder(step_dtype(toy), fields, 500)


def test_a_field_added_later_has_its_default_in_older_rows(toy, make_episode_rows, monkeypatch):
    monkeypatch.setattr('her_ros.wire.row_layout.ADDED_FIELDS', {'weight': 0.5, 'force': 0.0})
    rows = make_episode_rows()
    known = [(name, rows.dtype[name]) for name in rows.dtype.names]
    wanted = np.dtype([*known, ('weight', 'f4'), ('force', 'f4', (3,))], align=True)
    older = decoded(rows, wanted)
    assert_same(older[list(rows.dtype.names)], rows)
    assert older['weight'].tolist() == [0.5] * len(rows)
    assert not older['force'].any()
    assert older['force'].shape == (len(rows), 3)
    newer = older.copy()
    newer['weight'] = np.arange(len(rows))
    assert_same(decoded(newer, wanted), newer)


@pytest.mark.parametrize(
    ('name', 'wrong', 'message'),
    [
        ('observation', (FLOAT64, 4), 'field observation has 4 values per row; expected 5'),
        ('session', (UINT32, 2), 'field session has 2 values per row; expected 1'),
        ('action', (FLOAT32, 0), 'field action has 0 values per row; expected 4'),
        ('observation', (0, 5), 'field observation has the unknown datatype 0'),
        ('observation', (9, 5), 'field observation has the unknown datatype 9'),
        ('step', (FLOAT32, 1), 'field step is float32; expected uint32'),
        ('env', (INT32, 1), 'field env is int32; expected uint32'),
        ('truncated', (FLOAT64, 1), 'field truncated is float64; expected uint8'),
    ],
)
def test_a_field_of_another_size_or_kind_is_named(toy, name, wrong, message):
    fields = [
        Field(name, field.offset, *wrong) if field.name == name else field
        for field in fields_of(step_dtype(toy))
    ]
    with pytest.raises(RowError) as caught:
        RowDecoder(step_dtype(toy), fields, step_dtype(toy).itemsize)
    assert str(caught.value).startswith(message)


def test_a_field_that_reaches_beyond_its_row_is_named(toy):
    fields = fields_of(action_dtype(toy))
    # 4 × uint32, 4 × float32, uint32: 36 bytes
    RowDecoder(action_dtype(toy), fields, 36)
    with pytest.raises(RowError, match='policy_version reaches beyond the row of 35 bytes'):
        RowDecoder(action_dtype(toy), fields, 35)


def test_a_buffer_that_is_too_short_is_refused_at_every_length(make_episode_rows, toy):
    rows = make_episode_rows(length=2)
    content = rows.tobytes()
    decoder = RowDecoder(step_dtype(toy), fields_of(rows.dtype), rows.dtype.itemsize)
    decoder.decode(content, 3)
    for size in range(len(content)):
        with pytest.raises(RowError, match=f'3 rows .* but the message holds {size} bytes'):
            decoder.decode(content[:size], 3)


def test_identities_are_in_the_order_of_the_contract(make_episode_rows):
    rows = make_episode_rows(2, env=5, episode=6, session=4)
    assert identity_of(rows).tolist() == [[4, 5, 6, 0], [4, 5, 6, 1], [4, 5, 6, 2]]


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_the_first_row_that_is_not_finite_is_named(make_episode_rows, value):
    rows = make_episode_rows(env=5)
    names = ('observation', 'reward')
    require_finite(rows, names, 'step')
    rows['reward'][3] = value
    with pytest.raises(RowError) as caught:
        require_finite(rows, names, 'step')
    assert str(caught.value) == (
        f'step: reward of env 5, episode 1, step 3 is {value}; it must be finite'
    )
    rows['observation'][2:, 1] = value
    with pytest.raises(RowError, match='step: observation of env 5, episode 1, step 2 is '):
        require_finite(rows, names, 'step')


def test_other_fields_may_hold_anything(make_episode_rows):
    rows = make_episode_rows()
    rows['reward'][1] = np.nan
    require_finite(rows, ('observation',), 'step')


def test_joined_rows_are_those_of_the_parts_and_their_own_copy(make_episode_rows):
    rows = make_episode_rows(9)
    assert (joined([rows[:3], rows[3:3], rows[3:]]) == rows).all()
    assert (joined([rows[1::2], rows[::-1]]) == np.concatenate([rows[1::2], rows[::-1]])).all()
    assert len(joined([rows[:0]])) == 0
    alone = joined([rows])
    rows['reward'][2] = 7
    assert alone['reward'][2] != 7
    alone['reward'][2] = 7
    assert (alone == rows).all()


def test_an_array_by_environment_grows_and_keeps_what_it_holds(toy):
    env = np.array([4, 1], np.uint32)
    steps = with_room(np.array([7, 8, 9]), env, fill=-1)
    assert steps.tolist() == [7, 8, 9, -1, -1]
    assert with_room(steps, env) is steps
    assert with_room(np.ones((1, 2), np.float32), env).tolist() == [[1, 1]] + [[0, 0]] * 4
    answers = np.ones(2, action_dtype(toy))
    grown = with_room(answers, env)
    assert grown.dtype == answers.dtype
    assert (grown[:2] == answers).all()
    assert (grown[2:] == np.zeros(3, answers.dtype)).all()
    with pytest.raises(RowError, match='env is 65536; at most 65536 fit'):
        with_room(steps, np.array([1 << 16], np.uint32))


def disturbed_rows(toy, rows):
    """Return rows whose truth lies 1 below what is seen."""
    disturbed = with_truth(rows, disturbed_step_dtype(toy))
    disturbed['true_observation'] -= 1.0
    disturbed['true_achieved_goal'] -= 1.0
    disturbed['drawn_mass_scale'] = 2.0
    return disturbed


def test_the_truth_is_kept_by_those_who_want_it(toy, make_episode_rows):
    rows = make_episode_rows()
    disturbed = disturbed_rows(toy, rows)
    fields, size = fields_of(disturbed.dtype), disturbed.dtype.itemsize
    plain = RowDecoder(step_dtype(toy), fields, size)
    assert_same(plain.decode(disturbed.tobytes(), len(rows)), rows)
    wanted = (step_dtype(toy), fields, size, False, disturbed_step_dtype(toy))
    assert_same(RowDecoder(*wanted).decode(disturbed.tobytes(), len(rows)), disturbed)
    older = [field for field in fields if field.name != 'drawn_mass_scale']
    read = RowDecoder(wanted[0], older, *wanted[2:]).decode(disturbed.tobytes(), len(rows))
    assert (read['drawn_mass_scale'] == 1.0).all()
    np.testing.assert_array_equal(read['true_observation'], disturbed['true_observation'])
    assert decoded(rows, step_dtype(toy)).dtype == step_dtype(toy)


def test_disturbed_and_other_rows_join_to_disturbed_ones(toy, make_episode_rows):
    rows = make_episode_rows()
    together = joined([rows, disturbed_rows(toy, rows)])
    assert has_truth(together)
    half = len(rows)
    np.testing.assert_array_equal(together['true_observation'][:half], rows['observation'])
    np.testing.assert_array_equal(together['true_observation'][half:], rows['observation'] - 1)
    assert set(together['drawn_mass_scale'].ravel()) == {1.0, 2.0}
    np.testing.assert_array_equal(true_achieved_goal(together)[:half], rows['achieved_goal'])


def test_a_truth_that_is_not_finite_is_refused(toy, make_episode_rows):
    disturbed = disturbed_rows(toy, make_episode_rows())
    disturbed['true_achieved_goal'][2] = np.nan
    with pytest.raises(RowError, match='true_achieved_goal of env 0, episode 1, step 2'):
        require_finite(disturbed, finite_fields(disturbed), 'step')
