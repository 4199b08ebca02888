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

import csv
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

from her_ros.analysis.experiment import ExperimentOptions, planned, Watch
from her_ros.analysis.experiments import experiment_named, EXPERIMENTS
from her_ros.config.files import read_file, shipped_file
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.config.run_parameters import values_for
from her_ros.config.schema import configured
from her_ros.learning.learner import Learner
from her_ros.learning.training.checkpoint import save_checkpoint
from her_ros.orchestration.progress import Progress
from her_ros.tasks.registry import task_named, TASKS
import pytest

# A run takes seconds, but five processes have to start, on a machine that may be busy.
PATIENCE_S = 180.0
# Runs of some seconds, whatever they learn.
SMALL = (
    'trainer.stop.evaluations=1000', 'trainer.stop.env_steps=6000',
    'trainer.evaluation_interval=2000', 'trainer.updates_per_step=0.02',
    'trainer.hidden_sizes=[16, 16]', 'trainer.batch_size=64', 'evaluator.episodes=4',
    'evaluator.num_envs=4',
)  # fmt: skip


def with_small(*arguments):
    return [*arguments, *(part for override in SMALL for part in ('--set', override))]


def test_the_list_shows_every_experiment_and_its_arms(her_ros):
    ended = her_ros('experiment', '--list')
    assert ended.status == 0
    for experiment in EXPERIMENTS:
        assert f' {experiment.name} ' in ended.output
    assert her_ros('experiment').output == ended.output


def test_names_can_be_parts_of_topic_names_and_arms_differ():
    for experiment in EXPERIMENTS:
        names = [variant.name for variant in experiment.variants]
        assert len({*names}) == len(names) > 1
        assert len({variant.overrides for variant in experiment.variants}) == len(names)
        assert all(re.fullmatch(r'[a-z]\w*', name) for name in (experiment.name, *names))


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('experiment', EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_every_arm_fits_every_task_and_can_learn(experiment, task):
    small = ('trainer.device=cpu', 'trainer.replay_capacity=1000', 'trainer.hidden_sizes=[16, 16]')
    for variant in experiment.variants:
        values = values_for(task, None, (*small, *variant.overrides))
        Learner(task_named(task), configured(TrainerParameters, 'trainer', values['trainer']))


@pytest.mark.parametrize(
    ('arguments', 'parts'),
    [
        (['tea'], ["'tea'", 'her, strategies']),
        (['her', '--task', 'FetchTea'], ["'FetchTea'"]),
        (['her', '--set', 'trainer.bach_size=3'], ["['bach_size']"]),
        (
            ['agents', '--set', 'trainer.offline_regularizer=td3_bc'],
            ['variant sac: trainer: offline_reg'],
        ),
        (['her', '--out', '/sys/here'], ['/sys/here', 'cannot be written']),
        (['her', '--resources', 'CPU=4'], ['--resources', 'name the cluster by --ray']),
        (['her', '--set', 'trainer.start_from=/none.onnx'], ['/none.onnx: cannot be read']),
        (['her', '--ray', '127.0.0.1:1'], ['ray cannot be loaded']),
    ],
)
def test_what_does_not_fit_is_one_line_and_nothing_starts(
    her_ros, tmp_path, monkeypatch, arguments, parts
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, 'ray', None)
    ended = her_ros('experiment', *arguments)
    assert ended.status == 1
    assert not ended.output
    (line,) = ended.errors.splitlines()
    for part in ('her-ros: ', *parts):
        assert part in line
    assert not list(tmp_path.iterdir())


def test_an_unknown_arm_is_refused_before_a_folder_is_made(her_ros, tmp_path):
    ended = her_ros(
        'experiment', 'k', '--task', 'Push', '--out', tmp_path / 'k', '--set', 'arm=nope'
    )
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert "arm 'nope' is unknown" in line
    assert not list(tmp_path.iterdir())


def test_an_arm_is_for_all_runs(her_ros, tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr('her_ros.analysis.experiment.run_jobs', lambda jobs, *_: ran.extend(jobs))
    given = ('k', '--task', 'Push', '--arm', 'six_joint', '--seeds', 1, '--out', tmp_path)
    her_ros('experiment', *given)
    assert len(ran) == 4
    for job in ran:
        values = read_file(job.run.folder.params)
        assert values['trainer']['arm'] == values['sim_env']['arm'] == 'six_joint'


def test_a_bar_moves_with_the_checkpoints_and_the_results_of_the_runs(tmp_path):
    overrides = ('trainer.stop.env_steps=1000',)
    jobs = planned(
        experiment_named('her'), ExperimentOptions('her', 'FetchReach', 1, tmp_path, 1, overrides)
    )
    watch = Watch(jobs)
    assert watch.shares() == [0.0, 0.0]
    learner = {'counters': (400, 8, 160)}
    checkpoint = {'learner': learner, 'evaluations': [], 'trained_s': 1.0}
    save_checkpoint(jobs[0].run.folder.checkpoint, checkpoint)
    numbers = ('success_rate', 'env_steps', 'updates', 'wall_s', 'seed', 'episodes')
    result = {'task': 'FetchReach', 'outcome': 'solved', 'evaluations': []}
    result |= dict.fromkeys((*numbers, 'best_success_rate'), 1)
    jobs[1].run.folder.result.write_text(json.dumps(result))
    assert watch.shares() == [0.4, 1.0]
    progress = Progress('experiment', 2)
    watch.look(progress)
    assert progress.line().endswith('left, 1 of 2 runs')
    # Between two checkpoints the rollouts count, each of 8 environments of 50 steps.
    bags = jobs[0].run.folder.bags
    for name in 'ab':
        (bags / f'{name}.mcap').touch()
    assert watch.shares() == [0.8, 1.0]
    (bags / 'c.mcap').touch()
    assert watch.shares() == [0.99, 1.0]
    for job in jobs:
        watch.end(job)
    assert watch.shares() == [1.0, 1.0]
    watch.look(progress)
    assert progress.line() == 'experiment: 100%, 0:00 left, 1 of 2, 1 failed'


def test_what_the_user_sets_is_for_all_arms_and_leaves_their_difference(tmp_path):
    overrides = ('trainer.her.k=2', 'trainer.batch_size=64')
    options = ExperimentOptions('k', 'FetchPush', 2, tmp_path, 1, overrides)
    jobs = planned(experiment_named('k'), options)
    found = {}
    for job in jobs:
        trainer = read_file(job.run.folder.params)['trainer']
        assert trainer['batch_size'] == 64
        assert trainer['her.past_goal_k'] == 0
        found[job.name] = (trainer['her.k'], trainer['seed'])
    assert found == {f'k_{k}_seed_{seed}': (k, seed) for seed in (0, 1) for k in (0, 1, 4, 8)}


def test_a_file_of_ones_own_is_for_all_arms_and_for_the_runs_themselves(tmp_path):
    file = tmp_path / 'mine.yaml'
    text = shipped_file('FetchReach').read_text()
    file.write_text(text.replace('FetchReach', 'gym:FetchReach-v4'))
    options = ExperimentOptions('her', 'gym:FetchReach-v4', 1, tmp_path / 'out', 1, (), file)
    for job in planned(experiment_named('her'), options):
        assert read_file(job.run.folder.params)['trainer']['task'] == 'gym:FetchReach-v4'
        assert job.command[job.command.index('--params') + 1] == str(file)


def test_other_parameters_than_its_runs_began_with_are_refused(her_ros, tmp_path):
    planned(experiment_named('her'), ExperimentOptions('her', 'FetchReach', 1, tmp_path, 1, ()))
    ended = her_ros('experiment', 'her', '--out', tmp_path, '--set', 'trainer.batch_size=64')
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert 'trainer.batch_size: 256 → 64' in line
    assert '--out' in line


@pytest.mark.nodes
def test_an_interrupted_experiment_goes_on_and_finished_runs_stay(graph, tmp_path):
    out = tmp_path / 'out'
    command = with_small('experiment', 'her', '--out', str(out), '--seeds', '1', '--jobs', '1')
    process = graph.cli(*command)
    graph.until(
        lambda: 'starting her_seed_0' in process.output, 'the second run', timeout_s=PATIENCE_S
    )
    # In the midst of it: before, there is nothing to resume.
    bags = out / 'runs' / 'FetchReach' / 'her_seed_0' / 'bags'
    graph.until(lambda: list(bags.glob('*.mcap')), 'a bag of it', timeout_s=PATIENCE_S)
    process.interrupt()
    assert process.ended(30.0) == 130
    assert 'the same command goes on from here' in process.output
    first = out / 'runs' / 'FetchReach' / 'no_her_seed_0' / 'result.json'
    finished = first.stat().st_mtime_ns

    process = graph.cli(*command)
    assert process.ended(PATIENCE_S) == 0
    assert 'resuming her_seed_0' in process.output
    assert 'ing no_her_seed_0' not in process.output
    assert first.stat().st_mtime_ns == finished
    with (out / 'results.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert {(row['arm'], row['seed']) for row in rows} == {('no_her', '0'), ('her', '0')}
    assert all(int(row['env_steps']) >= 400 for row in rows)
    ids = {each.get('id') for each in ElementTree.parse(out / 'curves.svg').iter()}
    assert {'curve_no_her', 'curve_her'} <= ids
    assert '| her | 1 |' in (out / 'summary.md').read_text()
    assert 'no_her, 1 seed' in (out / 'report.html').read_text()
