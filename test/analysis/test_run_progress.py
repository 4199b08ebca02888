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

from her_ros.analysis.run_progress import find_runs, progress_of, RunState
from her_ros.orchestration.prepare import prepare_run
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
import pytest


def test_runs_are_found_by_task_and_name(tmp_path):
    for task, name in (('FetchReach', 'b'), ('FetchPush', 'z'), ('FetchReach', 'a')):
        prepare_run(task, tmp_path, name)
    (tmp_path / 'FetchReach' / 'no_run').mkdir()
    found = [run.path.relative_to(tmp_path).as_posix() for run in find_runs(tmp_path)]
    assert found == ['FetchPush/z', 'FetchReach/a', 'FetchReach/b']
    with pytest.raises(HerRosError, match='no such folder'):
        find_runs(tmp_path / 'nowhere')


def test_a_run_is_running_while_its_folder_is_held(tmp_path):
    run = prepare_run('FetchReach', tmp_path).folder
    assert progress_of(run).state is RunState.UNFINISHED
    with run.locked():
        assert progress_of(run).state is RunState.RUNNING
    assert progress_of(run).state is RunState.UNFINISHED


@pytest.mark.parametrize('outcome', ['solved', 'limit'])
def test_a_finished_run_says_what_it_reached(tmp_path, finish, outcome):
    run = prepare_run('FetchReach', tmp_path).folder
    finish(run, [(400, 0.25), (800, 1.0), (1200, 0.5)], outcome)
    progress = progress_of(run)
    assert progress.state is RunState(outcome)
    assert (progress.env_steps, progress.updates, progress.wall_s) == (1200, 600, 12.0)
    assert progress.best_success_rate == 1.0
    assert [each['env_steps'] for each in progress.evaluations] == [400, 800, 1200]


def test_an_unfinished_run_says_what_its_checkpoint_does(learning_run):
    progress = progress_of(learning_run)
    assert (progress.state, progress.env_steps) == (RunState.UNFINISHED, 600)
    assert progress.best_success_rate is None


@pytest.mark.parametrize(
    ('name', 'content'),
    [
        ('result.json', b'{}'),
        ('checkpoint', b'no zip'),
        ('result.json', b'[' * 100_000),
    ],
)
def test_a_damaged_run_is_distinguished_and_named(tmp_path, name, content):
    run = RunFolder(tmp_path)
    run.create()
    (tmp_path / name).write_bytes(content)
    progress = progress_of(run)
    assert progress.state is RunState.DAMAGED
    assert str(tmp_path / name) in str(progress.error)


def test_an_outcome_that_nobody_knows_is_damage(tmp_path, finish):
    run = prepare_run('FetchReach', tmp_path).folder
    finish(run, [(400, 0.25)], 'tea')
    progress = progress_of(run)
    assert progress.state is RunState.DAMAGED
    assert str(run.path) in str(progress.error)
    assert "'tea'" in str(progress.error)
