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
import json

from her_ros.episodes.episode import Episode
from her_ros.learning.acceleration.ranks import Ranks
from her_ros.learning.learner import device_named, Learner, LearnerError
from her_ros.learning.replay.batch import SampleNoise
from her_ros.learning.training.checkpoint import load_checkpoint, save_checkpoint
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.contract import METADATA_KEY, PolicyContract
from her_ros.wire.rows import disturbed_step_dtype, step_dtype, with_truth
import numpy as np
import onnx
import pytest
import torch


def test_the_device_is_what_was_asked_for(monkeypatch):
    for available, auto in ((True, 'cuda'), (False, 'cpu')):
        monkeypatch.setattr(torch.cuda, 'is_available', lambda available=available: available)
        assert device_named('auto').type == auto
        assert device_named('cpu').type == 'cpu'


def test_a_gpu_that_was_demanded_and_is_absent_is_named(monkeypatch, toy, parameters):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(LearnerError, match='device is cuda, but torch finds no GPU; use device'):
        Learner(toy, parameters(device='cuda'))


def test_relative_goals_are_seen_from_each_of_the_two_states(
    toy, parameters, make_episode, device
):
    learner = Learner(toy, parameters(device=device.type, relative_goals=True))
    learner.ingest([make_episode(toy, 10, number) for number in range(5)])
    batch = learner.replay.sample(SampleNoise.random(200, torch.Generator(device).manual_seed(0)))
    inputs = learner.inputs(batch)
    goal, size = learner.normalizers['goal'], toy.observation_size
    # Episodes begin anywhere and go little: only differences lie around zero.
    assert goal.mean.abs().max() < 0.1
    for state, achieved in (
        (inputs.state, batch.achieved_goal),
        (inputs.next_state, batch.next_achieved_goal),
    ):
        assert torch.equal(state[:, size:], goal(batch.goal - achieved))
    assert not torch.equal(inputs.state[:, size:], inputs.next_state[:, size:])


def test_one_goal_stands_in_both_states(toy, parameters, make_episode, device):
    learner = Learner(toy, parameters(device=device.type))
    learner.ingest([make_episode(toy, 10, number) for number in range(5)])
    sample_noise = SampleNoise.random(200, torch.Generator(device).manual_seed(0))
    batch = learner.replay.sample(sample_noise)
    inputs = learner.inputs(batch)
    observation, goal = learner.normalizers['observation'], learner.normalizers['goal']
    size = toy.observation_size
    assert inputs.state.shape == (200, size + toy.goal_size)
    assert torch.equal(inputs.state[:, :size], observation(batch.observation))
    assert torch.equal(inputs.next_state[:, :size], observation(batch.next_observation))
    for state in (inputs.state, inputs.next_state):
        assert torch.equal(state[:, size:], goal(batch.goal))
    for name in ('action', 'reward', 'terminated'):
        assert torch.equal(getattr(inputs, name), getattr(batch, name))


def test_the_normaliser_sees_every_state_acted_in(toy, parameters, make_episode, device):
    learner = Learner(toy, parameters(device=device.type))
    episodes = [make_episode(toy, length, length) for length in (3, 20, 8)]
    learner.ingest(episodes[:2])
    learner.ingest(episodes[2:])
    states = np.concatenate([episode.observation[:-1] for episode in episodes])
    normalizer = learner.normalizers['observation']
    np.testing.assert_allclose(normalizer.mean.cpu().numpy(), states.mean(0), rtol=1e-5)
    np.testing.assert_allclose(normalizer.std.cpu().numpy(), states.std(0), rtol=1e-5)
    assert (learner.env_steps, learner.episodes) == (31, 3)


def test_the_normaliser_sees_relabelled_goals_as_often_as_the_networks_do(
    toy, parameters, make_episode
):
    learner = Learner(toy, parameters(replay_capacity=10_000, her_k=4))
    episodes = [make_episode(toy, 50, number) for number in range(100)]
    for episode in episodes:
        episode.rows['achieved_goal'], episode.rows['desired_goal'] = 0, 1
    learner.ingest(episodes)
    # One goal in five is the desired one: a binomial share of 5,000, within four deviations.
    share = learner.normalizers['goal'].mean.numpy()
    np.testing.assert_allclose(share, 0.2, atol=4 * (0.2 * 0.8 / 5000) ** 0.5)


def test_the_same_seed_learns_the_same_and_another_does_not(
    toy, parameters, make_episode, assert_same, tensors_of
):
    episodes = [make_episode(toy, 10, number) for number in range(5)]
    states = []
    for seed in (0, 0, 1):
        learner = Learner(toy, parameters(seed=seed))
        learner.ingest(episodes)
        learner.update(5)
        states.append(tensors_of(learner.state_dict()))
    assert_same(states[0], states[1])
    assert not torch.equal(states[0]['/agent/online/actor'], states[2]['/agent/online/actor'])


@pytest.mark.parametrize('priority', ['none', 'td_error', 'energy'])
@pytest.mark.parametrize('capacity', [1000, 100])
def test_a_resumed_learner_goes_on_bit_for_bit(
    toy, parameters, make_episode, tmp_path, capacity, priority, assert_same, tensors_of
):
    """Also where episodes that were learned from have left the buffer since."""
    episodes = [make_episode(toy, 5 + number, number) for number in range(14)]
    chosen = parameters(replay_capacity=capacity, priority_kind=priority, curriculum_enabled=True)
    original = Learner(toy, chosen)
    for episode in episodes[:12]:
        original.ingest([episode])
        original.update(3)
    assert (original.replay.episodes < 12) == (capacity == 100)
    save_checkpoint(tmp_path / 'checkpoint', original.state_dict())

    resumed = Learner(toy, chosen)
    resumed.restore(episodes[:12])
    resumed.load_state_dict(load_checkpoint(tmp_path / 'checkpoint'))
    for learner in (original, resumed):
        learner.ingest(episodes[12:])
    assert original.update(4) == resumed.update(4)
    assert original.updates == 12 * 3 + 4
    assert_same(tensors_of(original.state_dict()), tensors_of(resumed.state_dict()))
    assert original.policy(1, {}) == resumed.policy(1, {})


def test_restoring_fills_the_buffer_and_touches_nothing_else(
    toy, parameters, make_episode, assert_same, tensors_of
):
    learner = Learner(toy, parameters())
    learner.ingest([make_episode(toy, 10)])
    before = tensors_of(learner.state_dict())
    learner.restore([make_episode(toy, 7, 2)])
    assert_same(tensors_of(learner.state_dict()), before)
    assert len(learner.replay) == 17


def test_losses_that_are_not_finite_end_learning_with_the_cure(toy, parameters, make_episode):
    learner = Learner(toy, parameters())
    learner.ingest([make_episode(toy, 10)])
    learner.update(2)
    for value in (float('nan'), float('inf')):
        with torch.no_grad():
            learner.agent.online.critic[0].fill_(value)
        with pytest.raises(LearnerError, match=r'updates the losses are .* lower the learning'):
            learner.update(1)


def test_priorities_by_td_error_are_for_one_process(toy, parameters):
    class TwoRanks(Ranks):
        count = 2

    with pytest.raises(LearnerError, match=r'priority\.kind td_error is for one process'):
        Learner(toy, parameters(priority_kind='td_error'), TwoRanks())
    Learner(toy, parameters(priority_kind='energy'), TwoRanks())


def test_an_update_sets_the_priorities_of_its_batch_and_of_nothing_else(
    toy, parameters, make_episode
):
    learner = Learner(toy, parameters(priority_kind='td_error', batch_size=4, priority_alpha=1.0))
    learner.ingest([make_episode(toy, 10, number) for number in range(5)])
    before = learner.state_dict()['priorities']['weights']
    sample_noise = SampleNoise.random(4, torch.Generator().manual_seed(0))
    batch = learner.replay.gather(sample_noise)
    _, losses = learner._gradients(sample_noise)
    learner._generators['update'].manual_seed(0)
    learner.update(1)
    after = learner.state_dict()['priorities']['weights']
    changed = torch.nonzero(after != before).flatten()
    assert set(changed.tolist()) == set(batch.row.tolist())
    torch.testing.assert_close(after[batch.row], losses['td_error'].double() + 1e-6)


def test_an_update_reports_the_share_of_reached_goals(toy, parameters, make_episode):
    learner = Learner(toy, parameters(batch_size=1000, her_k=0))
    episode = make_episode(toy, 40)
    learner.ingest([episode])
    share = (episode.reward == 0).mean()
    assert 0.1 < share < 0.9
    found = learner.update(1)['reached_share']
    # a binomial share of 1,000, within four deviations
    assert found == pytest.approx(share, abs=4 * (share * (1 - share) / 1000) ** 0.5)


def test_a_policy_says_what_it_is_and_where_it_comes_from(toy, parameters, make_episode):
    learner = Learner(toy, parameters(seed=5))
    learner.ingest([make_episode(toy, 10)])
    learner.update(3)
    model = onnx.load_from_string(learner.policy(9, {'run': 'run_001'}))
    (text,) = [each.value for each in model.metadata_props if each.key == METADATA_KEY]
    contract = PolicyContract.from_json(text)
    contract.check_fits(toy)
    assert contract.version == 9
    expected = {'run': 'run_001', 'env_steps': '10', 'updates': '3', 'seed': '5'}
    assert expected.items() <= contract.provenance.items()
    assert json.loads(text)['provenance']['her_ros']


POINT = GoalTask('Point', (('position', 2),), 2, 2, 0.15, 0.1, 12)


def roll(learner, random, noise):
    """Move points towards goals, 0.2 a step; one episode."""
    rows = np.zeros(POINT.episode_length + 1, step_dtype(POINT))
    rows['step'] = np.arange(len(rows))
    rows['desired_goal'] = random.uniform(-1, 1, 2)
    position = random.uniform(-1, 1, 2)
    for t, row in enumerate(rows):
        row['observation'] = row['achieved_goal'] = position
        state = learner.state(
            *(
                torch.from_numpy(row[name][None].copy())
                for name in ('observation', 'achieved_goal', 'desired_goal')
            )
        )
        with torch.no_grad():
            action = learner.algorithm.act(learner.agent.online.actor, state)[0].numpy()
        if noise:
            explored = random.uniform(-1, 1, 2) if random.random() < 0.3 else action
            action = np.clip(explored + 0.2 * random.normal(size=2), -1, 1)
        if t < POINT.episode_length:
            rows[t + 1]['action'] = action
            position = position + 0.2 * action
    rows['is_success'] = POINT.is_success(rows['achieved_goal'], rows['desired_goal'])
    rows['truncated'][-1] = 1
    return Episode(rows)


def success_rate(learner):
    random = np.random.default_rng(99)
    return np.mean([roll(learner, random, noise=False).is_success for _ in range(100)])


def test_a_point_learns_to_reach_its_goals(parameters):
    learner = Learner(
        POINT,
        dataclasses.replace(
            parameters(), hidden_sizes=(32, 32), batch_size=128, discount=0.9, actor_action_l2=0.1
        ),
    )
    random = np.random.default_rng(0)
    before = success_rate(learner)
    for _ in range(60):
        learner.ingest([roll(learner, random, noise=True)])
        learner.update(10)
    assert before < 0.3
    assert success_rate(learner) > 0.9


@pytest.mark.parametrize('truth', ['rewards', 'critic'])
def test_the_actor_sees_what_the_policy_saw_and_the_critic_maybe_the_truth(
    toy, parameters, make_episode, truth
):
    learner = Learner(toy, parameters(relative_goals=True, truth=truth))
    episodes = []
    for number in range(5):
        rows = with_truth(make_episode(toy, 10, number).rows, disturbed_step_dtype(toy))
        rows['observation'] += 0.3
        rows['achieved_goal'] -= 0.2
        episodes.append(Episode(rows))
    learner.ingest(episodes)
    batch = learner.replay.sample(SampleNoise.random(100, torch.Generator().manual_seed(0)))
    inputs = learner.inputs(batch)
    observation, goal = learner.normalizers['observation'], learner.normalizers['goal']
    size = toy.observation_size
    assert torch.equal(inputs.state[:, :size], observation(batch.observation))
    seen = goal(batch.goal - (batch.achieved_goal - 0.2))
    torch.testing.assert_close(inputs.state[:, size:], seen, atol=1e-4, rtol=1e-4)
    if truth == 'rewards':
        assert inputs.critic_state is inputs.state
        return
    torch.testing.assert_close(
        inputs.next_critic_state[:, :size], observation(batch.next_observation - 0.3)
    )
    true = goal(batch.goal - batch.next_achieved_goal)
    assert torch.equal(inputs.next_critic_state[:, size:], true)
    assert learner.update(2)['critic_loss'] > 0
