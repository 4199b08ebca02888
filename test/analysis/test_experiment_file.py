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

from her_ros.analysis.experiment import experiment, ExperimentOptions, planned
from her_ros.analysis.experiment_file import read_experiment
from her_ros.analysis.report import write_report
from her_ros.analysis.results import Row, write_table
from her_ros.config.files import read_file
from her_ros.config.run_parameters import values_for
from her_ros.config.schema import ConfigError
import pytest

TEXT = """
name: batches
question: how many transitions an update takes
variants:
  small: [trainer.batch_size=64]
  large:
    - trainer.batch_size=512
    - trainer.actor.learning_rate=0.002
  shipped: []
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text(TEXT)
    return path


def test_a_file_says_what_is_compared_and_runs_differ_as_it_says(file, tmp_path):
    chosen = read_experiment(file)
    assert chosen.name == 'batches'
    assert [variant.name for variant in chosen.variants] == ['small', 'large', 'shipped']
    jobs = planned(chosen, ExperimentOptions('batches', 'FetchReach', 1, tmp_path / 'out', 1, ()))
    sizes = {job.name: read_file(job.run.folder.params)['trainer']['batch_size'] for job in jobs}
    assert sizes == {'small_seed_0': 64, 'large_seed_0': 512, 'shipped_seed_0': 256}


def test_the_experiment_of_the_docs_is_right(tmp_path):
    page = Path(__file__).parents[2] / 'docs' / 'how_to' / 'experiments.md'
    (block,) = re.findall(r'```yaml experiment\n(.*?)```', page.read_text('utf-8'), re.S)
    file = tmp_path / 'docs.yaml'
    file.write_text(block)
    chosen = read_experiment(file)
    for variant in chosen.variants:
        values_for('FetchPush', None, variant.overrides)
    assert chosen.variants[0].name == 'shipped'


def test_a_report_names_the_question_and_measures_against_the_first_variant(
    file, tmp_path, monkeypatch
):
    out = tmp_path / 'out'
    monkeypatch.setattr('her_ros.analysis.experiment.run_jobs', lambda *_: False)
    # No run of it has finished.
    assert experiment(ExperimentOptions(str(file), 'FetchReach', 1, out, 1, ())) == 1
    file.unlink()
    row = Row('batches', 'FetchReach', 'large', 0, 'limit', 1000, 20, 400, 1.0, 0.5, 100)
    write_table(out / 'results.csv', [row])
    write_report(out)
    text = (out / 'summary.md').read_text()
    assert 'Compared: how many transitions an update takes.' in text
    assert 'No run of `small` has finished yet' in text


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('name: batches\n', '', 'give name, question, variants'),
        ('name: batches', 'title: batches', 'give name, question, variants'),
        ('batches', 'her', "'her' is that of an experiment of her_ros"),
        ('batches', 'my-batches', "name 'my-batches'; use letters, digits and _"),
        ('batches', '[1, 2]', r'name \[1, 2\]; use letters'),
        ('small', 'smäll', "variant 'smäll'; use letters"),
        ('small', '8', 'variant 8; use letters'),
        ('[trainer.batch_size=64]', '{trainer.batch_size: 64}', 'variant small is '),
        ('[trainer.batch_size=64]', '[64]', r'variant small is \[64\]; give a list'),
        ('how many', '3 #', 'question is 3; it must be text'),
        ('  small' + TEXT.partition('  small')[2], '  one: []', 'fewer than two variants'),
        ('variants:', 'variants: *all', 'not YAML that ROS reads'),
    ],
)
def test_what_is_wrong_in_a_file_is_named(file, old, new, message):
    file.write_text(TEXT.replace(old, new))
    with pytest.raises(ConfigError, match=message) as error:
        read_experiment(file)
    assert str(file) in str(error.value)


def test_a_file_that_is_not_there_or_does_not_fit_is_one_line(her_ros, file, tmp_path):
    file.write_text(TEXT.replace('trainer.batch_size=64', 'trainer.bach_size=64'))
    for given, part in (
        (file, "experiment batches, variant small: trainer: unknown keys ['bach_size']"),
        (tmp_path / 'a.yaml', f'{tmp_path}/a.yaml: cannot be read (No such file or directory)'),
    ):
        ended = her_ros('experiment', given, '--out', tmp_path / 'out')
        assert (ended.status, ended.output) == (1, '')
        (line,) = ended.errors.splitlines()
        assert part in line
    assert not (tmp_path / 'out').exists()
