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

from her_ros.learning.learner import Learner
from her_ros.learning.training.warm_start import check_start, warm_start, WarmStartError
from her_ros.policy.onnx_policy import OnnxPolicy
import numpy as np
import onnx
import pytest
import torch

AGENTS = [
    {},
    {'agent': 'sac', 'critic_count': 2},
    {'agent': 'td3', 'critic_count': 2},
    {'actor_ema': 0.1, 'relative_goals': True},
]


@pytest.fixture
def trained(toy, make_episode, quick, make_bags):
    """Make a run that was trained for some updates; return its training."""

    def make(task=toy, name='trained', **changes):
        bags = make_bags(name, task)
        for number in range(6):
            bags.add(f'{number}.mcap', 5, 7)
        training = bags.training(quick(**changes))
        training.ingest_new_bags()
        training.learner.update(3)
        training.save()
        training.folder.policy.write_bytes(training.policy()[1])
        return training

    return make


def source_of(training, kind):
    folder = training.folder
    return str(folder.policy if kind == 'file' else folder.path)


def actions(content, task):
    random = np.random.default_rng(3)
    policy = OnnxPolicy(content, 'policy', task)
    sizes = (task.observation_size, task.goal_size, task.goal_size)
    return policy.act(*(random.normal(size=(50, size)) for size in sizes))


@pytest.mark.parametrize(
    ('agent', 'kind'),
    [(each, kind) for each in AGENTS for kind in ('file', 'run')],
)
def test_the_policy_acts_as_the_one_it_starts_from(trained, parameters, toy, agent, kind):
    source = trained(**agent)
    learner = Learner(toy, parameters(**agent, seed=5, start_from=source_of(source, kind)))
    before = actions(learner.policy(1, {}), toy)
    warm_start(learner)
    expected = actions(source.learner.policy(1, {}), toy)
    assert np.abs(expected - before).max() > 0.01
    # A file has means and deviations in float32.
    np.testing.assert_allclose(actions(learner.policy(1, {}), toy), expected, atol=1e-5)


@pytest.mark.parametrize('ema', [1.0, 0.5])
def test_the_average_of_a_run_is_the_actor_that_goes_on(trained, parameters, toy, ema):
    source = trained(actor_ema=0.1)
    chosen = parameters(actor_ema=ema, seed=5, start_from=source_of(source, 'run'))
    learner = Learner(toy, chosen)
    warm_start(learner)
    average = source.learner.agent.state_dict()['average']['actor']
    assert not torch.equal(average, source.learner.agent.state_dict()['online']['actor'])
    # The first update makes the average anew, from the online actor.
    assert torch.equal(learner.agent.state_dict()['online']['actor'], average)
    for own, exported in zip(learner.agent.policy, source.learner.agent.policy, strict=True):
        assert torch.equal(own, exported)


def test_a_run_also_gives_critics_and_targets(trained, parameters, toy, assert_same):
    source = trained()
    learner = Learner(toy, parameters(seed=5, start_from=source_of(source, 'run')))
    warm_start(learner)
    own, found = learner.agent.state_dict(), source.learner.agent.state_dict()
    for kind in ('online', 'target'):
        assert_same(own[kind], found[kind])
    assert not own['steps']['adam']
    assert not own['mean']['critic'].any()


def test_a_file_gives_the_target_of_the_actor_and_no_critic(trained, parameters, toy):
    source = trained()
    chosen = parameters(seed=5, start_from=source_of(source, 'file'))
    learner, untouched = Learner(toy, chosen), Learner(toy, chosen)
    warm_start(learner)
    online, target = learner.agent.online, learner.agent.target
    for one, other in zip(online.actor, target.actor, strict=True):
        assert torch.equal(one, other)
    for one, other in zip(online.critic, untouched.agent.online.critic, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize('agent', AGENTS[:3])
def test_only_critics_learn_while_the_actor_is_held(trained, parameters, toy, agent, episodes):
    source = trained(**agent)
    held = parameters(**agent, start_from=source_of(source, 'file'), actor_hold_updates=5)
    learner = Learner(toy, held)
    warm_start(learner)
    learner.ingest(episodes)
    before = [each.clone() for each in learner.agent.online.actor]
    critic = [each.clone() for each in learner.agent.online.critic]
    learner.update(5)
    assert all(map(torch.equal, before, learner.agent.online.actor))
    assert not all(map(torch.equal, critic, learner.agent.online.critic))
    learner.update(2)
    moved = max(
        float((one - other).abs().max())
        for one, other in zip(before, learner.agent.online.actor, strict=True)
    )
    # The first step of Adam is the learning rate.
    assert 0 < moved <= 2.1 * held.actor_learning_rate


@pytest.fixture
def episodes(toy, make_episode):
    return [make_episode(toy, 6, number) for number in range(20, 30)]


def test_the_actor_learns_at_once_from_a_run(trained, parameters, toy, episodes):
    chosen = parameters(start_from=source_of(trained(), 'run'), actor_hold_updates=5)
    learner = Learner(toy, chosen)
    warm_start(learner)
    learner.ingest(episodes)
    before = [each.clone() for each in learner.agent.online.actor]
    learner.update(1)
    assert not all(map(torch.equal, before, learner.agent.online.actor))


@pytest.mark.parametrize('kind', ['file', 'run'])
def test_statistics_go_on_from_those_of_the_source(
    trained, parameters, toy, episodes, make_bags, quick, kind
):
    source = trained()
    own = make_bags('own').training(quick(start_from=source_of(source, kind)))
    assert not own.resume()
    own.learner.ingest(episodes)
    both = Learner(toy, parameters())
    both.normalizers['observation'].merge(
        *source.learner.normalizers['observation'].state_dict().values()
    )
    both.ingest(episodes)
    torch.testing.assert_close(
        own.learner.normalizers['observation'].mean, both.normalizers['observation'].mean
    )
    torch.testing.assert_close(
        own.learner.normalizers['observation'].std, both.normalizers['observation'].std
    )


def test_a_resumed_run_does_not_need_its_source_any_more(trained, make_bags, quick, assert_same):
    source = trained()
    bags = make_bags('own')
    bags.add('a.mcap', 6, 6, 6, 6)
    chosen = quick(start_from=source_of(source, 'file'), actor_hold_updates=4)
    first = bags.training(chosen)
    first.resume()
    first.ingest_new_bags()
    first.learner.update(3)
    first.save()
    source.folder.policy.unlink()
    resumed = bags.training(chosen)
    assert resumed.resume()
    for training in (first, resumed):
        training.learner.update(3)
    assert_same(resumed.learner.state_dict(), first.learner.state_dict())


def wrong_task(training, task):
    return dataclasses.replace(task, name='Other'), {}


def other_layout(training, task):
    fields = (('position', 2), ('others', 2))
    return dataclasses.replace(task, observation_fields=fields), {}


def other_layers(training, task):
    return task, {'hidden_sizes': (8, 4)}


def relative(training, task):
    return task, {'relative_goals': True}


def damaged(training, task):
    training.folder.policy.write_bytes(training.folder.policy.read_bytes()[:-50])
    return task, {}


def foreign(training, task):
    model = onnx.load_model_from_string(training.folder.policy.read_bytes())
    del model.metadata_props[:]
    training.folder.policy.write_bytes(model.SerializeToString())
    return task, {}


def infinite(training, task):
    model = onnx.load_model_from_string(training.folder.policy.read_bytes())
    model.graph.initializer[0].raw_data = np.float32(np.inf).tobytes()
    training.folder.policy.write_bytes(model.SerializeToString())
    return task, {}


def missing(training, task):
    training.folder.policy.unlink()
    return task, {}


@pytest.mark.parametrize('kind', ['file', 'run'])
@pytest.mark.parametrize(
    ('change', 'part'),
    [
        (wrong_task, 'the policy was made for Toy'),
        (other_layout, 'observation_fields'),
        (other_layers, 'its layers have [8, 8] units, trainer.hidden_sizes is [8, 4]'),
        (relative, 'trained with relative_goals: false; set trainer.relative_goals'),
        (damaged, 'not a readable ONNX file'),
        (foreign, 'not a policy exported by her_ros'),
        (infinite, 'not finite float32 numbers'),
        (missing, ''),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(trained, parameters, toy, kind, change, part):
    source = trained()
    task, changes = change(source, toy)
    chosen = parameters(**changes, start_from=source_of(source, kind))
    with pytest.raises(WarmStartError) as caught:
        warm_start(Learner(task, chosen))
    assert part in str(caught.value)
    assert str(source.folder.path) in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'changes', [{'critic_count': 2}, {'agent': 'sac'}, {'critic_layer_norm': True}]
)
def test_other_critics_than_those_of_the_run_are_refused(trained, parameters, toy, changes):
    source = trained()
    chosen = parameters(**changes, start_from=source_of(source, 'run'))
    with pytest.raises(
        WarmStartError, match=r'checkpoint: .*; set trainer\.agent, trainer\.critic'
    ):
        warm_start(Learner(toy, chosen))


def test_a_damaged_checkpoint_is_refused(trained, parameters, toy):
    source = trained()
    source.folder.checkpoint.write_bytes(b'nothing')
    chosen = parameters(start_from=source_of(source, 'run'))
    with pytest.raises(WarmStartError, match='not a readable checkpoint') as caught:
        warm_start(Learner(toy, chosen))
    # Other parameters do not help, nor is the run to be damaged further.
    assert caught.value.cure == f'start from {source.folder.policy}, or from another run'


def test_the_check_needs_neither_a_gpu_nor_the_memory_of_a_buffer(trained, parameters, toy):
    source = source_of(trained(), 'run')
    large = {'device': 'cuda', 'replay_capacity': 1 << 31, 'priority_kind': 'td_error'}
    check_start(toy, parameters(**large, start_from=source))
    with pytest.raises(WarmStartError, match=r'trainer\.hidden_sizes'):
        check_start(toy, parameters(**large, hidden_sizes=(8, 4), start_from=source))
    check_start(toy, parameters())


def test_another_kind_of_file_is_refused(tmp_path, parameters, toy):
    path = tmp_path / 'weights.pt'
    path.touch()
    with pytest.raises(WarmStartError, match='neither a run folder nor an'):
        warm_start(Learner(toy, parameters(start_from=str(path))))
