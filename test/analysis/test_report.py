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

from dataclasses import replace
import xml.etree.ElementTree as ElementTree

from her_ros.analysis.experiments import experiment_named
from her_ros.analysis.report import summary, write_report
from her_ros.analysis.results import curves, Row, write_table
import pytest

HER = experiment_named('her')


def rows_of_variant(variant, seed, *points):
    return [
        Row(
            'her',
            'FetchReach',
            variant,
            seed,
            'limit',
            steps,
            steps // 50,
            steps,
            1.0,
            success,
            100,
        )
        for steps, success in points
    ]


ROWS = [
    *rows_of_variant('no_her', 0, (1000, 0.0), (2000, 0.6)),
    *rows_of_variant('no_her', 1, (1000, 0.0), (2000, 0.2)),
    *rows_of_variant('no_her', 2, (1000, 0.4), (2000, 0.4)),
    *rows_of_variant('her', 0, (500, 0.4), (1000, 1.0)),
    *rows_of_variant('her', 1, (500, 0.5), (1000, 0.9)),
    *rows_of_variant('her', 2, (500, 0.2), (1000, 0.95)),
]


def cells(text, variant):
    (line,) = [line for line in text.splitlines() if line.startswith(f'| {variant} |')]
    return [cell.strip() for cell in line.strip('|').split('|')][1:]


def test_the_summary_says_when_how_much_was_reached_and_how_much_sooner():
    text = summary(ROWS, curves(ROWS), HER)
    # to 30 %: 2,000, never and 1,000 steps
    assert cells(text, 'no_her') == [
        '3', '0.40 (0.20 to 0.60)', '40', 'not reached (1 of 3)', 'not reached (0 of 3)',
        'not reached (0 of 3)',
    ]  # fmt: skip
    # to 30 % 500, 500 and 1,000 steps; to 50 % and more the median is 1,000, as no_her's 2,000
    assert cells(text, 'her') == [
        '3', '0.95 (0.90 to 1.00)', '10, 4.0×', '20, ≥ 2.0×', '20, ≥ 2.0×', '20, ≥ 2.0×',
    ]  # fmt: skip
    assert 'HER against the same agent without it' in text
    assert '100 deterministic episodes' in text


def test_who_was_good_enough_before_is_not_said_to_have_failed():
    rows = [row for row in ROWS if row.arm == 'her']
    rows = [replace(row, outcome='solved', success=min(row.success, 0.8)) for row in rows]
    text = summary(rows, curves(rows), HER)
    assert cells(text, 'her')[2:] == ['10', '20', '20', 'stopped before (0 of 3)']
    # Its reference is the experiment's, whether or not that has finished.
    assert 'No run of `no_her` has finished yet' in text


@pytest.fixture
def folder(tmp_path):
    write_table(tmp_path / 'results.csv', ROWS)
    return tmp_path


def test_the_drawing_has_a_curve_for_every_arm_and_comes_out_the_same_again(folder):
    written = write_report(folder)
    assert {path.name for path in written} == {'summary.md', 'curves.svg', 'curves.png'}
    first = (folder / 'curves.svg').read_bytes()
    ids = {each.get('id') for each in ElementTree.fromstring(first).iter()}
    assert {each for each in ids if each and each.startswith('curve_')} == {
        'curve_no_her',
        'curve_her',
    }
    assert (folder / 'curves.png').read_bytes().startswith(b'\x89PNG')
    write_report(folder)
    assert (folder / 'curves.svg').read_bytes() == first


def test_plot_draws_from_the_table_alone(her_ros, folder):
    ended = her_ros('plot', folder)
    assert ended.status == 0, ended.errors
    assert ended.output.split() == [
        str(folder / name) for name in ('summary.md', 'curves.svg', 'curves.png')
    ]


def test_plot_refuses_what_is_neither_experiment_nor_run(her_ros, tmp_path):
    ended = her_ros('plot', tmp_path)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert f'{tmp_path}: neither an experiment' in line
