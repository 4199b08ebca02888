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

from her_ros.learning.training.evaluation import Evaluation, status_of
from her_ros.view.training_progress import curve, StopRule, TrainingProgress
import pytest


@pytest.fixture
def progress():
    return TrainingProgress(StopRule(0.95, 3, 100_000))


def report(**values):
    given = {'updates': 40, 'env_steps': 25_000, 'wall_s': 60.0, **values}
    return {key: str(value) for key, value in given.items()}


def test_before_the_first_report_it_starts(progress):
    assert progress.rows() == {
        'phase': 'starting',
        'evaluations': 'none yet',
        'stop rule': 'at 0.95, 0 of 3 times',
        'limit': '░░░░░░░░░░ 0%',
    }


@pytest.mark.parametrize(
    ('values', 'phase'),
    [
        ({'updates': 0}, 'first rollouts'),
        ({}, 'learning'),
        ({'waits_for': 'bags'}, 'learning'),
        ({'waits_for': 'the evaluation'}, 'evaluating'),
    ],
)
def test_the_phase_follows_from_what_the_trainer_does(progress, values, phase):
    progress.take(report(**values))
    assert progress.rows()['phase'] == phase


def test_the_limit_has_a_bar_and_the_time_that_is_left(progress):
    progress.take(report())
    assert progress.rows()['limit'] == '██░░░░░░░░ 25%, 3 min'
    progress.take(report(env_steps=99_000, wall_s=100))
    assert progress.rows()['limit'] == '██████████ 99%, 1 s'
    progress.take(report(env_steps=120_000))
    assert progress.rows()['limit'] == '██████████ 100%, 0 s'


def evaluated(*rates):
    """Return what a trainer reports after evaluations."""
    evaluations = [Evaluation(1, '', 1, 1, 1.0, 100, rate, 0.0) for rate in rates]
    return report(**status_of(evaluations, 0.95))


def test_one_report_shows_all_evaluations_also_those_before_a_restart(progress):
    progress.take(evaluated(0.1, 0.5, 0.96, 0.9, 0.97, 1.0))
    assert progress.rows()['evaluations'] == '▁▅████ 1.00'
    assert progress.rows()['stop rule'] == 'best 1.00 of 0.95, 2 of 3 times'


def test_numbers_that_are_none_end_nothing(progress):
    for text in ('', 'x', 'nan', 'inf', '-1e300', '9' * 400):
        progress.take(dict.fromkeys(('updates', 'env_steps', 'wall_s', 'evaluations'), text))
        assert progress.rows()
        progress.take({'best_success_rate': text, 'success_rates': f'0.5 {text}'})
        assert progress.rows()


def test_a_rule_of_one_evaluation_counts_none():
    progress = TrainingProgress(StopRule(0.95, 1, 100))
    progress.take(evaluated(0.5))
    assert progress.rows()['stop rule'] == 'best 0.50 of 0.95'


def test_all_fits_the_column_of_a_terminal_of_sixty_columns(progress):
    progress.take({**evaluated(*[1.0] * 30), 'wall_s': '99000'})
    # The table leaves 23 columns for values, where longer ones go to the next line.
    rows = progress.rows()
    assert all(len(rows[key]) <= 23 for key in ('phase', 'limit'))
    assert all(len(value) <= 2 * 23 for value in rows.values())


def test_a_curve_shows_the_last_evaluations():
    assert curve([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]) == '▁▂▄▅▇█ 1.00'
    assert curve([0.0] * 30 + [1.0], columns=3) == '▁▁█ 1.00'
    assert curve([]) == 'none yet'
