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
import os
import re
import signal
import time

from her_ros.bags.reader import read_bag
from her_ros.cli.main import app
from her_ros.config.run_parameters import values_for
from her_ros.learning.training.checkpoint import load_checkpoint
from her_ros.orchestration.prepare import claimed, prepare_run, training_names
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.ros_environment import RosEnvironmentError
from her_ros.runtime.run_folder import RunFolder
import numpy as np
import pytest

RESULT = {
    'task': 'FetchReach', 'outcome': 'solved', 'success_rate': 0.96, 'best_success_rate': 0.98,
    'env_steps': 1234, 'episodes': 24, 'updates': 480, 'wall_s': 5.5, 'seed': 0, 'evaluations': [],
}  # fmt: skip
# A run that never ends, evaluates often, and leaves the processors to the other processes.
ENDLESS = (
    'trainer.stop.evaluations=1000', 'trainer.stop.env_steps=100000000',
    'trainer.evaluation_interval=400', 'trainer.updates_per_step=0.02',
    'trainer.hidden_sizes=[16, 16]', 'trainer.batch_size=64', 'evaluator.episodes=4',
    'evaluator.num_envs=4', 'sim_env.num_envs=4',
)  # fmt: skip


@pytest.mark.parametrize(
    ('arguments', 'parts'),
    [
        (['--task', 'FetchTea'], ["'FetchTea'", 'FetchReach, FetchPush']),
        (['--set', 'trainer.bach_size=3'], ["['bach_size']", 'batch_size']),
        (['--set', 'trainr.batch_size=3'], ['trainr', 'trainer']),
        (['--set', 'trainer.discount=1.5'], ['discount', '1.5']),
        (['--seed', '-1'], ['seed', '-1']),
        (['--disturb', 'robots:2'], ["sim_env: disturbance 'robots'", 'robot, all']),
        (['--disturb', 'robot,push_mps'], ['push_mps', 'an object, which FetchReach lacks']),
        (['--set', 'sim_env.disturb=robot'], ['trainer.truth is none', 'critic or rewards']),
        (['--name', '../elsewhere'], ["'../elsewhere'"]),
        (['--runs', '/sys/runs'], ['/sys/runs/FetchReach/run_001', 'cannot be written']),
        (['--params', '/nothing.yaml'], ['/nothing.yaml']),
        (['--task', 'Push', '--set', 'arm=nope'], ["arm 'nope' is unknown"]),
        (['--task', 'Push', '--arm', '/no #1/arm.yaml'], ['/no #1/arm.yaml']),
    ],
)
def test_what_does_not_fit_is_one_line_and_nothing_starts(her_ros, tmp_path, arguments, parts):
    ended = her_ros('train', '--runs', tmp_path / 'runs', *arguments)
    assert ended.status == 1
    assert not ended.output
    (line,) = ended.errors.splitlines()
    for part in ('her-ros: ', *parts):
        assert part in line
    assert not list(tmp_path.iterdir())


def test_disturb_is_of_recording_and_evaluating_and_shows_critics_the_truth(monkeypatch):
    asked = []
    monkeypatch.setattr('her_ros.orchestration.train.train', lambda *found: asked.append(found))
    with pytest.raises(SystemExit):
        app(['train', '--task', 'FetchPush', '--disturb', 'robot:0.5'])
    values = values_for('FetchPush', None, asked[0][5], training_names())
    assert values['sim_env']['disturb'] == values['evaluator']['disturb'] == 'robot:0.5'
    assert values['trainer']['truth'] == 'critic'
    assert values['sim_env']['disturb_share'] == 0.75


def test_a_run_that_disturbs_all_episodes_goes_on_as_documented(her_ros, tmp_path):
    given = ['sim_env.disturb=robot', 'evaluator.disturb=robot', 'trainer.truth=critic']
    run = prepare_run('FetchReach', tmp_path, overrides=given)
    written = run.folder.params.read_text()
    run.folder.params.write_text(re.sub(r'.*disturb_share.*\n', '', written))
    run.folder.result.write_text(json.dumps(RESULT))
    command = ('train', '--runs', tmp_path, '--disturb', 'robot')
    refused = her_ros(*command)
    assert refused.status == 1
    assert 'sim_env.disturb_share: 1.0 → 0.75' in refused.errors
    ended = her_ros(*command, '--set', 'sim_env.disturb_share=1.0')
    assert ended.status == 0, ended.errors
    assert 'finished already' in ended.output


def test_from_names_what_to_start_from(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr('her_ros.orchestration.train.train', lambda *found: asked.append(found))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        app(['train', '--task', 'FetchPush', '--from', 'a #1.onnx'])
    values = values_for('FetchPush', None, asked[0][5], training_names())
    assert values['trainer']['start_from'] == str(tmp_path / 'a #1.onnx')


@pytest.mark.parametrize('new', [('--new',), ('--name', 'other')])
def test_a_run_that_is_refused_leaves_no_folder(her_ros, monkeypatch, tmp_path, new):
    other = prepare_run('FetchReach', tmp_path / 'others')
    with claimed(other, 'taken'):
        ended = her_ros('train', '--runs', tmp_path / 'own', '--namespace', 'taken', *new)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert f'is in use by {other.folder.path}' in line

    def refuse(host):
        raise RosEnvironmentError('not reached')

    monkeypatch.setattr('her_ros.orchestration.discovery_server._check_reachable', refuse)
    monkeypatch.setenv('ROS_DISCOVERY_SERVER', '')  # set by the command
    ended = her_ros('train', '--runs', tmp_path / 'own', '--discovery-server', '127.0.0.1', *new)
    assert (ended.status, ended.errors) == (1, 'her-ros: not reached\n')
    assert not list((tmp_path / 'own').rglob('*run_001'))
    assert not list((tmp_path / 'own').rglob('other'))
    # One that was there stays.
    with claimed(other, 'taken'):
        own = prepare_run('FetchReach', tmp_path / 'own')
        assert her_ros('train', '--runs', tmp_path / 'own', '--namespace', 'taken').status == 1
    assert own.folder.params.exists()


def test_changed_parameters_are_refused_with_their_keys(her_ros, tmp_path):
    prepare_run('FetchReach', tmp_path)
    ended = her_ros('train', '--runs', tmp_path, '--seed', 4, '--set', 'sim_env.num_envs=3')
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert 'sim_env.num_envs: 8 → 3' in line
    assert 'trainer.seed: 0 → 4' in line
    assert '--new' in line


def test_a_second_run_in_the_same_folder_is_refused(her_ros, tmp_path):
    run = prepare_run('FetchReach', tmp_path)
    with run.folder.locked():
        ended = her_ros('train', '--runs', tmp_path)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert f'{run.folder.path}: in use by process {os.getpid()}' in line


@pytest.mark.parametrize('outcome', ['solved', 'limit'])
def test_a_finished_run_prints_its_result(her_ros, tmp_path, outcome):
    runs = tmp_path / 'runs [' / 'bold]'  # looks like markup, and is a folder
    folder = prepare_run('FetchReach', runs).folder
    folder.result.write_text(json.dumps({**RESULT, 'outcome': outcome}))
    ended = her_ros('train', '--runs', runs)
    assert ended.status == (0 if outcome == 'solved' else 1)
    assert not ended.errors
    for part in ('finished already', '--new', '0.96', '0.98', '1234 env steps', '480 updates'):
        assert part in ended.output
    for path in (folder.policy, folder.bags, folder.checkpoint):
        assert str(path) in ended.output
    assert ('not solved' in ended.output) == (outcome == 'limit')


class Training:
    """A ``her-ros train`` that runs, seen from outside."""

    def __init__(self, graph, node_processes, runs, overrides=ENDLESS):
        self._graph = graph
        self._node_processes = node_processes
        self.folder = RunFolder(runs / 'FetchReach' / 'run_001')
        self._arguments = ['train', '--no-report', '--task', 'FetchReach', '--runs', str(runs)]
        for override in overrides:
            self._arguments += ['--set', override]
        self.start()

    def start(self):
        self.process = self._graph.cli(*self._arguments)

    def nodes(self):
        """List the nodes of the run by name."""
        found = self._node_processes(f'run_dir:="{self.folder.path}"')
        return {re.search(r'her_ros\.nodes\.(\w+)', text)[1]: pid for pid, text in found.items()}

    def trainer(self, key):
        """Return a counter from the trainer's present diagnostics."""
        return int(self._graph.new_status('/her_ros/trainer')[key])

    def more(self, folder, count):
        """Wait until there are so many more files than now in a folder."""
        wanted = len(list(folder.glob('*.mcap'))) + count
        self._graph.until(
            lambda: len(list(folder.glob('*.mcap'))) >= wanted, f'{count} more in {folder}'
        )

    def log(self, node):
        return (self.folder.path / 'log' / f'her_ros.{node}.log').read_text()

    def check_left_behind(self):
        """See that every bag is whole, and that no node failed in a way nobody thought of."""
        for path in self.folder.bags.glob('*.mcap'):
            assert read_bag(path).left_over == 0
        for path in (self.folder.path / 'log').iterdir():
            assert 'Traceback' not in path.read_text(), path.read_text()


@pytest.fixture
def train(graph, node_processes, tmp_path):
    return lambda **kwargs: Training(graph, node_processes, tmp_path / 'runs', **kwargs)


@pytest.mark.nodes
def test_interrupted_and_resumed_and_killed(graph, train, wait, tmp_path):
    training = train()
    training.more(training.folder.bags, 3)
    assert f'starting {training.folder.path}' in training.process.output
    assert len(training.nodes()) == 5

    first, begin = training.process, time.monotonic()
    first.interrupt()
    assert first.ended(10.0) == 130
    assert time.monotonic() - begin < 10
    assert not training.nodes()
    resume = f'train --task FetchReach --name run_001 --runs {tmp_path / "runs"}'
    assert f'stopped; `her-ros {resume}` goes on from here' in first.output
    training.check_left_behind()
    learner = load_checkpoint(training.folder.checkpoint)['learner']
    env_steps, _, updates = learner['counters']
    # The interrupt fell between two updates, not into one.
    assert int(learner['agent']['steps']['adam']) == updates

    training.process = graph.cli(*resume.split())
    graph.until(lambda: 'resuming' in training.process.output, 'a resume')
    said = f'resumed at {env_steps} env steps, {updates} updates'
    graph.until(lambda: said in training.log('trainer'), said)
    graph.until(lambda: training.trainer('env_steps') > env_steps, 'more steps')

    assert len(training.nodes()) == 5
    # The nodes of a killed launcher hold their roles for a moment; those after them wait for it.
    training.process.kill()
    last = graph.cli(*resume.split())
    graph.until(lambda: training.log('trainer').count('resumed at') == 2, 'a second resume')
    training.more(training.folder.bags, 2)
    assert 'started again' not in last.output
    last.interrupt()
    assert last.ended(10.0) == 130
    wait(lambda: not training.nodes(), 'the end of all nodes', timeout_s=10.0)
    training.check_left_behind()


@pytest.mark.nodes
def test_every_node_may_die_but_not_three_times_a_minute(graph, train):
    training = train()
    training.more(training.folder.evaluation, 1)

    def kill(name):
        pid = training.nodes()[name]
        os.kill(pid, signal.SIGKILL)
        if training.process.popen.poll() is None:
            graph.until(
                lambda: (
                    training.process.popen.poll() is not None
                    or training.nodes().get(name, pid) != pid
                ),
                f'another {name}',
            )

    bags, evaluations = training.folder.bags, training.folder.evaluation
    for name in ('sim_env', 'recorder', 'evaluator', 'trainer', 'policy'):
        kill(name)
        report = f'{name} ended with signal SIGKILL and is started again'
        assert report in training.process.output
        # a rollout under way may be finished without it, and its bag be there
        training.more(bags, 2)
        if name in ('evaluator', 'trainer'):
            # what was under evaluation may be done; the next one takes both of them
            training.more(evaluations, 2)
    assert 'resumed at' in training.log('trainer')
    for _ in range(2):
        kill('policy')
    assert training.process.ended() == 1
    assert 'her-ros: /her_ros/worker_0/policy died 3 times within 60 s' in training.process.output
    assert not training.nodes()
    training.check_left_behind()


@pytest.mark.nodes
def test_fetch_reach_is_learned(train, her_ros):
    training = train(overrides=())
    assert training.process.ended(240.0) == 0
    result = json.loads(training.folder.result.read_text())
    assert result['outcome'] == 'solved'
    assert result['success_rate'] >= 0.9
    assert 'FetchReach: solved' in training.process.output
    assert not training.nodes()
    training.check_left_behind()
    # nobody collected on once it was solved; a rollout under way before that may be too late
    bags = training.folder.bags.glob('*.mcap')
    assert sum(len(read_bag(path).episodes) for path in bags) <= result['episodes'] + 8
    # the policy left behind is the one that was evaluated
    last = result['evaluations'][-1]
    policy = OnnxPolicy.load(training.folder.policy)
    assert (policy.version, policy.sha256) == (last['version'], last['sha256'])
    bag = read_bag(training.folder.evaluation_bag(policy.version, policy.sha256))
    assert np.mean([e.is_success for e in bag.episodes]) == last['success_rate']
    # and the command line evaluates it alike, by the same episodes
    ended = her_ros('evaluate', training.folder.policy)
    assert f'{last["success_rate"]:.3f} (' in ended.output
