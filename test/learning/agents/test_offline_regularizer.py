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
import math

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.config.schema import parameters_of
from her_ros.learning.agents.actor_critic import Inputs
from her_ros.learning.agents.agent import Agent, Ddpg
from her_ros.learning.agents.offline_regularizer import (
    ActorLossInputs,
    gcsl,
    OFFLINE_REGULARIZERS,
    td3_bc,
    unregularized,
    wgcsl,
)
import pytest
import torch


def inputs_of(count=200, seed=0, **values):
    generator = torch.Generator().manual_seed(seed)

    def draw():
        return torch.randn(count, generator=generator, dtype=torch.float64)

    drawn = {
        'value': draw() - 5,
        'deviation': draw().square(),
        'advantage': draw(),
        'steps_to_goal': (4 * draw()).clamp(min=0).long(),
        'discount': 0.98,
    }
    return ActorLossInputs(**{**drawn, **values})


def test_every_regularizer_can_be_chosen_by_its_name():
    assert set(parameters_of(LearnerParameters)['offline_regularizer'].choices) == set(
        OFFLINE_REGULARIZERS
    )


def test_unregularized_looks_at_values_alone():
    inputs = inputs_of()
    assert unregularized(inputs) == -inputs.value.mean()


def test_td3_bc_does_not_depend_on_the_unit_of_rewards():
    """Eq. 5 of Fujimoto & Gu 2021: the value is divided by its mean size."""
    inputs = inputs_of()
    scaled = dataclasses.replace(inputs, value=1000 * inputs.value)
    torch.testing.assert_close(td3_bc(scaled), td3_bc(inputs))
    # All values here are negative, so their mean divided by their mean size is -1.
    below_zero = inputs_of(value=-torch.rand(200, dtype=torch.float64) - 0.1)
    torch.testing.assert_close(td3_bc(below_zero), below_zero.deviation.mean() + 2.5)


def test_gcsl_imitates_every_move_that_led_to_its_goal_and_no_other():
    inputs = inputs_of()
    led = inputs.steps_to_goal > 0
    assert 0 < led.sum() < len(led)
    torch.testing.assert_close(gcsl(inputs), inputs.deviation[led].mean())
    none = inputs_of(steps_to_goal=torch.zeros(200, dtype=torch.long))
    assert gcsl(none) == 0 == wgcsl(none)


def test_wgcsl_weighs_as_its_paper_writes():
    """Eq. 4 to 6 of Yang et al. 2022, sample by sample."""
    inputs = inputs_of()
    ranked = sorted(inputs.advantage[inputs.steps_to_goal > 0].tolist())
    # What a share of 0.4 of the samples lies below, interpolated as quantiles are.
    place = 0.4 * (len(ranked) - 1)
    low, high = ranked[math.floor(place)], ranked[math.ceil(place)]
    threshold = low + (place - math.floor(place)) * (high - low)
    expected, led = 0.0, 0
    rows = zip(
        inputs.deviation.tolist(),
        inputs.advantage.tolist(),
        inputs.steps_to_goal.tolist(),
        strict=True,
    )
    for deviation, advantage, steps in rows:
        if steps:
            weight = 0.98**steps * min(10.0, 2.718281828459045**advantage)
            expected += deviation * weight * (0.05 if advantage < threshold else 1.0)
            led += 1
    assert wgcsl(inputs).item() == pytest.approx(expected / led)


def inputs_with(toy, action, steps):
    count, size = len(action), toy.observation_size + toy.goal_size
    state = torch.randn((count, size), generator=torch.Generator().manual_seed(1))
    reward, ends = torch.full((count,), -1.0), torch.zeros(count, dtype=torch.bool)
    return Inputs(state, action, state, reward, ends, steps)


@pytest.mark.parametrize('regularizer', ['td3_bc', 'wgcsl', 'gcsl'])
def test_regularized_actors_stay_with_what_was_recorded(toy, parameters, regularizer, device):
    """One action in all of the data, and no reward ever: nothing speaks for another action."""
    recorded = torch.tensor([0.5, -0.25, 0.1]).expand(64, 3).to(device)
    steps = torch.ones(64, dtype=torch.long, device=device)
    inputs = inputs_with(toy, recorded, steps)
    given = {name: value for name, value in vars(inputs).items() if value is not None}
    inputs = Inputs(**{name: value.to(device) for name, value in given.items()})
    distance = {}
    for chosen in ('none', regularizer):
        # Wide enough for the critic to find out that all is equally bad.
        values = parameters(
            offline_regularizer=chosen, actor_action_l2=0.0, hidden_sizes=(32, 32), tau=0.2
        )
        agent = Agent(Ddpg(toy, values), values, torch.Generator().manual_seed(0), device)
        for _ in range(1500):
            gradients, _ = agent.gradients(inputs)
            agent.apply(gradients)
        acts = agent.algorithm.act(agent.policy, inputs.state)
        distance[chosen] = (acts - recorded).abs().mean().item()
    # TD3+BC weighs imitation against value; the others do nothing but imitate.
    limit = 0.5 if regularizer == 'td3_bc' else 0.05
    assert distance[regularizer] < limit * distance['none']


@pytest.mark.parametrize('regularizer', ['td3_bc', 'wgcsl', 'gcsl'])
def test_the_penalty_on_actions_does_not_shrink_what_is_imitated(toy, parameters, regularizer):
    recorded, steps = torch.rand(64, 3) - 0.5, torch.ones(64, dtype=torch.long)
    inputs = inputs_with(toy, recorded, steps)
    losses = [
        Agent(Ddpg(toy, values), values, torch.Generator().manual_seed(0)).gradients(inputs)[1]
        for values in (
            parameters(offline_regularizer=regularizer, actor_action_l2=weight)
            for weight in (0.0, 10.0)
        )
    ]
    assert losses[0]['actor_loss'] == losses[1]['actor_loss']
