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

"""What holds of every agent that a parameter file can name."""

import copy
import dataclasses
import io

from her_ros.config.parameters.learner import AGENTS, LearnerParameters
from her_ros.config.schema import parameters_of
from her_ros.learning.agents.agent import Agent
from her_ros.learning.learner import Learner
from her_ros.learning.replay.batch import SampleNoise
import pytest
import torch

CHOSEN = [
    {'agent': 'ddpg'},
    {'agent': 'td3', 'critic_count': 2},
    {'agent': 'sac', 'critic_count': 2},
]
of_every_agent = pytest.mark.parametrize('agent', CHOSEN, ids=lambda values: values['agent'])


def test_every_agent_can_be_chosen_by_its_name():
    assert parameters_of(LearnerParameters)['agent'].choices == tuple(AGENTS)
    assert LearnerParameters().agent == 'ddpg'


@of_every_agent
@pytest.mark.parametrize('priority', ['none', 'td_error'])
def test_a_resumed_learner_goes_on_bit_for_bit(toy, parameters, make_episode, agent, priority):
    """After an odd number of updates, so that a delayed actor is between two of its own."""
    chosen = parameters(**agent, actor_ema=0.1, priority_kind=priority)
    original, resumed = Learner(toy, chosen), Learner(toy, chosen)
    episodes = [make_episode(toy, 10, number) for number in range(5)]
    original.ingest(episodes)
    original.update(7)
    file = io.BytesIO()
    torch.save(original.state_dict(), file)
    file.seek(0)
    resumed.restore(episodes)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    assert original.update(4) == resumed.update(4)
    states = (original.state_dict(), resumed.state_dict())
    torch.testing.assert_close(*states, rtol=0, atol=0)
    assert original.policy(1, {}) == resumed.policy(1, {})


@of_every_agent
def test_the_exported_policy_acts_as_the_agent_does(
    toy, parameters, make_episode, check_exported_policy, agent
):
    learner = Learner(toy, parameters(**agent))
    learner.ingest([make_episode(toy, 10, number) for number in range(5)])
    learner.update(20)
    check_exported_policy(learner)


@of_every_agent
def test_gradients_change_nothing_and_draw_nothing(toy, parameters, make_episode, agent):
    """So that they can be compiled, and captured."""
    learner = Learner(toy, parameters(**agent))
    learner.ingest([make_episode(toy, 10, number) for number in range(5)])
    learner.update(3)
    generator = torch.Generator().manual_seed(1)
    sample_noise = SampleNoise.random(16, generator)
    noise = learner.algorithm.noise(16, generator)
    before, global_state = copy.deepcopy(learner.state_dict()), torch.get_rng_state()
    first, second = (learner._gradients(sample_noise, noise) for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(learner.state_dict(), before, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), global_state)


@pytest.mark.parametrize('agent', AGENTS)
def test_weights_count_for_the_critic_alone(toy, parameters, make_inputs, agent):
    """And they are what makes an agent tell its errors, from which priorities follow."""
    chosen = parameters(agent=agent, critic_count=1)
    algorithm = AGENTS[agent](toy, chosen)
    made = Agent(algorithm, chosen, torch.Generator().manual_seed(0))
    plain = make_inputs(toy, 32, noises=2)
    weight = torch.rand(32, generator=torch.Generator().manual_seed(1))
    (gradients, losses), (weighted_gradients, weighted) = (
        made.gradients(dataclasses.replace(plain, weight=each)) for each in (None, weight)
    )
    assert 'td_error' not in losses
    squares = weighted['td_error'].square()
    torch.testing.assert_close(losses['critic_loss'], squares.mean())
    torch.testing.assert_close(weighted['critic_loss'], (weight * squares).mean())
    for name, gradient in gradients.items():
        same = all(map(torch.equal, gradient, weighted_gradients[name]))
        assert same == (name != 'critic')


@of_every_agent
def test_every_agent_sets_the_priorities_of_what_it_learned_from(
    toy, parameters, make_episode, agent
):
    learner = Learner(toy, parameters(**agent, priority_kind='td_error'))
    learner.ingest([make_episode(toy, 10, number) for number in range(5)])
    before = learner.state_dict()['priorities']['weights']
    learner.update(1)
    changed = learner.state_dict()['priorities']['weights'] != before
    stored = before > 0
    assert not (changed & ~stored).any()
    # 16 draws of 50 transitions; that all fall on the same one has no chance.
    assert 1 < changed.sum() <= 16
