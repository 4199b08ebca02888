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

"""Sum tree: sampling in proportion to weights at logarithmic cost."""

import torch
from torch import Tensor


class SumTree:
    """
    Weights of numbered leaves, and above them the sum of every two.

    Drawing and setting look at one node of each level, so n of them cost O(n log N) for N leaves
    (Schaul et al. 2016, arXiv 1511.05952, appendix B.2.1). Tensors alone decide what happens, so
    both can be compiled or captured.

    :param leaves: number of leaves; all weights are 0 at first
    """

    def __init__(self, leaves: int, device: torch.device | str) -> None:
        self._count = leaves
        #: levels below the root
        self.depth = (leaves - 1).bit_length()
        self._width = 1 << self.depth
        # The root is node 1, the children of node i are 2 i and 2 i + 1, node 0 is not used.
        self._nodes = torch.zeros(2 * self._width, dtype=torch.float64, device=device)
        self._children = self._nodes.view(-1, 2)

    @property
    def total(self) -> Tensor:
        """Sum of all weights, a scalar on the device."""
        return self._nodes[1]

    @property
    def weights(self) -> Tensor:
        """Weights of all leaves, float64, shape (N,); not to be written to."""
        begin, end = self._width, self._width + self._count
        return self._nodes[begin:end]

    def set(self, leaf: Tensor, weight: Tensor) -> None:  # noqa: A003
        """
        Give leaves new weights; where one is named several times, the highest counts.

        :param leaf: integers, shape (n,)
        :param weight: not negative, float64, shape (n,)
        """
        node = leaf.long() + self._width
        self._nodes.index_fill_(0, node, 0.0)
        self._nodes.scatter_reduce_(0, node, weight, 'amax')
        for _ in range(self.depth):
            node = node >> 1
            self._nodes.index_copy_(0, node, self._children.index_select(0, node).sum(1))

    def load(self, weights: Tensor) -> None:
        """Take over the weights of all leaves; the sums come out as :meth:`set` makes them."""
        self.weights.copy_(weights)
        for level in reversed(range(self.depth)):
            nodes = slice(1 << level, 2 << level)
            self._nodes[nodes] = self._children[nodes].sum(1)

    def find(self, uniform: Tensor) -> Tensor:
        """
        Choose leaves with probabilities in proportion to their weights.

        :param uniform: numbers in [0, 1), float64, shape (n,)
        :return: leaves, none of weight 0 unless all are, int64, shape (n,)
        """
        mass = uniform * self.total
        node = torch.ones_like(mass, dtype=torch.int64)
        for _ in range(self.depth):
            left, right = self._children.index_select(0, node).unbind(1)
            # What rounding leaves over at the end must not lead to where nothing lies.
            goes_right = (mass >= left) & (right > 0)
            mass = torch.where(goes_right, mass - left, mass)
            node = 2 * node + goes_right
        return node - self._width
