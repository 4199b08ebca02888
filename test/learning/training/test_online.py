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

import dataclasses
import itertools
import json
import os
from types import SimpleNamespace

from her_ros.learning.training import online as training_module
from her_ros.learning.training.online import EvaluationDamaged, Training, TrainingError
from her_ros.runtime.files import sha256
import numpy as np
import pytest

#: longer than any test takes
FOREVER_S = 1000.0


def evaluated(bags, training, success_rate):
    """Collect and learn until an evaluation is due, and have it judged."""
    while not training.begin_evaluation():
        bags.add(f'{next(bags.numbers):06d}.mcap', 20)
        training.ingest_new_bags()
        training.update(FOREVER_S)
    bags.judge(training, success_rate)
    return training.end_evaluation()


def test_updates_are_owed_at_the_ratio_from_the_end_of_the_warm_up_on(bags, quick):
    training = bags.training(quick())
    bags.add('1.mcap', 10, 9)
    training.ingest_new_bags()
    assert training.updates_owed == 0  # 19 steps
    bags.add('2.mcap', 1)
    training.ingest_new_bags()
    assert training.updates_owed == 10  # 20 steps · 0.5
    assert training.update(FOREVER_S) == 10
    assert training.updates_owed == 0
    bags.add('3.mcap', 7)
    training.ingest_new_bags()
    assert training.update(FOREVER_S) == 3  # floor(27 · 0.5) - 10
    bags.add('4.mcap', 1)
    training.ingest_new_bags()
    assert training.update(FOREVER_S) == 1  # 28 · 0.5 - 13
    assert (training.learner.env_steps, training.learner.updates) == (28, 14)


def test_bags_that_came_together_are_read_in_the_order_of_their_names(bags, quick):
    names = [f'{name}.mcap' for name in 'hermes']
    for name in names:
        bags.add(name, 5)
    read = []

    def noting(path):
        read.append(path.name)
        return bags.read(path)

    Training(bags.task, quick(), bags.folder, noting).ingest_new_bags()
    assert read == sorted(set(names))


def test_without_bags_there_is_nothing_to_do(bags, quick):
    training = bags.training(quick(warm_up_steps=0))
    assert training.ingest_new_bags() == 0
    assert training.update(FOREVER_S) == 0
    assert not training.begin_evaluation()
    assert training.end_evaluation() is None
    assert training.outcome is None
    assert training.wants_collection


def test_updating_ends_at_its_deadline_and_goes_on_later(bags, quick, monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr(training_module, 'time', SimpleNamespace(monotonic=lambda: next(ticks)))
    training = bags.training(quick(updates_per_step=5.0))
    bags.add('1.mcap', 50)
    training.ingest_new_bags()
    made = [training.update(5.0) for _ in range(100)]
    assert 0 < made[0] < 250
    assert sum(made) == training.learner.updates == 250  # 50 · 5
    assert training.update(0.0) == 0


def test_collection_is_held_while_more_updates_are_owed_than_allowed(bags, quick):
    training = bags.training(quick(evaluation_interval=10_000))
    bags.add('1.mcap', 30)
    training.ingest_new_bags()
    assert training.updates_owed == 15
    assert training.wants_collection
    bags.add('2.mcap', 2)
    training.ingest_new_bags()
    assert training.updates_owed == 16
    assert not training.wants_collection
    training.update(FOREVER_S)
    assert training.wants_collection


def test_an_evaluation_goes_on_beside_collection_until_the_next_is_due(bags, quick):
    training = bags.training(quick())
    bags.add('1.mcap', 39)
    training.ingest_new_bags()
    training.update(FOREVER_S)
    assert training.wants_collection
    assert not training.begin_evaluation()
    bags.add('2.mcap', 1)
    training.ingest_new_bags()
    assert training.updates_owed == 1
    assert not training.wants_collection
    assert not training.begin_evaluation()  # first the updates
    training.update(FOREVER_S)
    assert training.begin_evaluation()
    assert not training.begin_evaluation()
    assert training.wants_collection
    assert training.end_evaluation() is None  # no bag yet
    bags.add('3.mcap', 40)
    training.ingest_new_bags()
    training.update(FOREVER_S)
    assert not training.wants_collection  # the next one at 80
    assert not training.begin_evaluation()
    bags.judge(training, 0.0)
    evaluation = training.end_evaluation()
    assert (evaluation.env_steps, evaluation.updates) == (40, 20)
    assert training.candidate_policy is None
    assert not training.wants_collection
    assert training.begin_evaluation()
    assert training.wants_collection


def test_an_evaluation_waits_for_a_first_update(bags, quick):
    training = bags.training(quick(warm_up_steps=100))
    for number in range(5):
        bags.add(f'{number}.mcap', 20)
        training.ingest_new_bags()
        assert training.begin_evaluation() == (number == 4 and training.learner.updates > 0)
        assert training.wants_collection == (number < 4)
    assert training.update(FOREVER_S) == 50
    assert not training.begin_evaluation()  # the skipped ones put it off from 80 to 120
    bags.add('5.mcap', 20)
    training.ingest_new_bags()
    training.update(FOREVER_S)
    assert training.begin_evaluation()


def test_an_evaluation_reports_what_its_bag_shows(bags, quick):
    scalars = []
    training = bags.training(quick(), record=lambda *each: scalars.append(each))
    bags.add('1.mcap', 40)
    training.ingest_new_bags()
    training.update(FOREVER_S)
    assert training.begin_evaluation()
    version, content = training.candidate_policy
    bags.judge(training, success_rate=0.7, solved_at_reset=0.2)
    evaluation = training.end_evaluation()
    assert dataclasses.asdict(evaluation) == {
        'version': version,
        'sha256': sha256(content),
        'env_steps': 40,
        'updates': 20,
        'wall_s': evaluation.wall_s,
        'episodes': 10,
        'success_rate': 0.7,
        'solved_at_reset': 0.2,
    }
    assert 0 <= evaluation.wall_s <= round(training.trained_s, 2)
    assert training.evaluations == [evaluation]
    values = {(name, step): value for name, value, step in scalars}
    assert values['evaluation/success_rate', 40] == 0.7
    assert {'learner/actor_loss', 'learner/critic_loss'} <= {name for name, _, _ in scalars}
    assert all(np.isfinite(value) for _, value, _ in scalars)


def test_returns_and_successes_of_rollouts_and_evaluations_are_recorded(bags, quick):
    scalars = {}
    training = bags.training(
        quick(), record=lambda name, value, step: scalars.update({(name, step): value})
    )
    first, second = bags.add('1.mcap', 10, 9), bags.add('2.mcap', 21)
    training.ingest_new_bags()
    # At the steps in the buffer once each bag was read.
    for step, episodes in ((19, first), (40, second)):
        sums = [each.rows['reward'][1:].sum() for each in episodes]
        assert scalars['rollout/return', step] == pytest.approx(np.mean(sums))
        solved = np.mean([each.rows['is_success'][-1] for each in episodes])
        assert scalars['rollout/success_rate', step] == solved
    training.update(FOREVER_S)
    training.begin_evaluation()
    bags.judge(training, 0.5)
    (path,) = bags.folder.evaluation.iterdir()
    sums = [each.rows['reward'][1:].sum() for each in bags.read(path)]
    training.end_evaluation()
    assert scalars['evaluation/return', 40] == pytest.approx(np.mean(sums))


def test_another_version_in_an_evaluation_is_named(bags, quick):
    training = bags.training(quick())
    bags.add('1.mcap', 40)
    training.ingest_new_bags()
    training.update(FOREVER_S)
    training.begin_evaluation()
    version, _ = training.candidate_policy
    bags.judge(training, 0.5, version=version + 1)
    with pytest.raises(
        EvaluationDamaged, match=rf'mcap: acted by versions \[{version + 1}\], not by {version}'
    ):
        training.end_evaluation()
    assert training.evaluations == []


def test_a_damaged_evaluation_is_set_aside_and_repeated_up_to_three_times(bags, quick):
    training = bags.training(quick())
    bags.add('1.mcap', 40)
    training.ingest_new_bags()
    training.update(FOREVER_S)
    training.begin_evaluation()
    path = bags.folder.evaluation_bag(
        training.candidate_policy[0], sha256(training.candidate_policy[1])
    )
    asides = [path.with_name(f'{path.name}.damaged_{number}') for number in range(1, 6)]

    def damage():
        bags.judge(training, 0.5)
        path.write_bytes(path.read_bytes()[:-1])
        return path.read_bytes()

    contents = []
    for aside in asides[:2]:
        contents.append(damage())
        with pytest.raises(EvaluationDamaged, match=f'{path}: cut short; kept as {aside.name},'):
            training.end_evaluation()
        assert training.end_evaluation() is None  # it waits for the next one
    bags.judge(training, 0.5)
    assert training.end_evaluation().success_rate == 0.5
    evaluations, training = training.evaluations, bags.training(quick())
    assert training.resume()
    assert training.evaluations == evaluations

    bags.add('2.mcap', 40)
    training.ingest_new_bags()
    training.update(FOREVER_S)
    training.begin_evaluation()
    path = bags.folder.evaluation_bag(
        training.candidate_policy[0], sha256(training.candidate_policy[1])
    )
    for _ in range(2):
        damage()
        with pytest.raises(EvaluationDamaged):
            training.end_evaluation()
    damage()
    with pytest.raises(TrainingError, match='3 evaluation bags of this version were damaged') as e:
        training.end_evaluation()
    assert not isinstance(e.value, EvaluationDamaged)
    assert [aside.read_bytes() for aside in asides[:2]] == contents


def test_rollout_bags_that_are_no_files_are_refused_once_and_stay(bags, quick):
    training = bags.training(quick())
    os.mkfifo(bags.folder.bags / 'pipe.mcap')
    (bags.folder.bags / 'folder.mcap').mkdir()
    (bags.folder.bags / 'link.mcap').symlink_to('nowhere')
    bags.add('sound.mcap', 40)
    bags.add('torn.mcap', 40)
    content = (bags.folder.bags / 'torn.mcap').read_bytes()[:-1]
    (bags.folder.bags / 'torn.mcap').write_bytes(content)
    assert training.ingest_new_bags() == 5
    assert sorted(training.refused) == ['folder.mcap', 'link.mcap', 'pipe.mcap', 'torn.mcap']
    assert 'not a regular file' in training.refused['pipe.mcap']
    assert (bags.folder.bags / 'torn.mcap').read_bytes() == content
    assert training.ingest_new_bags() == 0
    assert training.learner.env_steps == 40


@pytest.mark.parametrize('state', ['missing', 'altered'])
def test_a_bag_that_is_not_as_it_was_is_named_with_the_cure(bags, quick, state):
    training = bags.training(quick())
    bags.add('1.mcap', 40)
    bags.add('2.mcap', 40)
    training.ingest_new_bags()
    training.save()
    path = bags.folder.bags / '1.mcap'
    path.unlink() if state == 'missing' else path.write_bytes(path.read_bytes()[:-1])
    again = bags.training(quick())
    with pytest.raises(TrainingError, match=f'{path}: {state} since .* move .*checkpoint away'):
        again.resume()
    bags.folder.checkpoint.rename(bags.folder.path / 'old')
    again = bags.training(quick())
    assert not again.resume()
    again.ingest_new_bags()
    assert again.learner.env_steps == 40


def test_an_evaluation_of_another_policy_with_the_same_number_is_not_taken(bags, quick):
    training = bags.training(quick())
    bags.add('1.mcap', 40)
    training.ingest_new_bags()
    training.update(FOREVER_S)
    training.begin_evaluation()
    bags.judge(training, 0.5)
    (bag,) = bags.folder.evaluation.iterdir()
    bag.rename(bags.folder.evaluation_bag(training.candidate_policy[0], 'f' * 64))
    assert training.end_evaluation() is None


def test_versions_rise(bags, quick):
    training = bags.training(quick())
    bags.add('1.mcap', 40)
    training.ingest_new_bags()
    training.update(FOREVER_S)
    versions = [training.policy()[0] for _ in range(3)]
    training.begin_evaluation()
    version, content = training.candidate_policy
    assert [*versions, version] == [1, 2, 3, 4]
    assert b'"version": 4,' in content


@pytest.mark.parametrize(
    ('rates', 'in_a_row', 'evaluations', 'outcomes'),
    [
        ([0.8, 0.9], 1, 9, [None, 'solved']),
        ([1.0, 0.8, 0.9, 1.0], 2, 9, [None, None, None, 'solved']),
        ([0.9, 0.9, 0.0, 0.9, 0.9, 0.9], 3, 9, [None] * 5 + ['solved']),
        ([0.0, 0.0, 0.0], 1, 3, [None, None, 'limit']),
        ([0.0, 0.9, 0.9], 3, 3, [None, None, 'limit']),
        ([0.9, 0.9, 0.9], 3, 3, [None, None, 'solved']),
    ],
)
def test_a_run_ends_solved_in_a_row_or_at_its_limit(
    bags, quick, rates, in_a_row, evaluations, outcomes
):
    limits = {
        'stop_success_rate': 0.9,
        'stop_evaluations': in_a_row,
        'stop_env_steps': evaluations * 40,
    }
    training = bags.training(quick(**limits))
    for rate, outcome in zip(rates, outcomes, strict=True):
        assert training.outcome is None
        evaluated(bags, training, rate)
        assert training.outcome == outcome


def test_the_best_policy_is_kept_and_of_equals_the_newest(bags, quick):
    training = bags.training(quick(stop_success_rate=1.0))
    judged, best = [], []
    for rate in (0.0, 0.5, 0.8, 0.3, 0.8, 0.7):
        while not training.begin_evaluation():
            bags.add(f'{next(bags.numbers):06d}.mcap', 20)
            training.ingest_new_bags()
            training.update(FOREVER_S)
        judged.append(training.candidate_policy[1])
        bags.judge(training, rate)
        training.end_evaluation()
        best.append(judged.index(bags.folder.policy.read_bytes()))
    assert best == [0, 1, 2, 2, 4, 4]
    assert training.best_success_rate == 0.8


def test_the_result_says_how_the_run_ended(bags, quick):
    training = bags.training(quick(stop_success_rate=0.9, seed=3))
    evaluated(bags, training, 0.9)
    result = training.finish()
    assert json.loads(bags.folder.result.read_text()) == result
    assert result['outcome'] == 'solved'
    assert result['task'] == 'Toy'
    assert (result['success_rate'], result['best_success_rate']) == (0.9, 0.9)
    assert (result['env_steps'], result['updates'], result['episodes']) == (40, 20, 2)
    assert result['seed'] == 3
    assert result['evaluations'] == [dataclasses.asdict(each) for each in training.evaluations]
    resumed = bags.training(quick(stop_success_rate=0.9, seed=3))
    assert resumed.resume()
    assert resumed.outcome == 'solved'


@pytest.mark.parametrize('updates_per_step', [0.0, 0.3, 3.0])
@pytest.mark.parametrize('warm_up_steps', [0, 45, 1000])
@pytest.mark.parametrize('max_updates_owed', [1, 100])
@pytest.mark.parametrize('evaluation_interval', [1, 35])
def test_somebody_can_always_go_on(
    bags, quick, updates_per_step, warm_up_steps, max_updates_owed, evaluation_interval
):
    """Whatever the parameters: workers and trainer never wait for each other, up to the limit."""
    chosen = quick(
        updates_per_step=updates_per_step,
        warm_up_steps=warm_up_steps,
        max_updates_owed=max_updates_owed,
        evaluation_interval=evaluation_interval,
        stop_env_steps=130,
        batch_size=2,
    )
    training = bags.training(chosen)
    for cycle in range(100):
        if training.outcome is not None:
            break
        went_on = False
        if training.wants_collection:
            bags.add(f'{cycle:03d}.mcap', 10, 3)
            went_on = True
        training.ingest_new_bags()
        went_on |= training.update(FOREVER_S) > 0
        steps, updates = training.learner.env_steps, training.learner.updates
        # An update more would be more than the ratio allows, one less would be owed.
        expected = 0 if steps < warm_up_steps else steps * updates_per_step
        assert updates <= expected < updates + 1
        if training.begin_evaluation():
            bags.judge(training, 0.0)
            went_on |= training.end_evaluation() is not None
        assert went_on or training.wants_collection
    assert training.outcome == 'limit'
    assert training.learner.env_steps == 130
