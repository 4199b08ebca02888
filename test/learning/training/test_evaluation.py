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

from her_ros.learning.training.evaluation import Evaluation, reached_in_a_row, status_of
import pytest


def evaluations(*rates):
    return [Evaluation(1, '', 1, 1, 1.0, 100, rate, 0.0) for rate in rates]


@pytest.mark.parametrize(
    ('rates', 'expected'),
    [
        ((), 0),
        ((0.8,), 0),
        ((0.9,), 1),
        ((0.9, 0.9, 0.8), 0),
        ((0.9, 0.8, 0.9, 1.0), 2),
        ((0.9, 0.9), 2),
    ],
)
def test_those_in_a_row_are_counted_from_the_last_one(rates, expected):
    assert reached_in_a_row(evaluations(*rates), 0.9) == expected


def test_the_status_has_the_last_twenty_rates_and_the_best_of_all():
    found = status_of(evaluations(0.98, *[0.25] * 19, 0.9), 0.9)
    assert found == {
        'evaluations': 21,
        'success_rate': 0.9,
        'success_rates': ' '.join(['0.250'] * 19 + ['0.900']),
        'best_success_rate': 0.98,
        'reached_in_a_row': 1,
    }


def test_before_the_first_evaluation_there_is_no_rate():
    assert set(status_of([], 0.9).values()) == {0, ''}
