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

import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

from her_ros.bags.prefetch import EpisodeSource
from her_ros.bags.reader import read_bag
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.learning.training.checkpoint import load_checkpoint, save_checkpoint
from her_ros.learning.training.offline import bags_in_order, OfflineTraining
from her_ros.learning.training.online import Training
from her_ros.orchestration import progress
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.files import file_sha256
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import task_named
import pytest
import torch

DEADLINE_S = 180
QUICK = (
    '--no-report', '--updates', 200, '--set', 'trainer.hidden_sizes=[16, 16]',
    '--set', 'trainer.device=cpu',
)  # fmt: skip


@pytest.fixture
def bags(recorded, tmp_path):
    return shutil.copytree(recorded, tmp_path / 'bags')


@pytest.fixture
def offline(her_ros, tmp_path):
    """Run ``her-ros train-offline`` with small networks, into a folder of the test."""

    def call(*arguments, out='out'):
        return her_ros('train-offline', '--out', tmp_path / out, *QUICK, *arguments)

    return call


def test_bags_become_a_policy(offline, bags, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, '_LARGE', 1000)  # then reading them shows how far it is
    monkeypatch.setattr(progress, '_LINE_S', 0.0)
    ended = offline(bags)
    assert ended.status == 0, ended.errors
    assert 'reading: ' in ended.errors
    assert 'learning: 12 episodes, 600 steps' in ended.output
    policy = OnnxPolicy.load(tmp_path / 'out' / 'policy.onnx')
    assert policy.contract.task == 'FetchReach'
    assert policy.contract.provenance['env_steps'] == '600'
    result = json.loads((tmp_path / 'out' / 'result.json').read_text())
    assert (result['updates'], result['episodes'], result['success_rate']) == (200, 12, None)
    log = load_checkpoint(tmp_path / 'out' / 'checkpoint')['log']
    assert log == [[path.name, file_sha256(path)] for path in sorted(bags.iterdir())]
    assert list((tmp_path / 'out' / 'tensorboard').iterdir())


def test_training_starts_from_another_policy_and_its_critics(offline, bags, tmp_path):
    assert offline(bags).status == 0
    rates = ('actor.learning_rate', 'critic.learning_rate')
    slow = [part for name in rates for part in ('--set', f'trainer.{name}=1e-8')]
    source = tmp_path / 'out'
    ended = offline(bags, '--from', source, '--seed', 3, *slow, out='tuned')
    assert ended.status == 0, ended.errors
    tuned, first = (
        load_checkpoint(tmp_path / name / 'checkpoint')['learner']['agent']['online']
        for name in ('tuned', 'out')
    )
    for network in ('actor', 'critic'):
        torch.testing.assert_close(tuned[network], first[network], atol=1e-4, rtol=0.0)


def test_its_report_is_written_and_named_last(offline, bags, tmp_path):
    ended = offline(bags, '--report')
    assert ended.status == 0, ended.errors
    page = tmp_path / 'out' / 'report.html'
    assert ended.output.splitlines()[-1] == f'  report      {page}'
    assert 'her-ros train-offline BAGS' in page.read_text('utf-8')
    again = offline(bags, '--report')
    assert 'finished already' in again.output
    assert '  report ' not in again.output


def test_the_same_command_repeats_and_then_has_nothing_to_do(offline, bags, tmp_path):
    names = ('one/out', 'two/out')
    for name in names:
        assert offline(bags, '--seed', 5, out=name).status == 0
    first, second = ((tmp_path / name / 'policy.onnx').read_bytes() for name in names)
    assert first == second
    ended = offline(bags, '--seed', 5, out=names[0])
    assert (ended.status, 'finished already' in ended.output) == (0, True)


def test_evaluation_plays_in_simulation(offline, bags, tmp_path):
    ended = offline(bags, '--evaluate')
    assert ended.status == 0, ended.errors
    result = json.loads((tmp_path / 'out' / 'result.json').read_text())
    assert [each['episodes'] for each in result['evaluations']] == [100] * 2
    assert result['success_rate'] == result['evaluations'][-1]['success_rate']


def test_a_run_is_read_in_the_order_of_its_log(offline, bags, tmp_path):
    run = tmp_path / 'run'
    run.mkdir()
    bags.rename(run / 'bags')
    order = ['b30.mcap', 'b10.mcap']
    log = [[name, file_sha256(run / 'bags' / name)] for name in order]
    save_checkpoint(run / 'checkpoint', {'log': log})
    ended = offline(run)
    assert '1 that the run has not learned from are left out' in ended.output
    assert load_checkpoint(tmp_path / 'out' / 'checkpoint')['log'] == log
    with (run / 'bags' / 'b30.mcap').open('ab') as file:
        file.write(b'x')
    ended = offline(run, out='other')
    assert ended.status == 1
    assert 'b30.mcap: altered since the run has learned from it' in ended.errors


@pytest.mark.parametrize('regularizer', ['td3_bc', 'wgcsl', 'gcsl'])
def test_offline_regularizers_are_chosen_by_name(offline, bags, tmp_path, regularizer):
    assert offline(bags, '--offline-regularizer', regularizer).status == 0
    contract = OnnxPolicy.load(tmp_path / 'out' / 'policy.onnx').contract
    assert contract.provenance['offline_regularizer'] == regularizer


def test_a_damaged_bag_is_named_and_the_rest_is_learned_from(offline, bags):
    damaged = bags / 'b20.mcap'
    damaged.write_bytes(damaged.read_bytes()[:5000])
    ended = offline(bags)
    assert ended.status == 0
    assert f'not learned from: {damaged}' in ended.output
    assert 'learning: 8 episodes' in ended.output


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['{bags}', '--task', 'FetchPush'], 'recorded from FetchReach, expected FetchPush'),
        (['{bags}', '--task', 'FetchPull'], "task 'FetchPull' is unknown"),
        (
            ['{bags}', '--offline-regularizer', 'hope'],
            "regularizer is 'hope'; choose one of none",
        ),
        (['/nowhere'], '/nowhere: no such file or folder'),
        (['{bags}', '--set', 'trainer.batch_size=0'], 'batch_size is 0'),
        (['{bags}', '--from', '/nowhere.onnx'], '/nowhere.onnx: cannot be read (No such file'),
    ],
)
def test_mistakes_end_in_one_line(offline, bags, arguments, said):
    ended = offline(*(each.format(bags=bags) for each in arguments))
    assert ended.status == 1
    told = ended.output + ended.errors
    assert said in told
    assert 'Traceback' not in told
    assert ended.errors.count('\n') == 1


def run_module(*arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_neither_ros_nor_simulation_is_imported(bags, tmp_path):
    code = (
        'import sys; from pathlib import Path;'
        ' from her_ros.orchestration.train_offline import TrainOfflineOptions, train_offline;'
        f' bags, out = [Path({str(bags)!r})], Path({str(tmp_path / "out")!r});'
        ' train_offline(TrainOfflineOptions(bags, "", "", out, 10, None, [], False));'
        ' print("LOADED", *{"rclpy", "mujoco", "gymnasium"} & set(sys.modules))'
    )
    ended = run_module('-c', code)
    assert ended.returncode == 0, ended.stderr
    assert 'LOADED\n' in ended.stdout


def test_two_processes_leave_one_checkpoint_and_resume(bags, tmp_path):
    def torchrun(updates):
        return run_module(
            '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2',
            '-m', 'her_ros.cli.main', 'train-offline', bags, '--out', tmp_path / 'out',
            '--set', 'trainer.device=cpu', '--no-report', '--updates', updates,
        )  # fmt: skip

    ended = torchrun(100)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count('learning: 12 episodes, 600 steps') == 1
    state = load_checkpoint(tmp_path / 'out' / 'checkpoint')
    assert (state['ranks'], len(state['generators'])) == (2, 2)
    assert sorted(name for name, _ in state['log']) == ['b10.mcap', 'b20.mcap', 'b30.mcap']
    ended = torchrun(200)
    assert 'resuming at 100 updates' in ended.stdout, ended.stderr
    resumed = load_checkpoint(tmp_path / 'out' / 'checkpoint')
    assert resumed['learner']['counters'][2] == 200
    whole = tmp_path / 'whole'
    (tmp_path / 'out').rename(whole)
    assert torchrun(200).returncode == 0
    again = load_checkpoint(tmp_path / 'out' / 'checkpoint')
    for name, tensor in again['learner']['agent']['online'].items():
        assert torch.equal(tensor, resumed['learner']['agent']['online'][name])


def test_offline_holds_exactly_what_the_online_trainer_held(recorded, tmp_path):
    """From a run's bags, in the order of its log: the same buffer, the same normalisers."""
    task, folder = task_named('FetchReach'), RunFolder(tmp_path / 'run')
    folder.create()
    parameters = TrainerParameters(
        task=task.name, device='cpu', hidden_sizes=(16, 16), replay_capacity=5000
    )
    online = Training(task, parameters, folder, lambda path: read_bag(path, task).episodes)
    for name in ('b30.mcap', 'b10.mcap', 'b20.mcap'):  # one after the other, as they come
        shutil.copy(recorded / name, folder.bags / name)
        assert online.ingest_new_bags() == 1
    online.save()
    bags = bags_in_order(folder)
    assert [path.name for path, _ in bags] == ['b30.mcap', 'b10.mcap', 'b20.mcap']
    out = RunFolder(tmp_path / 'out')
    out.create()
    source = EpisodeSource([path for path, _ in bags], task, seed=0)
    offline = OfflineTraining(task, parameters, out, source, [], 100)
    offline.begin()
    for name, values in tables(online.learner.replay).items():
        assert torch.equal(values, tables(offline.learner.replay)[name]), name
    for name, normalizer in online.learner.normalizers.items():
        for key, value in normalizer.state_dict().items():
            assert torch.equal(value, offline.learner.normalizers[name].state_dict()[key])


def tables(replay):
    """Everything that a buffer holds, as far as it was written to."""
    used = replay._episodes._next_row
    names = ('_values', '_goal', '_terminated', '_last_state_row')
    rows = {name: getattr(replay, name)[:used] for name in names}
    # What lies behind an episode's last transition is written in part only.
    transitions = replay._transitions.pick(torch.arange(len(replay)).double() / len(replay))
    return {
        'values': rows['_values'][transitions],
        'goals': rows['_goal'],
        'terminated': rows['_terminated'][transitions],
        'last': rows['_last_state_row'][transitions],
        'transitions': transitions,
    }


def result_of(folder):
    return json.loads((folder / 'result.json').read_text())


def started(*arguments):
    return subprocess.Popen(
        [sys.executable, '-m', 'her_ros.cli.main', 'train-offline', *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(('number', 'capacity'), [(signal.SIGTERM, 100_000), (signal.SIGINT, 300)])
def test_a_signal_at_any_moment_ends_in_the_same_policy(offline, bags, tmp_path, number, capacity):
    """No update is made twice, and none is left out."""
    options = (
        bags, '--set', f'trainer.replay_capacity={capacity}', '--set', 'trainer.compile_after=0',
    )  # fmt: skip
    assert offline(*options, '--updates', 1500, out='whole/out').status == 0
    process = started(*options, '--out', tmp_path / 'cut/out', *QUICK, '--updates', 1500)
    # Reading waits for as long as the process lives.
    deadline = threading.Timer(DEADLINE_S, process.kill)
    deadline.start()
    try:
        for line in process.stdout:
            if 'updates 150' in line or 'updates 200' in line:
                break
        time.sleep(random.uniform(0, 0.1))
        process.send_signal(number)
        said = process.stdout.read()
        assert process.wait(DEADLINE_S) == 130, said
    finally:
        deadline.cancel()
        process.kill()
        process.wait()
    assert 'stopped; the same command goes on from here' in said
    ended = offline(*options, '--updates', 1500, out='cut/out')
    assert 'resuming at' in ended.output, ended.errors
    whole, cut = (
        load_checkpoint(tmp_path / name / 'out/checkpoint')['learner']['agent']
        for name in ('whole', 'cut')
    )
    for group, tensors in whole.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, cut[group][name]), (group, name)


def test_the_folder_of_an_online_run_is_left_alone(offline, bags, tmp_path):
    run = tmp_path / 'out'
    shutil.copytree(bags, run / 'bags')
    before = sorted(run.rglob('*'))
    ended = offline(bags)
    assert (ended.status, 'the folder of an online run' in ended.errors) == (1, True)
    assert sorted(run.rglob('*')) == before


def test_what_failed_does_not_bind_the_next_attempt(offline, bags):
    assert offline(bags, '--task', 'FetchPush').status == 1
    ended = offline(bags, '--task', 'FetchReach')
    assert ended.status == 0, ended.errors


def test_a_bag_named_twice_is_learned_once(offline, bags):
    ended = offline(bags, bags / 'b10.mcap', f'{bags}/../bags/b20.mcap')
    assert 'learning: 12 episodes, 600 steps' in ended.output


def test_a_finished_training_does_not_pass_for_one_from_other_bags(offline, bags):
    assert offline(bags).status == 0
    ended = offline(bags / 'b10.mcap')
    assert (ended.status, 'has learned from other bags' in ended.errors) == (1, True)


def test_more_updates_go_on_and_are_evaluated(offline, bags, tmp_path):
    assert offline(bags, '--evaluate').status == 0
    assert offline(bags, '--evaluate', '--updates', 400).status == 0
    result = result_of(tmp_path / 'out')
    assert result['evaluations'][-1]['updates'] == result['updates'] == 400
    assert result['success_rate'] == result['evaluations'][-1]['success_rate']
    assert offline(bags, '--updates', 500).status == 0  # and of the last nobody knows
    assert result_of(tmp_path / 'out')['success_rate'] is None


def test_imitating_relabelled_goals_needs_some(offline, bags):
    ended = offline(bags, '--offline-regularizer', 'gcsl', '--set', 'trainer.her.k=0')
    assert ended.status == 1
    assert 'offline_regularizer gcsl imitates what led to relabelled goals' in ended.errors


def test_an_offline_folder_is_no_bag(offline, bags, tmp_path):
    assert offline(bags).status == 0
    ended = offline(tmp_path / 'out', out='other')
    assert (ended.status, 'holds a checkpoint, but no bags' in ended.errors) == (1, True)
