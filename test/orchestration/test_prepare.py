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

from concurrent.futures import ThreadPoolExecutor
import json
from pathlib import Path
import re

from her_ros.arms.errors import ArmError
from her_ros.arms.registry import ARMS
from her_ros.config.files import read_file, shipped_file
from her_ros.config.schema import ConfigError
from her_ros.config.shipped import shipped
from her_ros.orchestration.graph import simulation_nodes
from her_ros.orchestration.prepare import (
    arm_overrides,
    checked_params,
    checked_values,
    claimed,
    described,
    extended,
    prepare_run,
    start_override,
    training_names,
    with_values,
)
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.ros_environment import RosEnvironmentError
from her_ros.runtime.run_folder import RunFolderError
from her_ros.tasks.errors import TaskError
from her_ros.tasks.symmetry import SymmetryError
import pytest

RESULT = {
    'task': 'FetchReach', 'outcome': 'limit', 'success_rate': 0.5, 'best_success_rate': 0.5,
    'env_steps': 40, 'episodes': 4, 'updates': 20, 'wall_s': 2.0, 'seed': 0, 'evaluations': [],
}  # fmt: skip


@pytest.fixture
def prepare(tmp_path):
    return lambda *args, **kwargs: prepare_run(
        args[0] if args else 'FetchReach', tmp_path / 'runs', **kwargs
    )


def snapshot(folder):
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob('*')}


def test_a_new_run_is_ready_to_work_in(prepare, tmp_path):
    run = prepare(overrides=['seed=3'])
    assert run.folder.path == tmp_path / 'runs' / 'FetchReach' / 'run_001'
    assert not run.resumed
    assert run.result is None
    run.folder.require()
    values = read_file(run.folder.params)
    assert values['trainer']['seed'] == 3
    assert values['trainer']['batch_size'] == 256  # defaults stand there too


def test_a_symmetry_that_the_task_lacks_is_named_before_anything_starts(prepare, tmp_path):
    with pytest.raises(SymmetryError, match=r'symmetry.left_right is 0.5, but task gym:PointMaze'):
        prepare('gym:PointMaze_UMaze-v3', overrides=['trainer.symmetry.left_right=0.5'])
    assert not (tmp_path / 'runs').exists()


def test_the_same_command_finds_the_run_again(prepare):
    run, again = prepare(), prepare()
    assert again.folder.path == run.folder.path
    assert again.resumed


def test_new_starts_another_run_and_the_last_one_is_found(prepare):
    names = [prepare(new=new).folder.path.name for new in (False, True, True, False)]
    assert names == ['run_001', 'run_002', 'run_003', 'run_003']
    assert prepare(name='run_001').folder.path.name == 'run_001'


def test_named_runs_do_not_count(prepare):
    assert prepare(name='run_of_mine').folder.path.name == 'run_of_mine'
    assert prepare().folder.path.name == 'run_001'
    with pytest.raises(ConfigError, match='run_of_mine: exists already'):
        prepare(name='run_of_mine', new=True)


@pytest.mark.parametrize('name', ['a/b', '../a', '.hidden', '..', 'a b', 'ä/', '/tmp/x'])
def test_names_that_are_paths_are_refused(prepare, tmp_path, name):
    with pytest.raises(ConfigError, match='run name'):
        prepare(name=name)
    assert not list(tmp_path.iterdir())


def test_changed_parameters_are_refused_with_their_keys(prepare, tmp_path):
    prepare()
    before = snapshot(tmp_path)
    with pytest.raises(ConfigError) as caught:
        prepare(overrides=['trainer.discount=0.5', 'sim_env.num_envs=2'])
    message = str(caught.value)
    assert 'trainer.discount: 0.98 → 0.5' in message
    assert 'sim_env.num_envs: 8 → 2' in message
    assert '--new' in message
    assert 'batch_size' not in message
    assert snapshot(tmp_path) == before
    assert not prepare(overrides=['trainer.discount=0.5'], new=True).resumed


def test_the_parameters_of_a_run_are_those_it_began_with(prepare, tmp_path):
    # also when the file that was given says less than the run's own
    path = tmp_path / 'mine.yaml'
    path.write_text('/**:\n  ros__parameters:\n    task: FetchReach\n    seed: 9\n')
    run = prepare(params_file=path)
    assert prepare(params_file=path).folder.path == run.folder.path
    # and nothing has to be said again
    assert prepare().folder.path == prepare(name='run_001').folder.path == run.folder.path
    assert read_file(run.folder.params)['trainer']['seed'] == 9
    with pytest.raises(ConfigError, match='seed: 9 → 0'):
        prepare(params_file=shipped_file('FetchReach'))


def test_a_run_of_before_the_renaming_of_a_node_goes_on_where_it_stopped(prepare):
    folder = prepare(overrides=['sim_env.num_envs=2']).folder
    present = read_file(folder.params)
    folder.params.write_text(folder.params.read_text().replace('sim_env', 'fetch_env'))
    for role, count in {'fetch_env': 2, 'policy': 3}.items():
        for _ in range(count):
            folder.count_start(role)
    resumed = prepare()
    assert resumed.resumed
    assert read_file(resumed.folder.params) == present
    # Seeds are drawn from the number of earlier starts.
    assert [folder.count_start(role) for role in ('sim_env', 'policy')] == [2, 3]


def test_a_run_may_be_given_another_stop_rule_and_nothing_else(prepare):
    run = prepare(overrides=['seed=4'])
    run.folder.result.write_text(json.dumps(RESULT))
    before = run.folder.params.read_bytes()
    later = prepare(overrides=['trainer.stop.env_steps=2000000', 'trainer.stop.success_rate=0.97'])
    # It goes on, once the run is held.
    assert later.resumed
    assert later.result is None
    assert run.folder.params.read_bytes() == before
    held = extended(later)
    assert not run.folder.result.exists()
    values = read_file(run.folder.params)['trainer']
    assert (values['stop.env_steps'], values['stop.success_rate'], values['seed']) == (
        2000000,
        0.97,
        4,
    )
    assert extended(held) == held
    with pytest.raises(ConfigError, match=r'discount: 0.98 → 0.5\);.*only trainer.stop.env_steps'):
        prepare(overrides=['trainer.stop.env_steps=3000000', 'trainer.discount=0.5'])
    with pytest.raises(ConfigError, match=r'stop\.env_steps: 2000000 → 3000000'):
        prepare(overrides=['trainer.stop.env_steps=3000000'], may_extend=False)


def test_a_file_made_for_another_task_is_refused(prepare, tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text('/**:\n  ros__parameters:\n    task: FetchPush\n')
    with pytest.raises(ConfigError, match=r'mine\.yaml: made for task FetchPush, not for FetchRe'):
        prepare(params_file=path)
    assert not (tmp_path / 'runs').exists()


def test_an_unknown_task_is_refused(prepare, tmp_path):
    with pytest.raises(TaskError, match="'FetchTea'"):
        prepare('FetchTea')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('runs', ['/sys/her_ros_runs', '/proc/her_ros_runs', '/dev/null/runs'])
def test_a_place_that_takes_nothing_is_named(runs):
    with pytest.raises(RunFolderError, match=f'{runs}.*cannot be written'):
        prepare_run('FetchReach', Path(runs))


def test_a_damaged_result_is_named(prepare):
    run = prepare()
    run.folder.result.write_text('[1]')
    with pytest.raises(RunFolderError, match=r'result\.json'):
        _ = run.result


def test_the_result_is_the_files(prepare):
    run = prepare()
    run.folder.result.write_text(json.dumps(RESULT))
    assert run.result == RESULT


def test_a_namespace_in_use_is_refused_with_its_holder(tmp_path):
    runs = [prepare_run('FetchReach', tmp_path / name) for name in 'ab']
    with claimed(runs[0], 'taken/here'):
        with (
            pytest.raises(ConfigError, match=re.escape(str(runs[0].folder.path))),
            claimed(runs[1], '/taken/here/'),
        ):
            pass
        with claimed(runs[1], 'free'):
            pass
    with claimed(runs[1], 'taken/here'):
        pass


@pytest.mark.parametrize('namespace', ['', 'a b', '1a', 'a//b', 'ä', '../a'])
def test_a_namespace_that_ros_refuses_is_named(tmp_path, namespace):
    run = prepare_run('FetchReach', tmp_path)
    with pytest.raises(RosEnvironmentError, match='namespace'), claimed(run, namespace):
        pass


def test_launchers_at_the_same_time_take_different_new_folders(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(lambda _: prepare_run('FetchReach', tmp_path, new=True), range(16))
    assert len({run.folder.path for run in made}) == 16


@pytest.mark.parametrize('override', ['task=FetchPush', 'trainer.task=FetchPush'])
def test_overrides_cannot_change_the_task(tmp_path, override):
    with pytest.raises(ConfigError, match='FetchPush, not for FetchReach'):
        prepare_run('FetchReach', tmp_path, overrides=[override])


def test_an_arm_is_checked_and_kept_by_the_run(tmp_path, monkeypatch):
    assert described('six_joint') == 'six_joint'
    with pytest.raises(ArmError, match=r"^arm 'six' is unknown; "):
        described('six')
    (tmp_path / 'mine.yaml').write_bytes(shipped(ARMS.own['six_joint'], '').read_bytes())
    monkeypatch.chdir(tmp_path)
    assert described('mine.yaml') == str(tmp_path / 'mine.yaml')
    run = prepare_run('Push', tmp_path, overrides=['arm=six_joint'])
    values = read_file(run.folder.params)
    assert {values[node]['arm'] for node in training_names()} == {'six_joint'}
    assert prepare_run('Push', tmp_path).resumed
    with pytest.raises(ConfigError, match=r'other parameters \(.*arm: six_joint → ur5e_2f85'):
        prepare_run('Push', tmp_path, overrides=['arm=ur5e_2f85'])


@pytest.mark.parametrize(
    ('source', 'said'),
    [('gone.xml', 'is missing; correct'), ('robot_description', 'only a robot that runs')],
)
def test_a_model_of_an_arm_that_is_missing_leaves_no_folder(tmp_path, source, said):
    text = shipped(ARMS.own['six_joint'], '').read_text()
    arm = tmp_path / 'mine.yaml'
    arm.write_text(text.replace('source: six_joint.xml', f'source: {source}'))
    with pytest.raises(ArmError, match=said):
        prepare_run('Push', tmp_path / 'runs', overrides=arm_overrides(str(arm)))
    assert not (tmp_path / 'runs').exists()


def test_a_run_keeps_the_absolute_path_of_its_arm(tmp_path, monkeypatch):
    own = tmp_path / "it's run #2: ä 🦾"
    own.mkdir()
    (own / 'mine.yaml').write_bytes(shipped(ARMS.own['six_joint'], '').read_bytes())
    model = Path('config', 'arms', 'six_joint.xml')
    (own / model.name).write_bytes(shipped(model, '').read_bytes())
    monkeypatch.chdir(own)
    run = prepare_run('Push', tmp_path / 'runs', overrides=arm_overrides('mine.yaml'))
    values = read_file(run.folder.params)
    assert {values[node]['arm'] for node in values} == {str(own / 'mine.yaml')}
    # From any folder, and named either way.
    monkeypatch.chdir(tmp_path)
    assert prepare_run('Push', tmp_path / 'runs').resumed
    overrides = arm_overrides(str(own / 'mine.yaml'))
    assert prepare_run('Push', tmp_path / 'runs', overrides=overrides).resumed


def test_a_run_keeps_the_absolute_path_of_the_policy_that_it_starts_from(tmp_path, monkeypatch):
    model = shipped(Path('models', 'FetchPush', 'policy.onnx'), '')
    (tmp_path / 'mine').symlink_to(model.absolute().parent)
    monkeypatch.chdir(tmp_path)
    overrides = start_override(Path('mine/policy.onnx'))
    run = prepare_run('FetchPush', tmp_path / 'runs', overrides=overrides)
    found = read_file(run.folder.params)['trainer']['start_from']
    assert found == str(tmp_path / 'mine' / 'policy.onnx')
    monkeypatch.chdir('/')
    assert prepare_run('FetchPush', tmp_path / 'runs').resumed


def test_the_command_of_a_run_resumes_it_without_its_source(tmp_path):
    source = tmp_path / 'policy.onnx'
    source.write_bytes(shipped(Path('models', 'FetchPush', 'policy.onnx'), '').read_bytes())
    overrides = start_override(source)
    run = prepare_run('FetchPush', tmp_path / 'runs', overrides=overrides)
    source.unlink()
    # Until there is a checkpoint, the run needs it, whether the command names it or not.
    for given in (overrides, []):
        with pytest.raises(HerRosError, match=r'policy\.onnx: cannot be read'):
            prepare_run('FetchPush', tmp_path / 'runs', overrides=given)
    run.folder.checkpoint.touch()
    for given in (overrides, []):
        again = prepare_run('FetchPush', tmp_path / 'runs', overrides=given)
        assert again.resumed
        assert again.folder.path == run.folder.path
    for options in ({'new': True}, {'name': 'other'}):
        with pytest.raises(HerRosError, match=r'policy\.onnx: cannot be read'):
            prepare_run('FetchPush', tmp_path / 'runs', overrides=overrides, **options)
    assert [each.name for each in run.folder.path.parent.iterdir()] == ['run_001']


def test_a_policy_that_does_not_fit_is_refused_before_a_folder_is_made(tmp_path):
    overrides = start_override(shipped(Path('models', 'FetchPush', 'policy.onnx'), ''))
    with pytest.raises(HerRosError, match='made for FetchPush'):
        prepare_run('FetchReach', tmp_path / 'runs', overrides=overrides)
    assert not list(tmp_path.iterdir())


def test_an_unknown_arm_is_refused_before_a_folder_is_made(tmp_path):
    for override in ('arm=nope', f'arm={tmp_path}/nope.yaml'):
        with pytest.raises(ArmError, match=r'nope'):
            prepare_run('Push', tmp_path / 'runs', overrides=[override])
    assert not list(tmp_path.iterdir())


def test_a_parameter_file_for_launch_is_refused_with_an_unknown_arm(tmp_path):
    assert checked_params('Push', None) == shipped_file('Push')
    path = tmp_path / 'params.yaml'
    path.write_text(shipped_file('Push').read_text().replace('franka_panda', 'nope'))
    with pytest.raises(ArmError, match=r"^arm 'nope' is unknown; "):
        checked_params('Push', path)


def test_nodes_get_what_differs_from_their_file_and_keep_their_own(tmp_path):
    path = shipped_file('Push')
    values = checked_values('Push', path, arm_overrides('six_joint', accept=True))
    nodes = with_values(simulation_nodes('a', 'b.onnx', ''), path, values)
    more = {node.name: node.parameters for node in nodes}
    assert more['sim_env']['arm'] == more['policy']['arm'] == 'six_joint'
    assert more['policy']['accept_arm'] is True
    assert more['policy']['model'] == 'b.onnx'
    assert 'num_envs' not in more['sim_env']
    assert 'accept_arm' not in more['sim_env']


def test_the_default_of_the_task_stays_without_a_name_of_an_arm():
    assert arm_overrides('') == []
    assert checked_values('FetchPush', None, [])['policy']['arm'] == ''
    assert checked_values('Push', None, ['arm=""'])['policy']['arm'] == ''


def test_an_arm_of_a_task_without_arms_is_refused(tmp_path):
    with pytest.raises(HerRosError, match=r"^arm is 'six_joint', but task 'FetchPush' is not"):
        prepare_run('FetchPush', tmp_path, overrides=['arm=six_joint'])
    with pytest.raises(HerRosError, match=r"arms '' and 'six_joint'; give all the same"):
        prepare_run('FetchPush', tmp_path, overrides=['trainer.arm=six_joint'])
