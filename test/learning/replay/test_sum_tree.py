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

from her_ros.learning.replay.sum_tree import SumTree
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Counting(TorchDispatchMode):
    """Counts the elements that kernels make anew; views make none."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        given = {each.untyped_storage().data_ptr() for each in tensors_in(args)}
        for made in tensors_in(result):
            if made.untyped_storage().data_ptr() not in given:
                self.elements += made.numel()
        return result


def tensors_in(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


@pytest.mark.parametrize('leaves', [1, 2, 3, 37, 64])
def test_weights_and_total_are_those_of_an_array(device, leaves):
    random, tree, array = np.random.default_rng(leaves), SumTree(leaves, device), np.zeros(leaves)
    for _ in range(30):
        leaf = random.choice(leaves, random.integers(1, leaves + 1), replace=False)
        array[leaf] = random.exponential(size=len(leaf))
        tree.set(*(torch.from_numpy(each).to(device) for each in (leaf, array[leaf])))
        np.testing.assert_array_equal(tree.weights.cpu().numpy(), array)
        assert tree.total.item() == pytest.approx(array.sum(), rel=1e-12)


def test_every_leaf_has_its_share_of_the_unit_interval(device):
    weights = torch.tensor([3.0, 0.0, 1.0, 0.0, 4.0, 0.0, 0.0, 2.0, 0.0], dtype=torch.float64)
    tree = SumTree(len(weights), device)
    tree.load(weights.to(device))
    uniform = (torch.arange(1000, dtype=torch.float64, device=device) + 0.5) / 1000
    found = torch.bincount(tree.find(uniform).cpu(), minlength=len(weights))
    assert found.tolist() == (100 * weights).long().tolist()


def test_the_ends_of_the_unit_interval_find_the_first_and_the_last_weight(device):
    random = np.random.default_rng(0)
    for _ in range(200):
        weights = random.exponential(size=50) * (random.random(50) < 0.3)
        if not weights.any():
            continue
        tree = SumTree(50, device)
        tree.load(torch.from_numpy(weights).to(device))
        ends = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64, device=device)
        held = np.flatnonzero(weights)
        assert tree.find(ends).tolist() == [held[0], held[-1]]


def test_of_a_leaf_named_twice_the_highest_weight_counts(device):
    tree = SumTree(8, device)
    for weights in ([5.0, 2.0, 9.0], [1.0, 3.0, 2.0]):
        leaf = torch.tensor([6, 1, 6], device=device)
        tree.set(leaf, torch.tensor(weights, dtype=torch.float64, device=device))
    assert tree.weights.tolist() == [0, 3, 0, 0, 0, 0, 2, 0]
    assert tree.total.item() == 5.0


def test_loaded_sums_are_bit_for_bit_those_that_came_about(device):
    tree, again = SumTree(1000, device), SumTree(1000, device)
    generator = torch.Generator(device).manual_seed(0)
    options = {'generator': generator, 'device': device}
    for _ in range(50):
        leaf = torch.randint(1000, (64,), **options)
        tree.set(leaf, torch.rand(64, dtype=torch.float64, **options))
    again.load(tree.weights)
    assert torch.equal(tree._nodes, again._nodes)


@pytest.mark.parametrize('log_leaves', [4, 10, 20])
def test_a_draw_costs_as_many_looks_as_the_tree_is_deep(log_leaves):
    """What kernels make on the way grows with the logarithm of the number of leaves."""
    tree, count = SumTree(1 << log_leaves, 'cpu'), 32
    leaf = torch.arange(count) % (1 << log_leaves)
    weight = torch.ones(count, dtype=torch.float64)
    uniform = torch.rand(count, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for function in (lambda: tree.set(leaf, weight), lambda: tree.find(uniform)):
        with Counting() as counting:
            function()
        assert count * log_leaves <= counting.elements <= 12 * count * (log_leaves + 1)
