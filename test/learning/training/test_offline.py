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

import itertools
import json

from her_ros.learning.learner import Learner
from her_ros.learning.replay.batch import SampleNoise
from her_ros.learning.training.offline import bags_in_order, OfflineError, OfflineTraining
from her_ros.learning.training.online import Training, TrainingError
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.run_folder import RunFolder
import numpy as np
import pytest
import torch

LOG = [('a.mcap', '1'), ('b.mcap', '2')]


class Listed:
    """Episodes in memory; shuffled passes turn the list by one each time."""

    def __init__(self, episodes):
        self.episodes = list(episodes)
        self.passed = 0

    def in_order(self):
        return iter(self.episodes)

    def shuffled(self):
        for turn in itertools.count(1):
            first = turn % len(self.episodes)
            for episode in self.episodes[first:] + self.episodes[:first]:
                self.passed += 1
                yield episode


@pytest.fixture
def episodes(toy, make_episode):
    return [make_episode(toy, 3 + number % 5, number) for number in range(30)]


@pytest.fixture
def training_of(tmp_path, toy, parameters, episodes):
    """Make an offline training in a folder of its own, or in the same one as before."""

    def make(name='run', source=None, updates=250, log=LOG, evaluate=None, task=toy, **changes):
        folder = RunFolder(tmp_path / name)
        folder.create()
        chosen = parameters(**{'compile_after': 0, **changes})
        source = source or Listed(episodes)
        return OfflineTraining(task, chosen, folder, source, log, updates, evaluate=evaluate)

    return make


def trained(training):
    training.begin()
    while training.remaining:
        training.update()
    training.finish()
    return training.folder.policy.read_bytes()


def sampled(learner, count=2000):
    batch = learner.replay.sample(SampleNoise.random(count, torch.Generator().manual_seed(5)))
    return {name: values for name, values in vars(batch).items() if values is not None}


def test_what_is_learned_from_is_what_an_online_learner_has(
    training_of, toy, parameters, episodes
):
    """Same episodes, same order: equal buffers, and normalisers equal to the last bit."""
    training = training_of()
    assert not training.begin()
    online = Learner(toy, parameters(compile_after=0))
    for first in range(0, 30, 4):  # as rollouts come
        online.ingest(episodes[first:][:4])
    offline = training.learner
    assert not training.is_streaming
    assert (offline.env_steps, offline.episodes) == (online.env_steps, online.episodes)
    for name, values in sampled(online).items():
        assert torch.equal(values, sampled(offline)[name])
    for name, normalizer in online.normalizers.items():
        for key, value in normalizer.state_dict().items():
            assert torch.equal(value, offline.normalizers[name].state_dict()[key])


@pytest.mark.parametrize('capacity', [1000, 60])
def test_a_seed_repeats_bit_for_bit(training_of, capacity):
    first, again = (
        trained(training_of(name, replay_capacity=capacity, run_dir='')) for name in ('x', 'y/x')
    )
    other = trained(training_of('z/x', replay_capacity=capacity, seed=1))
    assert first == again != other


@pytest.mark.parametrize('capacity', [1000, 60])
def test_symmetries_transform_what_is_learned_from(training_of, symmetric, toy, capacity):
    """Every sample mirrored: what the normalisers see of the position is mirrored too."""
    options = {'replay_capacity': capacity, 'symmetry_left_right': 1.0}
    mirrored = training_of('mirrored/x', task=symmetric(toy), **options)
    again = training_of('again/x', task=symmetric(toy), **options)
    plain = training_of('plain/x', replay_capacity=capacity)
    policies = [trained(each) for each in (mirrored, again, plain)]
    assert policies[0] == policies[1] != policies[2]
    found, recorded = (each.learner.normalizers['observation']._mean for each in (mirrored, plain))
    expected = recorded * torch.tensor([1.0, -1.0, 1.0, 1.0]) + torch.tensor([0.0, 1.0, 0.0, 0.0])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize('priority', ['none', 'td_error', 'energy'])
@pytest.mark.parametrize('capacity', [1000, 60])
@pytest.mark.parametrize('stop_at', [100, 200])
def test_a_resumed_training_ends_in_the_same_policy(training_of, capacity, stop_at, priority):
    options = {'replay_capacity': capacity, 'priority_kind': priority}
    whole = trained(training_of('whole/x', **options))
    stopped = training_of('stopped/x', **options)
    stopped.begin()
    while stopped.learner.updates < stop_at:
        stopped.update()
    stopped.save()
    resumed = training_of('stopped/x', **options)
    assert resumed.begin()
    assert resumed.learner.updates == stop_at
    while resumed.remaining:
        resumed.update()
    resumed.finish()
    assert resumed.folder.policy.read_bytes() == whole


def test_more_than_the_buffer_holds_is_streamed_through_it(training_of, episodes):
    source = Listed(episodes)
    training = training_of(source=source, replay_capacity=60, updates=400, batch_size=16)
    training.begin()
    assert training.is_streaming
    held = []
    while training.remaining:
        training.update()
        assert len(training.learner.replay) <= 60
        held.append(sampled(training.learner)['action'].mean().item())
    assert len(set(held)) == len(held)  # the window moves on
    # Four draws per transition: 400 updates of 16 samples want 1,600 transitions.
    read = sum(len(episodes[i % 30]) for i in range(source.passed))
    assert source.passed > 2 * len(episodes)
    assert 1600 <= read <= 1600 * 1.1


def test_the_same_bags_in_another_order_are_refused(training_of):
    training = training_of()
    trained(training)
    with pytest.raises(OfflineError, match='other bags, or in another order'):
        training_of(log=LOG[::-1], updates=500).begin()


def test_without_any_episode_nothing_is_learned(training_of):
    with pytest.raises(OfflineError, match='none of the bags holds a sound episode'):
        training_of(source=Listed([])).begin()


def test_an_episode_larger_than_the_buffer_is_named(training_of, make_episode, toy):
    with pytest.raises(Exception, match='replay_capacity is 100'):
        training_of(source=Listed([make_episode(toy, 200)]), replay_capacity=100).begin()


def test_policies_are_evaluated_on_the_way_and_the_result_tells(training_of, toy, make_episode):
    evaluated = []

    def evaluate(content):
        evaluated.append(content)
        episodes = [make_episode(toy, 5, number) for number in range(10)]
        for number, episode in enumerate(episodes):
            episode.rows['is_success'] = number < len(evaluated)
        return episodes

    training = training_of(updates=1000, evaluate=evaluate)
    policy = trained(training)
    result = json.loads(training.folder.result.read_text())
    assert [each['updates'] for each in result['evaluations']] == list(range(100, 1001, 100))
    assert [each['success_rate'] for each in result['evaluations']] == pytest.approx(
        np.arange(1, 11) / 10
    )
    assert (result['success_rate'], result['updates']) == (1.0, 1000)
    assert policy == evaluated[-1]
    assert (
        OnnxPolicy(policy, 'policy.onnx', toy).contract.provenance['offline_regularizer'] == 'none'
    )


def test_online_training_does_not_go_on_in_an_offline_folder(training_of, toy, parameters):
    training = training_of()
    trained(training)
    online = Training(toy, parameters(compile_after=0), training.folder, lambda path: [])
    with pytest.raises(TrainingError, match='is of offline training'):
        online.resume()


def test_the_bags_of_a_run_come_in_the_order_of_its_log(training_of):
    training = training_of(log=[('late.mcap', '1'), ('early.mcap', '2')])
    trained(training)
    run = training.folder
    with pytest.raises(OfflineError, match='but no bags'):
        bags_in_order(run)
    (run.bags / 'other.mcap').touch()
    with pytest.raises(OfflineError, match=r'late\.mcap: missing'):
        bags_in_order(run)
    for name in ('early.mcap', 'late.mcap', 'unread.mcap'):
        (run.bags / name).touch()
    found = bags_in_order(run)
    assert [(path.name, digest) for path, digest in found] == [
        ('late.mcap', '1'),
        ('early.mcap', '2'),
    ]
    run.checkpoint.unlink()
    assert bags_in_order(run) is None
