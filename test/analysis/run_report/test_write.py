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

from html.parser import HTMLParser
import json
from pathlib import Path
import re
import shlex
import shutil

from her_ros.analysis.run_report.after_training import report_after_training
from her_ros.analysis.run_report.learning import curve_section, result_section
from her_ros.analysis.run_report.published import PUBLISHED
from her_ros.analysis.run_report.record import changes, repeat_command
from her_ros.analysis.run_report.source import RunSource
from her_ros.analysis.run_report.write import write_comparison, write_run_report
from her_ros.bags.reader import read_bag
from her_ros.config.files import to_yaml
from her_ros.config.run_parameters import values_for
from her_ros.orchestration.prepare import prepare_run
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
import numpy as np
import pytest

CHANGED = ['seed=7', 'trainer.her.k=6', 'trainer.hidden_sizes=[16, 16]']
TITLES = [
    'Result', 'Learning curve', 'Evaluated episodes', 'Hindsight', 'Time',
    'Safety', 'Parameters', 'Origin',
]  # fmt: skip


class Reader(HTMLParser):
    """What a page shows: its headings, its texts, and all that it would load."""

    def __init__(self, path):
        super().__init__()
        self.titles, self.texts, self.loaded, self._open = [], [], [], []
        self.feed(path.read_text('utf-8'))
        assert not self._open  # every element is closed

    def handle_starttag(self, tag, attributes):
        if tag not in ('meta', 'br'):
            self._open.append(tag)
        for name, value in attributes:
            if name in ('src', 'href', 'xlink:href', 'srcset') and not value.startswith('#'):
                self.loaded.append(value)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == 'h2':
            self.titles.append(data)
        if self._open and self._open[-1] != 'style':
            self.texts.append(data)

    @property
    def text(self):
        return ' '.join(' '.join(self.texts).split())


def test_a_page_shows_every_part_and_loads_nothing(finished_run, recorded):
    # A folder whose name looks like markup.
    run = RunFolder(finished_run.path.rename(finished_run.path.with_name('<b>&run')))
    path = write_run_report(run, thorough=False)
    assert path == run.path / 'report.html'
    page = Reader(path)
    assert page.titles == TITLES
    assert not page.loaded
    # Also within code, which its own page marks.
    assert '<code>her-ros report /' in path.read_text('utf-8')
    assert '/&lt;b&gt;&amp;run</code>' in path.read_text('utf-8')
    assert 'url(' not in re.sub(r'url\(#\w+\)', '', path.read_text('utf-8'))
    assert path.stat().st_size < 5_000_000
    text = page.text
    assert 'FetchReach/<b>&run' in text
    assert 'success 0.250' in text
    assert 'trainer.batch_size 256 192' in text
    assert run.identity in text
    # This one has no TensorBoard files, and says so.
    assert text.count('left out') == 1
    assert 'the run has no TensorBoard files' in text
    # The successes and the worst episodes are those of the evaluation's bag.
    episodes = read_bag(recorded / 'b10.mcap').episodes
    succeeded = sum(each.is_success for each in episodes)
    assert f'{succeeded} succeeded, {4 - succeeded} missed' in text
    left_cm = [
        100 * np.linalg.norm(each.achieved_goal[-1] - each.desired_goal) for each in episodes
    ]
    shown = re.findall(r'(\d): (\d+\.\d) cm', text)
    order = np.argsort(left_cm)[::-1]
    assert shown == [(str(i + 1), f'{left_cm[i]:.1f}') for i in order.tolist()]


def test_the_command_repeats_the_parameters(finished_run):
    words = shlex.split(repeat_command(RunSource(finished_run)))
    assert words[:6] == ['her-ros', 'train', '--task', 'FetchReach', '--new', '--seed']
    overrides = [f'seed={words[6]}', *words[8::2]]
    assert set(words[7::2]) == {'--set'}
    assert values_for('FetchReach', None, overrides) == RunSource(finished_run).values


def test_a_run_on_an_arm_is_read_and_repeated_on_it(tmp_path):
    run = RunSource(prepare_run('Push', tmp_path, overrides=['arm=six_joint']).folder)
    assert (run.task.name, run.task.arm) == ('Push', 'six_joint')
    words = ['her-ros', 'train', '--task', 'Push', '--new', '--seed', '0', '--arm', 'six_joint']
    assert shlex.split(repeat_command(run)) == words


def test_the_command_of_a_training_from_bags_repeats_it(finished_run):
    values = values_for('Reach', None, [*CHANGED, 'arm=six_joint'], ['trainer'])
    # A parameter file may hold sections of nodes, which a training from bags does not start.
    other = {'sim_env': {**values['sim_env'], 'num_envs': 3}}
    other['evaluator'] = {**values['evaluator'], 'disturb': 'robot'}
    finished_run.params.write_text(to_yaml({**values, **other}))
    result = json.loads(finished_run.result.read_text())
    finished_run.result.write_text(
        json.dumps({**result, 'task': 'Reach', 'outcome': 'trained', 'updates': 300})
    )
    run = RunSource(finished_run)
    assert run.disturb == ''
    words = shlex.split(repeat_command(run))
    given = ['--updates', '300', '--evaluate', '--seed', '7', '--arm', 'six_joint']
    assert words[:10] == ['her-ros', 'train-offline', 'BAGS', *given]
    assert set(words[10::2]) == {'--set'}
    # It refuses parameters of nodes.
    overrides = ['seed=7', 'arm=six_joint', *words[11::2]]
    assert values_for('Reach', None, overrides, ['trainer'])['trainer'] == values['trainer']


def test_disturbed_evaluations_are_not_set_beside_published_results(finished_run):
    run = RunSource(finished_run)
    assert 'published' in str([result_section(run).tables, curve_section([run]).pictures])
    overrides = [*CHANGED, 'evaluator.disturb=robot']
    finished_run.params.write_text(to_yaml(values_for('FetchReach', None, overrides)))
    run = RunSource(finished_run)
    result, curve = result_section(run), curve_section([run])
    assert 'The evaluations were disturbed by `robot`.' in result.text
    assert not result.tables
    assert 'undisturbed evaluations' in result.missing[0]
    (picture,) = curve.pictures
    assert 'run_001 by robot' in picture.caption
    assert 'published' not in picture.svg


def test_parameters_of_an_earlier_name_are_shown_by_the_present_one(finished_run):
    finished_run.params.write_text('/**/trainer:\n  ros__parameters:\n    future_goals: 8\n')
    changed = {name: (old, new) for name, old, new in changes(RunSource(finished_run))}
    assert changed['trainer.her.k'] == (4, 8)


def test_what_is_gone_or_damaged_is_left_out_with_a_line(finished_run):
    shutil.rmtree(finished_run.evaluation)
    for bag in finished_run.bags.iterdir():
        bag.write_bytes(bag.read_bytes()[:100])
    finished_run.policy.unlink()
    finished_run.params.write_text('/**/trainer:\n  ros__parameters:\n    nonsense: 3\n')
    page = Reader(write_run_report(finished_run))
    assert page.titles == TITLES
    assert "unknown keys ['nonsense']" in page.text
    assert 'env steps 600' in page.text
    assert page.text.count('left out') == 6


def test_a_run_that_has_just_begun_has_a_page(tmp_path):
    run = prepare_run('FetchReach', tmp_path).folder
    page = Reader(write_run_report(run, thorough=False))
    assert page.titles == TITLES
    assert 'there is no evaluation yet' in page.text


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(HerRosError, match='not a run; name a run folder'):
        write_run_report(RunFolder(tmp_path))


def test_runs_beside_each_other_show_where_they_differ(finished_run, tmp_path):
    other = prepare_run('FetchReach', tmp_path / 'runs', new=True, overrides=['seed=8']).folder
    path = write_comparison([finished_run, other], tmp_path / 'both.html')
    page = Reader(path)
    assert page.titles == ['Runs', 'Learning curve', 'Parameters that differ', 'Commands']
    assert 'trainer.batch_size 192 256' in page.text
    assert 'trainer.discount' not in page.text
    assert f'seed {7} {8}' in page.text
    with pytest.raises(HerRosError, match='two of these folders are one run'):
        write_comparison([other, other], tmp_path / 'both.html')


def test_a_report_never_fails_a_training(tmp_path):
    line = report_after_training(RunFolder(tmp_path / 'nothing'))
    assert line.startswith('not written (')
    assert 'not a run' in line
    assert '\n' not in line


def test_the_published_results_are_those_of_the_readme():
    lines = (Path(__file__).parents[3] / 'README.md').read_text('utf-8').splitlines()
    rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
    found = {row[0]: row[1:] for row in rows if len(row) == 5 and row[0] in PUBLISHED}
    assert found == {
        name: [f'{of.success_rate:.2f}', f'{of.env_steps:,}', of.wall_clock,
               f'{of.success_of_1000:.3f}']
        for name, of in PUBLISHED.items()
    }  # fmt: skip
