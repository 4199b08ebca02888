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
import sys

from her_ros.orchestration import remote_run
from her_ros.orchestration.jobs import Job, outcome_of
from her_ros.orchestration.prepare import prepare_run
from her_ros.orchestration.remote_run import Order, train_here
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import create_held
import pytest

RESULT = (
    '{"task": "FetchReach", "outcome": "limit", "success_rate": 0.5, "best_success_rate": 0.5,'
    ' "env_steps": 1200, "episodes": 24, "updates": 480, "wall_s": 3.0, "seed": 0,'
    ' "evaluations": []}'
)
# Stands for her-ros train: leaves a bag, a policy and a result.
TRAIN = f"""
import sys
from pathlib import Path
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert words['--namespace'] == 'experiment_x/a'
folder = Path(words['--runs'], words['--task'], words['--name'])
assert (folder / 'params.yaml').is_file() and (folder / 'bags').is_dir()
(folder / 'bags' / 'b.mcap').write_text('large')
(folder / 'policy.onnx').write_text('net')
(folder / 'tensorboard' / 'events').write_text('curve')
print(folder)
(folder / 'result.json').write_text('''{RESULT}''')
"""
FAIL = """
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.last_error import report
report(HerRosError('the disk is full'), 'her-ros')
raise SystemExit(1)
"""


@pytest.fixture
def job(tmp_path):
    run = prepare_run('FetchReach', tmp_path / 'runs', 'a')
    return Job('a', run, (), tmp_path / 'a.log', 'experiment_x/a')


def order(job, program, **changes):
    return replace(Order.of(job), program=('-c', program), **changes)


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file()}


def test_where_the_folder_is_a_run_is_made_in_it(job):
    job.log.write_text('of an earlier start\n')
    parcel = train_here(order(job, TRAIN))
    assert not parcel.files
    assert (job.run.folder.bags / 'b.mcap').exists()
    parcel.unpack(job)
    # Written as it came, so that it is there if this process dies.
    assert job.log.read_text() == f'of an earlier start\n{job.run.folder.path}\n'
    failed = train_here(order(job, FAIL))
    assert failed.error == 'the disk is full'
    assert not [*job.log.parent.glob('*.error.json')]


def test_elsewhere_policy_and_result_come_back_and_bags_do_not(job):
    before = names(job.run.folder.path)
    parcel = train_here(order(job, TRAIN, identity='another'))
    assert names(job.run.folder.path) == before
    assert str(job.run.folder.path) not in parcel.log.decode()
    parcel.unpack(job)
    new = {'policy.onnx', 'result.json', 'tensorboard/events'}
    assert names(job.run.folder.path) == before | new
    assert outcome_of(job, parcel.error) == 'a: limit, success 0.50 after 1,200 env steps, 3 s'


def test_the_result_comes_after_what_it_describes_and_the_checkpoint_last(job, monkeypatch):
    written = []
    monkeypatch.setattr(
        'her_ros.orchestration.remote_run.write_whole', lambda path, _: written.append(path.name)
    )
    parcel = train_here(order(job, FAIL))
    names = ['policy.onnx', 'starts', 'result.json', 'checkpoint']
    parcel.files = dict.fromkeys(reversed(names), b'')
    parcel.unpack(job)
    assert written[2:] == names[2:]
    assert {*written[:2]} == {*names[:2]}


def test_folders_of_killed_runs_are_removed_and_held_ones_stay(job, tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    killed, held, other = (tmp_path / f'her_ros_run_{name}' for name in ('killed', 'held', 'x'))
    for folder in (killed, held):
        (folder / 'runs' / 'FetchReach').mkdir(parents=True)
        (folder / 'lock').touch()
    other.mkdir()  # of a run that has not come further yet
    with create_held(held / 'lock'):
        assert train_here(order(job, TRAIN, identity='another')).files
        assert {*tmp_path.glob('her_ros_run_*')} == {held, other}


def test_a_run_holds_its_folder_while_it_goes_on(job, tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    with remote_run._own_folder() as first, remote_run._own_folder() as second:
        assert first != second
        assert first.is_dir()
        assert second.is_dir()
    assert not list(tmp_path.glob('her_ros_run_*'))


def test_a_run_that_fails_elsewhere_names_its_error_and_leaves_its_log(job):
    parcel = train_here(order(job, FAIL, identity='another'))
    assert not parcel.files
    parcel.unpack(job)
    assert outcome_of(job, parcel.error) == f'a failed: the disk is full ({job.log})'
    assert 'the disk is full' in job.log.read_text()


def test_another_version_is_named(job):
    with pytest.raises(HerRosError, match=r'here, but 9 where .*; install the same version'):
        train_here(replace(Order.of(job), version='9'))


def test_the_program_is_the_command_of_a_user(job):
    program = f'import sys; print({sys.executable!r} == sys.executable, sys.argv[1:])'
    parcel = train_here(order(job, program, identity='another'))
    assert parcel.log.startswith(b"True ['--task', 'FetchReach', '--runs'")
    assert Order.of(job).program[-1] == 'train'
