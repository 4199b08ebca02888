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
import math

from her_ros.learning.agents.agent import Agent
from her_ros.learning.agents.sac import Sac
import pytest
import torch
from torch.distributions import Normal, TransformedDistribution
from torch.distributions.transforms import TanhTransform


def agent_of(task, parameters):
    return Agent(Sac(task, parameters), parameters, torch.Generator().manual_seed(0))


def update(agent, inputs):
    gradients, losses = agent.gradients(inputs)
    agent.apply(gradients)
    return losses


class Textbook:
    """
    Haarnoja et al. 2018b, algorithm 1, with torch.distributions and an optimiser per role.

    All losses are taken before any network moves, as everywhere here.
    """

    def __init__(self, agent, p, modules):
        self.p, algorithm, online = p, agent.algorithm, agent.online
        half = len(online.critic) // 2
        self.actor = modules(algorithm.actor, online.actor)
        self.critics = [
            modules(algorithm.critic, part)
            for part in (online.critic[:half], online.critic[half:])
        ]
        self.targets = copy.deepcopy(self.critics)
        self.log_temperature = torch.full([1], math.log(0.1), requires_grad=True)
        critics = [each for critic in self.critics for each in critic.parameters()]
        self.optimizers = [
            torch.optim.Adam(self.actor.parameters(), p.actor_learning_rate),
            torch.optim.Adam(critics, p.critic_learning_rate),
            torch.optim.Adam([self.log_temperature], p.actor_learning_rate),
        ]

    def act(self, state, noise):
        mean, log_std = self.actor(state).chunk(2, dim=1)
        squashed = TransformedDistribution(
            Normal(mean, log_std.exp()), TanhTransform(cache_size=1)
        )
        action = torch.tanh(mean + log_std.exp() * noise)
        return action, squashed.log_prob(action).sum(1)

    @staticmethod
    def q(critics, state, action):
        inputs = torch.cat([state, action], dim=1)
        return [critic(inputs).squeeze(1) for critic in critics]

    def losses(self, inputs):
        temperature = self.log_temperature.exp()
        with torch.no_grad():
            action, log_prob = self.act(inputs.next_state, inputs.noise[0])
            soft = torch.minimum(*self.q(self.targets, inputs.next_state, action))
            soft = soft - temperature * log_prob
            target = inputs.reward + self.p.discount * ~inputs.terminated * soft
        critic_loss = sum(
            ((q - target) ** 2).mean() for q in self.q(self.critics, inputs.state, inputs.action)
        )
        action, log_prob = self.act(inputs.state, inputs.noise[1])
        lowest = torch.minimum(*self.q(self.critics, inputs.state, action))
        actor_loss = (temperature.detach() * log_prob - lowest).mean()
        target_entropy = -inputs.action.shape[1]
        temperature_loss = (-temperature * (log_prob.detach() + target_entropy)).mean()
        return actor_loss, critic_loss, temperature_loss

    def update(self, inputs):
        losses = self.losses(inputs)
        # The actor's loss reaches the critics too; their gradients are cleared before theirs.
        for optimizer, loss in zip(self.optimizers, losses, strict=True):
            optimizer.zero_grad()
            loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        with torch.no_grad():
            for critic, target in zip(self.critics, self.targets, strict=True):
                for new, old in zip(critic.parameters(), target.parameters(), strict=True):
                    old += self.p.tau * (new - old)
        return dict(zip(('actor_loss', 'critic_loss', 'temperature_loss'), losses, strict=True))


@pytest.mark.usefixtures('double')
def test_updates_equal_the_textbook(toy, parameters, make_inputs, modules):
    chosen = parameters(
        critic_count=2, discount=0.9, actor_learning_rate=3e-3, critic_learning_rate=1e-2
    )
    agent = agent_of(toy, chosen)
    textbook = Textbook(agent, chosen, modules)
    for seed in range(10):
        inputs = make_inputs(toy, 32, seed, noises=2)
        losses, expected = update(agent, inputs), textbook.update(inputs)
        for name, loss in expected.items():
            assert losses[name].item() == pytest.approx(loss.item(), rel=1e-8)
    modules_of = ((agent.online, textbook.critics), (agent.target, textbook.targets))
    for networks, critics in modules_of:
        expected = [p.detach() for critic in critics for p in critic.parameters()]
        torch.testing.assert_close([*networks.critic], expected, rtol=1e-8, atol=1e-10)
    expected = [p.detach() for p in (*textbook.actor.parameters(), textbook.log_temperature)]
    found = [*agent.online.actor, *agent.online.temperature]
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_each_loss_sends_its_gradient_into_its_own_network_alone(toy, parameters, make_inputs):
    agent = agent_of(toy, parameters(critic_count=2))
    named = agent.online.named()
    leaves = {name: [p.clone().requires_grad_() for p in each] for name, each in named.items()}
    assert set(leaves) == {'actor', 'critic', 'temperature'}
    inputs = make_inputs(toy, 32, noises=2)
    for own in leaves:
        networks = type(agent.online)(**leaves)
        loss = agent.algorithm.losses(networks, agent.target, inputs)[f'{own}_loss']
        for name, each in leaves.items():
            gradients = torch.autograd.grad(loss, each, retain_graph=True, allow_unused=True)
            assert all((gradient is not None) == (name == own) for gradient in gradients)


@pytest.mark.parametrize(('log_std', 'too_sure'), [(-5.0, True), (-0.5, False)])
def test_the_temperature_moves_entropy_towards_its_target(
    toy, parameters, make_inputs, log_std, too_sure
):
    """An actor too sure of itself is paid more for entropy, and one too unsure less."""
    agent = agent_of(toy, parameters(critic_count=2, actor_learning_rate=1e-2))
    size = toy.action_size
    with torch.no_grad():
        for parameter in agent.online.actor[-2:]:
            parameter.zero_()
        agent.online.actor[-1][size:] = log_std
    begun = agent.online.temperature[0].clone()
    losses = update(agent, make_inputs(toy, 256, noises=2))
    assert (losses['entropy'] < agent.algorithm.target_entropy) == too_sure
    assert (agent.online.temperature[0] > begun) == too_sure


def test_entropy_goes_to_its_target(toy, parameters, make_inputs):
    """The reward falls off around one action, so how far to stray from it is a matter of price."""
    chosen = parameters(critic_count=2, hidden_sizes=(16,), actor_learning_rate=1e-2)
    agent = agent_of(toy, chosen)
    entropies = []
    for seed in range(600):
        inputs = make_inputs(toy, 64, seed, noises=2)
        inputs.reward.copy_(-3 * (inputs.action - 0.3).square().sum(-1))
        inputs.terminated.fill_(True)
        entropies.append(update(agent, inputs)['entropy'])
    begun, settled = (torch.stack(some).mean() for some in (entropies[:20], entropies[-100:]))
    target = agent.algorithm.target_entropy
    assert target == -toy.action_size
    # With the temperature that it began with, entropy would stay where it was.
    assert abs(settled - target) < 0.4 * abs(begun - target)


def test_what_is_exported_is_tanh_of_the_mean(toy, parameters, make_inputs):
    chosen = parameters(critic_count=2)
    algorithm = Sac(toy, chosen)
    actor = algorithm.initial(torch.Generator().manual_seed(0)).actor
    state = make_inputs(toy, 100).state
    without_noise, _ = algorithm.sample(actor, state, torch.zeros(100, toy.action_size))
    torch.testing.assert_close(algorithm.act(actor, state), without_noise)
    *_, weight, bias = algorithm.policy_layers(actor)
    assert weight.shape == (toy.action_size, chosen.hidden_sizes[-1])
    assert bias.shape == (toy.action_size,)


def test_log_densities_stay_finite_where_actions_round_to_their_limits(toy, parameters):
    algorithm = Sac(toy, parameters())
    actor = [100 * p for p in algorithm.initial(torch.Generator().manual_seed(0)).actor]
    state = 100 * torch.randn(100, toy.observation_size + toy.goal_size)
    action, log_density = algorithm.sample(actor, state, torch.randn(100, toy.action_size))
    assert action.abs().max() == 1
    assert log_density.isfinite().all()
