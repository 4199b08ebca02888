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

from pathlib import Path

from her_ros.analysis.report import variant_rows
from her_ros.analysis.results import curves, read_table
from her_ros.analysis.run_report.experiment import is_experiment, write_experiment_report

FOLDER = Path(__file__).parents[3] / 'docs' / 'experiments' / 'her_FetchPush'


def test_the_page_of_an_experiment_holds_its_table_and_its_question(tmp_path):
    assert is_experiment(FOLDER)
    assert not is_experiment(tmp_path)
    out = tmp_path / 'report.html'
    assert write_experiment_report(FOLDER, out) == out
    text = out.read_text('utf-8')
    assert 'Compared: HER against the same agent without it' in text
    for cells in variant_rows(curves(read_table(FOLDER / 'results.csv')), 'FetchPush', None):
        for cell in cells:
            assert f'<td>{cell}</td>' in text
    assert text.count('<svg') == 1
