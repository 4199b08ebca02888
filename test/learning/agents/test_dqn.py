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

from her_ros.learning.agents.dqn import Dqn
from her_ros.learning.replay.batch import Batch
from her_ros.learning.training.bit_flipping import bit_flipping
import pytest
import torch

BITS = 5


def batch_of(count, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def bits():
        return torch.randint(0, 2, (count, BITS), generator=generator) * 2.0 - 1.0

    observation, goal = bits(), bits().double()
    number = torch.randint(0, BITS, (count,), generator=generator)
    action = torch.nn.functional.one_hot(number, BITS).float()
    next_observation = observation * (1 - 2 * action)
    goal[: count // 4] = next_observation[: count // 4].double()
    task = bit_flipping(BITS)
    return Batch(
        observation=observation,
        achieved_goal=observation.double(),
        action=action,
        next_observation=next_observation,
        next_achieved_goal=next_observation.double(),
        goal=goal,
        reward=task.reward(next_observation.double(), goal).float(),
        terminated=torch.zeros(count, dtype=torch.bool),
        steps_to_goal=torch.zeros(count, dtype=torch.long),
        row=torch.arange(count),
    )


def test_updates_equal_the_textbook(parameters, modules):
    """Double Q-learning (van Hasselt et al. 2016, eq. 4), sample by sample."""
    chosen = parameters(discount=0.5, tau=0.3, critic_learning_rate=1e-2)
    agent = Dqn(bit_flipping(BITS), chosen, torch.Generator().manual_seed(0))
    q = modules(agent.network, [p.detach() for p in agent.online])
    target_q = copy.deepcopy(q)
    optimizer = torch.optim.Adam(q.parameters(), chosen.critic_learning_rate)
    for seed in range(5):
        batch = batch_of(32, seed)
        errors = []
        for i in range(32):
            goal = batch.goal[i].float()
            state = torch.cat([batch.observation[i], goal])
            next_state = torch.cat([batch.next_observation[i], goal])
            with torch.no_grad():
                expected = batch.reward[i]
                if batch.reward[i] == -1:
                    expected = expected + 0.5 * target_q(next_state)[q(next_state).argmax()]
                expected = expected.clip(-2, 0)
            errors.append(q(state)[batch.action[i].argmax()] - expected)
        optimizer.zero_grad()
        loss = torch.stack(errors).square().mean()
        assert agent.loss(batch).item() == pytest.approx(loss.item(), rel=1e-5)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for new, old in zip(q.parameters(), target_q.parameters(), strict=True):
                old += 0.3 * (new - old)
        agent.update(batch)
    for found, module in ((agent.online, q), (agent.target, target_q)):
        expected = [p.detach() for p in module.parameters()]
        torch.testing.assert_close([p.detach() for p in found], expected, rtol=1e-4, atol=1e-5)


def test_nothing_comes_after_the_goal(parameters):
    """Whatever the networks say of states behind it."""
    agent = Dqn(bit_flipping(BITS), parameters(discount=0.5), torch.Generator().manual_seed(0))
    with torch.no_grad():
        agent.target[-1].fill_(-1.0)
        agent.target[-2].zero_()
    batch = batch_of(40)
    reached = batch.reward == 0
    assert 0 < reached.sum() < 40
    expected = torch.where(reached, 0.0, -1 - 0.5 * 1)
    torch.testing.assert_close(agent.targets(batch), expected)


def test_the_best_action_is_chosen(parameters):
    agent = Dqn(bit_flipping(BITS), parameters(), torch.Generator().manual_seed(0))
    batch = batch_of(20)
    state = torch.cat([batch.observation, batch.goal.float()], 1)
    values = agent.network(agent.online, state)
    chosen = agent.choose(batch.observation, batch.goal)
    assert torch.equal(values.gather(1, chosen[:, None])[:, 0], values.max(1).values)
