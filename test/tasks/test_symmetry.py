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

import dataclasses

from her_ros.tasks.fetch import FETCH_TASKS
from her_ros.tasks.registry import task_named, TASKS
from her_ros.tasks.symmetry import check_symmetries, Kind, SymmetryError, value_map
import numpy as np
import pytest


def signs(axis, kind, size):
    return np.where(value_map([(kind, size)]).negated[axis], -1, 1).tolist()


@pytest.mark.parametrize(
    ('kind', 'size', 'front_back', 'left_right'),
    [
        (Kind.POSITION, 3, [-1, 1, 1], [1, -1, 1]),
        (Kind.POSITION, 2, [-1, 1], [1, -1]),
        (Kind.DISPLACEMENT, 3, [-1, 1, 1], [1, -1, 1]),
        (Kind.LINEAR_VELOCITY, 6, [-1, 1, 1, -1, 1, 1], [1, -1, 1, 1, -1, 1]),
        (Kind.EULER_ROTATION, 3, [1, -1, -1], [-1, 1, -1]),
        (Kind.ANGULAR_VELOCITY, 3, [1, -1, -1], [-1, 1, -1]),
        (Kind.FINGER_PAIR, 2, [1, 1], [1, 1]),
        (Kind.SCALAR, 4, [1, 1, 1, 1], [1, 1, 1, 1]),
    ],
)
def test_signs_follow_from_the_kind(kind, size, front_back, left_right):
    assert signs(0, kind, size) == front_back
    assert signs(1, kind, size) == left_right


def test_only_coordinates_of_positions_are_moved():
    for kind in Kind:
        size = 2 if kind is Kind.FINGER_PAIR else 3
        found = value_map([(kind, size)]).coordinate
        expected = np.eye(3, dtype=bool)[:2] if kind is Kind.POSITION else np.zeros((2, size))
        np.testing.assert_array_equal(found, expected)


def test_fields_follow_one_another_and_fingers_are_swapped():
    found = value_map([(Kind.SCALAR, 1), (Kind.FINGER_PAIR, 2), (Kind.POSITION, 3)])
    assert found.source.tolist() == [0, 2, 1, 3, 4, 5]
    assert found.negated[1].tolist() == [False, False, False, False, True, False]


@pytest.mark.parametrize(
    ('kind', 'size'), [(Kind.FINGER_PAIR, 3), (Kind.POSITION, 4), (Kind.EULER_ROTATION, 2)]
)
def test_a_field_that_cannot_hold_its_kind_is_refused(kind, size):
    with pytest.raises(SymmetryError, match=f'a {kind.value} (of|has) .*'):
        value_map([(kind, size)])


def test_the_fetch_tasks_have_the_indices_of_the_published_table():
    """Of the 25 values of an object task: left-right, front-back and moved ones."""
    found = value_map(TASKS['FetchPush'].observation_kinds)
    assert np.flatnonzero(found.negated[1]).tolist() == [1, 4, 7, 11, 13, 15, 17, 19, 21]
    assert np.flatnonzero(found.negated[0]).tolist() == [0, 3, 6, 12, 13, 14, 18, 19, 20]
    assert np.flatnonzero(found.coordinate[0]).tolist() == [0, 3]
    assert np.flatnonzero(found.coordinate[1]).tolist() == [1, 4]
    swapped = np.flatnonzero(found.source != np.arange(25))
    assert swapped.tolist() == [9, 10, 23, 24]
    assert found.source[swapped].tolist() == [10, 9, 24, 23]
    action = value_map(TASKS['FetchPush'].action_kinds)
    assert np.flatnonzero(action.negated[0]).tolist() == [0]
    assert np.flatnonzero(action.negated[1]).tolist() == [1]


@pytest.mark.parametrize('task', FETCH_TASKS.values(), ids=FETCH_TASKS)
def test_originals_of_our_tasks_have_the_same_symmetries(task):
    assert task_named(f'gym:{task.name}-v4').symmetries == task.symmetries


def test_kinds_that_do_not_fit_the_task_are_refused():
    task = TASKS['FetchPush']
    known = task.symmetries
    for changes, message in (
        ({'observation': known.observation[1:]}, '8 kinds of observation fields; it has 9'),
        ({'action': known.action[:1]}, 'kinds of 3 values of an action; it has 4'),
        ({'goal': Kind.FINGER_PAIR}, 'a finger pair has 2 values, not 3'),
    ):
        with pytest.raises(SymmetryError, match=message):
            dataclasses.replace(task, symmetries=dataclasses.replace(known, **changes))


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ((0.5, 0.0, 0.0), 'symmetry.front_back is 0.5, but task Maze has no such symmetry'),
        ((0.0, 0.5, 0.0), 'symmetry.left_right is 0.5, but task Maze has no such symmetry'),
        ((0.0, 0.0, 0.1), 'symmetry.offset_m is 0.1, but task Maze allows at most 0.0'),
    ],
)
def test_a_symmetry_that_a_task_lacks_is_named(values, message):
    check_symmetries('Maze', None, 0.0, 0.0, 0.0)
    check_symmetries('FetchPush', TASKS['FetchPush'].symmetries, *values)
    with pytest.raises(SymmetryError, match=f'{message}; set 0.0, or add it to the task'):
        check_symmetries('Maze', None, *values)
