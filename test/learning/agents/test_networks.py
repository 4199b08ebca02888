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

from her_ros.learning.agents.networks import Mlp
import pytest
import torch


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize('sizes', [(3, 2), (4, 8, 1), (13, 32, 16, 8, 4)])
def test_a_perceptron_is_the_sequence_of_linear_layers_and_relu(sizes):
    network = Mlp(sizes)
    parameters = network.initial(generator())
    layers = [torch.nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
    with torch.no_grad():
        for copied, parameter in zip(
            torch.nn.Sequential(*layers).parameters(), parameters, strict=True
        ):
            parameter += 0.1  # biases too
            copied.copy_(parameter)
    modules = [module for layer in layers for module in (layer, torch.nn.ReLU())][:-1]
    inputs = torch.randn((50, sizes[0]), generator=generator(1))
    torch.testing.assert_close(network(parameters, inputs), torch.nn.Sequential(*modules)(inputs))
    assert [tuple(parameter.shape) for parameter in parameters] == network.shapes


def test_layer_norm_stands_in_front_of_every_relu():
    sizes = (4, 8, 6, 2)
    network = Mlp(sizes, layer_norm=True)
    parameters = network.initial(generator())
    modules = []
    for inputs, outputs in itertools.pairwise(sizes):
        modules += [torch.nn.Linear(inputs, outputs), torch.nn.LayerNorm(outputs), torch.nn.ReLU()]
    peer = torch.nn.Sequential(*modules[:-2])
    with torch.no_grad():
        for copied, parameter in zip(peer.parameters(), parameters, strict=True):
            if parameter.dim() == 1:
                parameter += 0.1 * torch.randn(parameter.shape, generator=generator(2))
            copied.copy_(parameter)
    inputs = torch.randn((50, 4), generator=generator(1))
    torch.testing.assert_close(network(parameters, inputs), peer(inputs))


def test_layer_norm_starts_with_scale_one_and_shift_zero():
    _, _, scale, shift, _, _ = Mlp((3, 5, 2), layer_norm=True).initial(generator())
    assert torch.equal(scale, torch.ones(5))
    assert torch.equal(shift, torch.zeros(5))


def test_initial_weights_are_glorot_uniform_and_biases_zero():
    sizes = (20, 200, 100)
    network = Mlp(sizes)
    parts = network.initial(generator())
    for (inputs, outputs), weight, bias in zip(
        itertools.pairwise(sizes), parts[::2], parts[1::2], strict=True
    ):
        # Glorot & Bengio 2010, eq. 16
        limit = (6 / (inputs + outputs)) ** 0.5
        assert weight.shape == (outputs, inputs)
        assert weight.abs().max() <= limit
        # Uniform numbers in ±limit have the variance limit² / 3; 4,000 of them show it to 5 %.
        assert weight.var().item() == pytest.approx(limit**2 / 3, rel=0.05)
        assert (bias == 0).all()


def test_initial_parameters_follow_their_generator():
    network = Mlp((3, 5, 2))
    first, again, other = (network.initial(generator(seed)) for seed in (0, 0, 1))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[0], other[0])
