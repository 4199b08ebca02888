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
import re
import shlex

from her_ros.analysis.experiment import ExperimentOptions, planned
from her_ros.analysis.experiments import experiment_named
from her_ros.analysis.report import variant_rows
from her_ros.analysis.results import curves, read_table, Row, write_table
from her_ros.analysis.run_report.experiment import is_experiment, write_experiment_report
from her_ros.analysis.run_report.experiment_record import parameters_of_variants, runs_of
from her_ros.runtime.files import sha256

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
            assert f'>{cell}</td>' in text
    assert text.count('<svg') == 1
    # Its runs are not kept in the docs.
    assert 'her-ros experiment her --task FetchPush --seeds 3 --out her_FetchPush_again' in text
    assert 'The runs are not in this folder' in text
    assert sha256((FOLDER / 'results.csv').read_bytes()) in text


def test_the_page_names_parameters_seeds_and_the_command_of_the_runs(tmp_path):
    own = ('trainer.batch_size=64', 'trainer.her.k=2')
    options = ExperimentOptions('her', 'FetchReach', 2, tmp_path / 'out', 1, own)
    jobs = planned(experiment_named('her'), options)
    rows = [
        Row('her', 'FetchReach', variant, seed, 'limit', 400, 8, 1, 1.0, 0.5, 4)
        for variant in ('no_her', 'her')
        for seed in (0, 1)
    ]
    write_table(options.folder / 'results.csv', rows)
    runs = runs_of(options.folder, rows)
    assert [run.folder.path.name for run in runs['her']] == ['her_seed_0', 'her_seed_1']
    (table,) = parameters_of_variants(runs).tables
    assert table.head == ('parameter', 'shipped', 'no_her', 'her')
    found = {row[0]: row[1:] for row in table.rows}
    assert found['trainer.her.k'] == ('4', '0', '2')
    assert found['trainer.batch_size'] == ('256', '64', '64')
    assert not any(name.endswith('.seed') for name in found)
    text = write_experiment_report(options.folder, tmp_path / 'page.html').read_text('utf-8')
    command = re.search(r'<pre>(.*)</pre>', text)[1]
    words = shlex.split(command)
    assert words[:8] == shlex.split('her-ros experiment her --task FetchReach --seeds 2 --out')
    given = [words[i + 1] for i, word in enumerate(words) if word == '--set']
    assert sorted(given) == sorted(own)
    assert '<td>0, 1</td>' in text
    assert jobs[0].run.folder.identity in text
