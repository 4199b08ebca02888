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

from her_ros.learning.agents.agent import Ddpg
from her_ros.learning.export import PolicyGraph
from her_ros.learning.normalizer import Normalizer
from her_ros.tasks.registry import TASKS
from her_ros.wire.contract import METADATA_KEY, PolicyContract
import numpy as np
import onnx
import onnxruntime
import pytest
import torch


class Policy:
    """An actor with its normalisers, with weights and statistics drawn anew from a seed."""

    def __init__(self, task, parameters, seed):
        self.task = task
        self.relative_goals = parameters.relative_goals
        self.algorithm = Ddpg(task, parameters)
        generator = torch.Generator().manual_seed(seed)
        initial = self.algorithm.initial(generator).actor
        self.actor = [parameter + 0.01 * seed for parameter in initial]
        self.observation = Normalizer(task.observation_size, 200.0, 5.0, 0.01)
        self.goal = Normalizer(task.goal_size, 200.0, 5.0, 0.01)
        for normalizer, size in (
            (self.observation, task.observation_size),
            (self.goal, task.goal_size),
        ):
            scale = torch.logspace(-3, 2.5, size)  # from below the smallest std to above the clip
            values = seed + scale * torch.randn((100, size), generator=generator)
            normalizer.update(values)

    def inputs(self, count, seed):
        """Return inputs of the kind the normalisers saw, and some far beyond."""
        generator = torch.Generator().manual_seed(seed)

        def draw(normalizer, size):
            spread = torch.where(torch.rand((count, 1), generator=generator) < 0.2, 100.0, 1.0)
            noise = torch.randn((count, size), generator=generator)
            return normalizer.mean + normalizer.std * spread * noise

        observation = draw(self.observation, self.task.observation_size)
        goals = [draw(self.goal, self.task.goal_size) for _ in range(2)]
        return observation, *goals

    def act(self, observation, achieved_goal, desired_goal):
        goal = desired_goal - achieved_goal if self.relative_goals else desired_goal
        state = torch.cat((self.observation(observation), self.goal(goal)), -1)
        return self.algorithm.act(self.actor, state).numpy()

    def to_bytes(self, graph, version=1):
        return graph.to_bytes(
            self.algorithm.policy_constants(self.actor),
            self.observation,
            self.goal,
            PolicyContract.of(self.task, version, {'seed': '0'}),
        )


def served(content, inputs):
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    names = ('observation', 'achieved_goal', 'desired_goal')
    feed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
    return session.run(['action'], feed)[0]


@pytest.mark.parametrize('hidden_sizes', [(16,), (64, 64, 64)])
@pytest.mark.parametrize('name', ['FetchReach', 'FetchPush', 'Toy'])
@pytest.mark.parametrize('relative', [False, True])
def test_onnx_equals_torch_and_again_after_new_weights(
    toy, parameters, name, hidden_sizes, relative
):
    task = {**TASKS, 'Toy': toy}[name]
    chosen = parameters(hidden_sizes=hidden_sizes, relative_goals=relative)
    policies = [Policy(task, chosen, seed) for seed in range(3)]
    # One graph for all: new weights only take the place of the old ones.
    graph = PolicyGraph(task, policies[0].algorithm.policy_nodes(), relative)
    contents = [policy.to_bytes(graph) for policy in policies]
    for policy, content in zip(policies, contents, strict=True):
        inputs = policy.inputs(1000, seed=5)
        expected = policy.act(*inputs)
        assert expected.std() > 0.1
        np.testing.assert_allclose(served(content, inputs), expected, atol=1e-5, rtol=0)
    assert not np.allclose(served(contents[0], inputs), expected, atol=0.1)


def test_clipping_is_inside_the_graph(toy, parameters):
    policy = Policy(toy, parameters(), seed=1)
    content = policy.to_bytes(PolicyGraph(toy, policy.algorithm.policy_nodes()))
    extreme = torch.full((1, toy.observation_size), 1e30)
    at_limit = torch.full((1, toy.observation_size), 200.0)
    goals = torch.zeros((2, 1, toy.goal_size))
    np.testing.assert_array_equal(
        served(content, (extreme, *goals)), served(content, (at_limit, *goals))
    )


def test_an_export_is_a_valid_model_that_takes_any_number_of_rows(toy, parameters):
    policy = Policy(toy, parameters(), seed=0)
    content = policy.to_bytes(PolicyGraph(toy, policy.algorithm.policy_nodes()))
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    for count in (0, 1, 7):
        assert served(content, policy.inputs(count, seed=0)).shape == (count, toy.action_size)


def test_the_contract_travels_inside_and_is_replaced_with_the_weights(toy, parameters):
    policy = Policy(toy, parameters(), seed=0)
    graph = PolicyGraph(toy, policy.algorithm.policy_nodes())
    for version in (1, 2):
        model = onnx.load_from_string(policy.to_bytes(graph, version))
        (text,) = [each.value for each in model.metadata_props if each.key == METADATA_KEY]
        assert PolicyContract.from_json(text) == PolicyContract.of(toy, version, {'seed': '0'})


def test_the_same_policy_gives_the_same_bytes(toy, parameters):
    policy, other = (Policy(toy, parameters(), seed) for seed in (0, 1))
    graph = PolicyGraph(toy, policy.algorithm.policy_nodes())
    first = policy.to_bytes(graph)
    assert other.to_bytes(graph) != first
    assert policy.to_bytes(graph) == first
    assert policy.to_bytes(PolicyGraph(toy, policy.algorithm.policy_nodes())) == first


def test_an_export_does_not_change_with_later_updates(toy, parameters):
    policy = Policy(toy, parameters(), seed=0)
    content = policy.to_bytes(PolicyGraph(toy, policy.algorithm.policy_nodes()))
    inputs = policy.inputs(10, seed=0)
    before = served(content, inputs)
    for parameter in policy.actor:
        parameter.zero_()
    np.testing.assert_array_equal(served(content, inputs), before)


def test_a_policy_for_other_layers_is_refused(toy, parameters):
    graph = PolicyGraph(toy, Policy(toy, parameters(), seed=0).algorithm.policy_nodes())
    deeper = Policy(toy, dataclasses.replace(parameters(), hidden_sizes=(8, 8, 8)), seed=0)
    with pytest.raises(ValueError, match=r"'bias_3'.*its nodes take"):
        deeper.to_bytes(graph)
