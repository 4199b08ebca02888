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

import copy

from her_ros.learning.agents.actor_critic import critic_losses, Inputs, Networks
from her_ros.learning.agents.agent import Agent, Ddpg
from her_ros.learning.replay.batch import SampleNoise
from her_ros.learning.replay.buffer import Replay
import numpy as np
import pytest
import torch
from torch import nn


def update(agent, inputs):
    gradients, losses = agent.gradients(inputs)
    agent.apply(gradients)
    return losses


def random_inputs(task, count, device, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def draw(size):
        return torch.randn((count, size), generator=generator, dtype=torch.get_default_dtype())

    size = task.observation_size + task.goal_size
    inputs = Inputs(
        state=draw(size),
        action=draw(task.action_size).clamp(-1, 1),
        next_state=draw(size),
        reward=-(draw(1) > 0).squeeze(-1).to(torch.get_default_dtype()),
        terminated=draw(1).squeeze(-1) > 1,
        steps_to_goal=(4 * draw(1).squeeze(-1)).clamp(min=0).long(),
    )
    assert inputs.terminated.any()
    given = {name: value for name, value in vars(inputs).items() if value is not None}
    return Inputs(**{name: value.to(device) for name, value in given.items()})


def agent_of(task, parameters, device='cpu'):
    generator = torch.Generator().manual_seed(parameters.seed)
    return Agent(Ddpg(task, parameters), parameters, generator, device)


class Textbook:
    """
    DDPG as Lillicrap et al. 2016, algorithm 1, writes it, with modules and two optimisers.

    Targets are clipped and actions penalised as in Plappert et al. 2018, appendix A.
    """

    def __init__(self, agent, parameters):
        self.parameters = parameters
        algorithm, online = agent.algorithm, agent.online
        self.actor = self.sequential(algorithm.actor, online.actor, nn.Tanh())
        self.critic = self.sequential(algorithm.critic, online.critic)
        self.target_actor = copy.deepcopy(self.actor)
        self.target_critic = copy.deepcopy(self.critic)
        self.actor_optimizer = torch.optim.Adam(
            self.actor.parameters(), parameters.actor_learning_rate
        )
        self.critic_optimizer = torch.optim.Adam(
            self.critic.parameters(), parameters.critic_learning_rate
        )

    @staticmethod
    def sequential(network, parameters, *after):
        shapes = [shape for shape in network.shapes if len(shape) == 2]
        layers = [nn.Linear(inputs, outputs) for outputs, inputs in shapes]
        modules = [module for layer in layers for module in (layer, nn.ReLU())][:-1]
        result = nn.Sequential(*modules, *after).to(parameters[0].device)
        with torch.no_grad():
            for copied, parameter in zip(result.parameters(), parameters, strict=True):
                copied.copy_(parameter)
        return result

    def q(self, critic, state, action):
        return critic(torch.cat([state, action], dim=1)).squeeze(1)

    def update(self, inputs):
        discount = self.parameters.discount
        with torch.no_grad():
            next_action = self.target_actor(inputs.next_state)
            next_q = self.q(self.target_critic, inputs.next_state, next_action)
            target = inputs.reward + discount * (~inputs.terminated) * next_q
            target = torch.clip(target, -1 / (1 - discount), 0)
        critic_loss = ((self.q(self.critic, inputs.state, inputs.action) - target) ** 2).mean()
        action = self.actor(inputs.state)
        actor_loss = -self.q(self.critic, inputs.state, action).mean()
        actor_loss = actor_loss + self.parameters.actor_action_l2 * (action**2).mean()
        # Both gradients are taken at the old parameters, as OpenAI baselines takes them.
        self.actor_optimizer.zero_grad()
        actor_loss.backward()
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        self.actor_optimizer.step()
        self.critic_optimizer.step()
        with torch.no_grad():
            for online, target in (
                (self.actor, self.target_actor),
                (self.critic, self.target_critic),
            ):
                for new, old in zip(online.parameters(), target.parameters(), strict=True):
                    tau = self.parameters.tau
                    old.copy_((1 - tau) * old + tau * new)
        return {'critic_loss': critic_loss.item(), 'actor_loss': actor_loss.item()}


@pytest.mark.usefixtures('double')
@pytest.mark.parametrize('hidden_sizes', [(7,), (16, 8, 4)])
@pytest.mark.parametrize(('discount', 'tau'), [(0.98, 0.05), (0.5, 1.0)])
def test_updates_equal_the_textbook(toy, parameters, device, hidden_sizes, discount, tau):
    chosen = parameters(
        hidden_sizes=hidden_sizes,
        discount=discount,
        tau=tau,
        actor_learning_rate=3e-3,
        critic_learning_rate=1e-2,
        actor_action_l2=0.3,
    )
    agent = agent_of(toy, chosen, device)
    textbook = Textbook(agent, chosen)
    for seed in range(10):
        inputs = random_inputs(toy, 32, device, seed)
        losses, expected = update(agent, inputs), textbook.update(inputs)
        for name, value in expected.items():
            assert losses[name].item() == pytest.approx(value, rel=1e-9)
    for parameters, module in (
        (agent.online.actor, textbook.actor),
        (agent.online.critic, textbook.critic),
        (agent.target.actor, textbook.target_actor),
        (agent.target.critic, textbook.target_critic),
    ):
        expected = [parameter.detach() for parameter in module.parameters()]
        torch.testing.assert_close(list(parameters), expected, rtol=1e-9, atol=1e-11)


def test_targets_start_as_copies_that_do_not_share_memory(toy, parameters, device):
    agent = agent_of(toy, parameters(), device)
    targets = agent.target.named()
    for name, parameters in agent.online.named().items():
        for online, target in zip(parameters, targets[name], strict=True):
            assert torch.equal(online, target)
            assert online.data_ptr() != target.data_ptr()
            assert not target.requires_grad


def test_each_loss_sends_its_gradient_into_its_own_network_alone(toy, parameters, device):
    agent = agent_of(toy, parameters(), device)
    inputs = random_inputs(toy, 32, device)
    leaves = {k: [p.clone().requires_grad_() for p in v] for k, v in agent.online.named().items()}
    for own, other in (('actor', 'critic'), ('critic', 'actor')):
        loss = agent.algorithm.losses(Networks(**leaves), agent.target, inputs)[f'{own}_loss']
        gradients = torch.autograd.grad(loss, leaves[own], retain_graph=True)
        assert all(gradient.abs().max() > 0 for gradient in gradients)
        leaked = torch.autograd.grad(loss, leaves[other], allow_unused=True)
        assert leaked == (None,) * len(leaked)


def constant_value(algorithm, value):
    """Networks whose Q is ``value`` everywhere: all weights zero, the last bias the value."""
    actor, critic = (
        [torch.zeros(shape) for shape in network.shapes]
        for network in (algorithm.actor, algorithm.critic)
    )
    critic[-1].fill_(value)
    return Networks(actor, critic)


@pytest.mark.parametrize('discount', [0.0, 0.5, 0.98])
@pytest.mark.parametrize('reward', [-1.0, 0.0])
@pytest.mark.parametrize('value', [-1e6, -50.0, -1.5, -0.5, 0.0, 0.1, 1e6])
def test_targets_are_clipped_to_the_possible_returns(toy, parameters, discount, reward, value):
    algorithm = Ddpg(toy, parameters(discount=discount))
    inputs = random_inputs(toy, 32, 'cpu')
    inputs.reward.fill_(reward)
    inputs.terminated.fill_(False)
    targets = algorithm.targets(constant_value(algorithm, value), inputs)
    # -1 at every step for ever: the sum of a geometric series
    expected = min(0.0, max(-1 / (1 - discount), reward + discount * value))
    np.testing.assert_allclose(targets.numpy(), np.full(32, expected), rtol=1e-6)


def test_the_lowest_of_several_critics_is_the_target_of_all(toy, parameters, device):
    chosen = parameters(critic_count=3, critic_layer_norm=True, discount=0.9)
    agent = agent_of(toy, chosen, device)
    algorithm, inputs = agent.algorithm, random_inputs(toy, 64, device)
    size = len(algorithm.critic.shapes)
    each = [agent.target.critic[i:][:size] for i in range(0, 3 * size, size)]
    action = algorithm.act(agent.target.actor, inputs.next_state)
    values = [algorithm.values(one, inputs.next_state, action)[0] for one in each]
    lowest = torch.stack(values).amin(0)
    assert all((lowest < value).any() for value in values)
    expected = inputs.reward + 0.9 * lowest * ~inputs.terminated
    targets = algorithm.targets(agent.target, inputs)
    torch.testing.assert_close(targets, expected.clamp(-10, 0))
    losses = algorithm.losses(agent.online, agent.target, inputs)
    errors = algorithm.values(agent.online.critic, inputs.state, inputs.action) - targets
    torch.testing.assert_close(losses['critic_loss'], (errors**2).mean(1).sum())


def test_termination_cuts_the_bootstrap_and_truncation_does_not(toy, parameters, make_episode):
    algorithm = Ddpg(toy, parameters(discount=0.9))
    value, discount = -3.0, 0.9
    for terminated in (False, True):
        episode = make_episode(toy, 5, terminated=terminated)
        assert (episode.rows['truncated'][-1], episode.rows['terminated'][-1]) == (
            not terminated,
            terminated,
        )
        replay = Replay(toy, parameters(her_k=0))
        first = replay.add(episode)
        batch = replay.sample_episode(first, 5, SampleNoise.random(5, torch.Generator()))
        state = torch.zeros((5, toy.observation_size + toy.goal_size))
        inputs = Inputs(
            state, batch.action, state, batch.reward, batch.terminated, batch.steps_to_goal
        )
        targets = algorithm.targets(constant_value(algorithm, value), inputs)
        bootstraps = np.array([1, 1, 1, 1, not terminated])
        expected = np.maximum(episode.reward + discount * value * bootstraps, -10)
        np.testing.assert_allclose(targets.numpy(), expected, rtol=1e-6)


def test_actions_stay_within_their_limits(toy, parameters, device):
    agent = agent_of(toy, parameters(), device)
    state = 100 * random_inputs(toy, 1000, device).state
    actions = agent.algorithm.act([100 * p for p in agent.online.actor], state)
    assert actions.shape == (1000, toy.action_size)
    assert actions.abs().max() <= 1


def test_a_state_round_trip_goes_on_bit_for_bit(toy, parameters):
    original, restored = agent_of(toy, parameters()), agent_of(toy, parameters(seed=1))
    batches = [random_inputs(toy, 32, 'cpu', seed) for seed in range(6)]
    for inputs in batches[:3]:
        update(original, inputs)
    restored.load_state_dict(copy.deepcopy(original.state_dict()))
    for inputs in batches[3:]:
        losses = [update(agent, inputs) for agent in (original, restored)]
        assert losses[0] == losses[1]
    for networks in ('online', 'target'):
        for name, parameters in getattr(original, networks).named().items():
            others = getattr(restored, networks).named()[name]
            assert all(map(torch.equal, parameters, others))


@pytest.mark.usefixtures('double')
def test_the_policy_is_the_running_average_of_the_actor(toy, parameters, device):
    agent = agent_of(toy, parameters(actor_ema=0.25), device)
    actors = []
    for seed in range(6):
        update(agent, random_inputs(toy, 32, device, seed))
        actors.append([parameter.clone() for parameter in agent.online.actor])
    # The mean of the first four, then a quarter of each that comes.
    weights = [9 / 64, 9 / 64, 9 / 64, 9 / 64, 3 / 16, 1 / 4]
    expected = [
        sum(weight * each for weight, each in zip(weights, parameter, strict=True))
        for parameter in zip(*actors, strict=True)
    ]
    torch.testing.assert_close(list(agent.policy), expected, rtol=1e-12, atol=1e-12)
    assert not torch.equal(agent.policy[0], agent.online.actor[0])


def test_without_averaging_the_policy_is_the_actor_itself(toy, parameters):
    agent = agent_of(toy, parameters())
    update(agent, random_inputs(toy, 32, 'cpu'))
    assert all(map(torch.equal, agent.policy, agent.online.actor))


def test_averaging_changes_nothing_of_what_is_learned(toy, parameters):
    agents = [agent_of(toy, parameters(actor_ema=share)) for share in (1.0, 0.01)]
    for seed in range(3):
        losses = [update(agent, random_inputs(toy, 32, 'cpu', seed)) for agent in agents]
        assert losses[0] == losses[1]


def test_what_an_update_reports_keeps_no_graph(toy, parameters):
    losses = update(agent_of(toy, parameters()), random_inputs(toy, 32, 'cpu'))
    assert {'actor_loss', 'critic_loss', 'value'} <= set(losses)
    assert not any(loss.requires_grad for loss in losses.values())


def test_weighted_errors_are_weighted_and_told():
    error = torch.tensor([[1.0, -2.0], [3.0, 0.5]])
    weight = torch.tensor([1.0, 0.5])
    found = critic_losses(error, weight)
    # first critic (1 · 1 + 0.5 · 4) / 2, second (1 · 9 + 0.5 · 0.25) / 2
    assert found['critic_loss'].item() == pytest.approx(1.5 + 4.5625)
    assert found['td_error'].tolist() == [2.0, 1.25]
    assert (
        critic_losses(error, torch.ones(2))['critic_loss']
        == critic_losses(error, None)['critic_loss']
    )
    assert set(critic_losses(error, None)) == {'critic_loss'}
