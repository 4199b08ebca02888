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

from her_ros.learning.agents.agent import Agent
from her_ros.learning.agents.td3 import Td3
import pytest
import torch

# Wide noise, so that both of its limits are met.
VALUES = {
    'critic_count': 2,
    'discount': 0.9,
    'actor_action_l2': 0.3,
    'td3_noise_std': 0.8,
    'td3_noise_clip': 0.9,
    'td3_policy_delay': 3,
    'actor_learning_rate': 3e-3,
    'critic_learning_rate': 1e-2,
}


def agent_of(task, parameters):
    return Agent(Td3(task, parameters), parameters, torch.Generator().manual_seed(0))


def update(agent, inputs):
    gradients, losses = agent.gradients(inputs)
    agent.apply(gradients)
    return losses


class Textbook:
    """
    Fujimoto et al. 2018, algorithm 1, with a network and an optimiser per role.

    The actor's loss is taken before the critics move, as everywhere here.
    """

    def __init__(self, agent, p, modules):
        self.p, algorithm, online = p, agent.algorithm, agent.online
        half = len(online.critic) // 2
        self.actor = modules(algorithm.actor, online.actor)
        self.critics = [
            modules(algorithm.critic, part)
            for part in (online.critic[:half], online.critic[half:])
        ]
        self.target_actor, self.target_critics = copy.deepcopy((self.actor, self.critics))
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), p.actor_learning_rate)
        parameters = [each for critic in self.critics for each in critic.parameters()]
        self.critic_optimizer = torch.optim.Adam(parameters, p.critic_learning_rate)
        self.updates = 0

    @staticmethod
    def q(critic, state, action):
        return critic(torch.cat([state, action], dim=1)).squeeze(1)

    def update(self, inputs):
        p = self.p
        with torch.no_grad():
            epsilon = torch.clip(
                p.td3_noise_std * inputs.noise[0], -p.td3_noise_clip, p.td3_noise_clip
            )
            next_action = torch.tanh(self.target_actor(inputs.next_state)) + epsilon
            next_action = torch.clip(next_action, -1, 1)
            q1, q2 = (self.q(c, inputs.next_state, next_action) for c in self.target_critics)
            target = inputs.reward + p.discount * ~inputs.terminated * torch.minimum(q1, q2)
            target = torch.clip(target, -1 / (1 - p.discount), 0)
        critic_loss = sum(
            ((self.q(critic, inputs.state, inputs.action) - target) ** 2).mean()
            for critic in self.critics
        )
        action = torch.tanh(self.actor(inputs.state))
        actor_loss = p.actor_action_l2 * (action**2).mean()
        actor_loss = actor_loss - self.q(self.critics[0], inputs.state, action).mean()
        self.updates += 1
        due = self.updates % p.td3_policy_delay == 0
        self.actor_optimizer.zero_grad()
        actor_loss.backward()
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        self.critic_optimizer.step()
        if due:
            self.actor_optimizer.step()
            self.move_targets()

    def move_targets(self):
        pairs = [(self.actor, self.target_actor)]
        pairs += zip(self.critics, self.target_critics, strict=True)
        with torch.no_grad():
            for online, target in pairs:
                for new, old in zip(online.parameters(), target.parameters(), strict=True):
                    old += self.p.tau * (new - old)


@pytest.mark.usefixtures('double')
def test_updates_equal_the_textbook(toy, parameters, make_inputs, modules):
    chosen = parameters(**VALUES)
    agent = agent_of(toy, chosen)
    textbook = Textbook(agent, chosen, modules)
    for seed in range(10):
        inputs = make_inputs(toy, 32, seed, noises=1)
        update(agent, inputs), textbook.update(inputs)
    for networks, actor, critics in (
        (agent.online, textbook.actor, textbook.critics),
        (agent.target, textbook.target_actor, textbook.target_critics),
    ):
        expected = [p.detach() for module in (actor, *critics) for p in module.parameters()]
        found = [*networks.actor, *networks.critic]
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize('delay', [1, 2, 5])
def test_actor_and_targets_move_in_one_of_so_many_updates(toy, parameters, make_inputs, delay):
    agent = agent_of(toy, parameters(td3_policy_delay=delay))
    for number in range(1, 11):
        watched = {'actor': agent.online.actor, 'critic': agent.online.critic}
        watched |= {f'target {name}': each for name, each in agent.target.named().items()}
        before = copy.deepcopy(watched)
        update(agent, make_inputs(toy, 32, number, noises=1))
        moved = {
            name for name, each in watched.items() if not torch.equal(each[0], before[name][0])
        }
        assert moved == (set(watched) if number % delay == 0 else {'critic'})


def test_blurred_target_actions_stay_within_their_limits(toy, parameters, make_inputs):
    algorithm = Td3(toy, parameters(td3_noise_std=0.3, td3_noise_clip=0.4))
    actor = [3 * p for p in algorithm.initial(torch.Generator().manual_seed(0)).actor]
    inputs = make_inputs(toy, 1000, noises=1)
    plain = algorithm.act(actor, inputs.next_state)
    blurred = algorithm.next_action(actor, inputs)
    assert blurred.abs().max() == 1
    away = (blurred - plain).abs()
    assert away.max() == pytest.approx(0.4, abs=1e-6)
    # Where neither limit is met, what was added is the noise times its deviation.
    free = (blurred.abs() < 1) & (away < 0.399)
    torch.testing.assert_close((blurred - plain)[free], 0.3 * inputs.noise[0][free])


def test_a_state_says_when_the_actor_moves_next(toy, parameters, make_inputs):
    chosen = parameters(td3_policy_delay=3, critic_count=2)
    original, restored = agent_of(toy, chosen), agent_of(toy, chosen)
    for seed in range(4):
        update(original, make_inputs(toy, 32, seed, noises=1))
    restored.load_state_dict(copy.deepcopy(original.state_dict()))
    for seed in range(4, 9):
        for agent in (original, restored):
            update(agent, make_inputs(toy, 32, seed, noises=1))
    torch.testing.assert_close(original.state_dict(), restored.state_dict(), rtol=0, atol=0)
