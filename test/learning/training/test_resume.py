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

"""A training that goes on after a restart; bags and checkpoints that are not as it left them."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

from her_ros.bags.reader import read_bag
from her_ros.bags.writer import write_rollout
from her_ros.learning.training import bag_training
from her_ros.learning.training.checkpoint import CheckpointError
from her_ros.learning.training.online import TrainingError
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest

#: longer than any test takes
FOREVER_S = 1000.0


def scripted(bags, parameters, between):
    """Return a run with fixed bags and evaluations; ``between`` may replace the trainer."""

    def new():
        return bags.training(parameters)

    training = new()
    for cycle in range(6):
        # Names do not rise with arrival.
        bags.add(f'{"dbface"[cycle]}.mcap', 11, 12)
        training.ingest_new_bags()
        training.update(FOREVER_S)
        training = between(training, new)
        if training.begin_evaluation():
            training = between(training, new)
            bags.judge(training, [0.0, 0.5, 0.2, 0.4][cycle % 4])
            assert training.end_evaluation() is not None
        training = between(training, new)
    return training


def carry_on(training, new):
    return training


def killed_after_saving(training, new):
    training.save()
    resumed = new()
    assert resumed.resume()
    return resumed


@pytest.mark.parametrize(
    'options',
    [{}, {'priority_kind': 'td_error'}, {'priority_kind': 'energy', 'curriculum_enabled': True}],
)
@pytest.mark.parametrize('capacity', [1000, 100])
def test_a_run_that_is_killed_again_and_again_ends_bit_for_bit_the_same(
    make_bags, assert_same, quick, capacity, options
):
    runs = []
    for name, between in (('one', carry_on), ('two', killed_after_saving)):
        bags = make_bags(name)
        training = scripted(bags, quick(replay_capacity=capacity, **options), between)
        assert training.learner.env_steps == 6 * 23
        runs.append((bags, training))
    (bags, training), (others, resumed) = runs
    assert training.learner.updates == 6 * 23 // 2
    assert_same(training.learner.state_dict(), resumed.learner.state_dict())
    # Wall clock alone does not repeat.
    timeless = [
        [dataclasses.replace(each, wall_s=0.0) for each in run.evaluations]
        for run in (training, resumed)
    ]
    assert timeless[0] == timeless[1]
    assert len(training.evaluations) == 3
    assert training.policy() == resumed.policy()
    assert bags.folder.policy.read_bytes() == others.folder.policy.read_bytes()
    assert (training.updates_owed, training.wants_collection) == (
        resumed.updates_owed,
        resumed.wants_collection,
    )


@pytest.fixture
def make_real_bags(make_bags):
    """Make the same with real bags."""
    task = TASKS['FetchReach']

    def write(path, episodes):
        for number, episode in enumerate(episodes):
            episode.rows['env'] = number
        rows = np.concatenate([episode.rows for episode in episodes])
        messages = [rows[rows['step'] == step] for step in range(rows['step'].max() + 1)]
        write_rollout(path.parent, path.stem, {'task': task.name}, messages)

    def make(name):
        bags = make_bags(name, task)
        bags.write, bags.read = write, lambda path: read_bag(path, task).episodes
        return bags

    return make


def test_a_run_over_real_bags_resumes_bit_for_bit(make_real_bags, assert_same, quick):
    runs = []
    for name, between in (('one', carry_on), ('two', killed_after_saving)):
        bags = make_real_bags(name)
        runs.append(scripted(bags, quick(), between))
    assert runs[0].learner.updates == 6 * 23 // 2
    assert_same(*(run.learner.state_dict() for run in runs))
    assert runs[0].policy() == runs[1].policy()


def test_a_truncated_real_bag_is_refused_and_the_rest_is_learned_from(make_real_bags, quick):
    bags = make_real_bags('one')
    for name in 'abc':
        bags.add(f'{name}.mcap', 10, 10)
    broken = bags.folder.bags / 'b.mcap'
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    training = bags.training(quick())
    assert training.ingest_new_bags() == 3
    assert training.learner.env_steps == 40
    assert list(training.refused) == ['b.mcap']
    assert str(broken) in training.refused['b.mcap']
    assert broken.read_bytes() == content[: len(content) // 2]


def test_without_a_checkpoint_a_run_starts_anew(bags, quick):
    assert not bags.training(quick()).resume()


def test_bags_that_came_since_the_checkpoint_are_learned_from_after_a_restart(bags, quick):
    training = bags.training(quick())
    bags.add('b.mcap', 20)
    training.ingest_new_bags()
    training.save()
    bags.add('a.mcap', 30)
    resumed = bags.training(quick())
    resumed.resume()
    assert resumed.learner.env_steps == 20
    assert resumed.ingest_new_bags() == 1
    assert resumed.learner.env_steps == 50
    assert resumed.ingest_new_bags() == 0


def test_a_candidate_policy_is_the_same_after_a_restart(bags, quick):
    training = bags.training(quick())
    bags.add('1.mcap', 40)
    training.ingest_new_bags()
    training.update(FOREVER_S)
    assert training.begin_evaluation()  # which saves
    resumed = bags.training(quick())
    resumed.resume()
    assert resumed.candidate_policy == training.candidate_policy
    assert not resumed.begin_evaluation()
    bags.judge(training, 0.4)
    assert resumed.end_evaluation() == training.end_evaluation()


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lambda path: path.unlink(), 'missing since the checkpoint has learned from it'),
        (lambda path: path.write_bytes(b''), 'altered since the checkpoint has learned from it'),
        (
            lambda path: path.write_bytes(path.read_bytes()[:-1] + b'\xff'),
            'altered since the checkpoint has learned from it',
        ),
    ],
)
def test_a_bag_that_is_missing_or_altered_is_named(bags, quick, damage, message):
    training = bags.training(quick())
    for name in 'abc':
        bags.add(f'{name}.mcap', 20)
    training.ingest_new_bags()
    training.save()
    damage(bags.folder.bags / 'b.mcap')
    with pytest.raises(TrainingError, match=f'^{bags.folder.bags}/b.mcap: {message}'):
        bags.training(quick()).resume()


def test_a_damaged_checkpoint_is_named(bags, quick):
    bags.training(quick()).save()
    bags.folder.checkpoint.write_bytes(bags.folder.checkpoint.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=str(bags.folder.checkpoint)):
        bags.training(quick()).resume()


def cut_short(path):
    path.write_bytes(b'no bag')


def dangling(path):
    path.symlink_to('nowhere')


@pytest.mark.parametrize('make', [cut_short, dangling, Path.mkdir])
def test_a_bag_that_cannot_be_read_is_left_in_place_and_the_rest_goes_on(bags, quick, make):
    broken = bags.folder.bags / 'b.mcap'
    make(broken)
    bags.add('a.mcap', 20)
    bags.add('c.mcap', 15)
    training = bags.training(quick())
    assert training.ingest_new_bags() == 3
    assert training.learner.env_steps == 35
    assert list(training.refused) == ['b.mcap']
    assert str(broken) in training.refused['b.mcap']
    assert broken.is_symlink() or broken.exists()
    assert training.ingest_new_bags() == 0
    training.save()
    resumed = bags.training(quick())
    resumed.resume()
    # It is looked at once more, and may have been repaired.
    assert resumed.ingest_new_bags() == 1
    assert list(resumed.refused) == ['b.mcap']


def test_unfinished_files_are_not_looked_at(bags, quick):
    for name in ('.a.mcap.tmp', 'a.mcap.part', 'notes.txt'):
        (bags.folder.bags / name).write_bytes(b'no bag')
    training = bags.training(quick())
    assert training.ingest_new_bags() == 0
    assert training.refused == {}


def test_time_is_counted_over_all_starts(bags, quick, monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(bag_training, 'time', SimpleNamespace(monotonic=lambda: clock.now))
    training = bags.training(quick())
    clock.now += 30
    training.save()
    clock.now += 1000  # nobody trains
    resumed = bags.training(quick())
    resumed.resume()
    clock.now += 5
    assert resumed.trained_s == 35
