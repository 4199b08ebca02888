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

"""Multi-layer perceptrons as plain functions of their parameters."""

from collections.abc import Sequence
import itertools

from her_ros.wire.contract import OUTPUT
import onnx
from onnx import helper
import torch
from torch import Tensor
from torch.nn import functional

#: the tensors a network consists of, in an order that the network knows
Parameters = Sequence[Tensor]

#: input of a policy's first ONNX node: normalised observation and goal, shape (n, O + G)
STATE = 'hidden_0'


class Mlp:
    """
    A perceptron with ReLU between its layers; parameters are passed in.

    :param sizes: units per layer, from the input to the output
    :param layer_norm: normalise every hidden layer in front of its ReLU (Ba et al. 2016, arXiv
        1607.06450)
    """

    def __init__(self, sizes: Sequence[int], layer_norm: bool = False) -> None:
        self._layer_norm = layer_norm
        #: shapes of weight and bias of every layer in turn, and of scale and shift behind them
        self.shapes: list[tuple[int, ...]] = []
        for inputs, outputs in itertools.pairwise(sizes):
            self.shapes += [(outputs, inputs), *[(outputs,)] * (3 if layer_norm else 1)]
        if layer_norm:
            del self.shapes[-2:]  # what comes out is not normalised

    def initial(self, generator: torch.Generator) -> list[Tensor]:
        """Draw parameters: Glorot uniform weights, zero biases; layers keep scale and place."""
        parameters = [torch.zeros(shape) for shape in self.shapes]
        for weight in parameters:
            if weight.dim() == 2:
                torch.nn.init.xavier_uniform_(weight, generator=generator)
        if self._layer_norm:
            for scale in parameters[2::4]:
                scale.fill_(1.0)
        return parameters

    def __call__(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Apply the network: inputs (n, sizes[0]) to outputs (n, sizes[-1])."""
        *hidden, weight, bias = parameters
        stride = 4 if self._layer_norm else 2
        for i in range(0, len(hidden), stride):
            # In place: no gradient needs what a product was before.
            inputs = (inputs @ hidden[i].t()).add_(hidden[i + 1])
            if self._layer_norm:
                inputs = functional.layer_norm(
                    inputs, hidden[i + 1].shape, hidden[i + 2], hidden[i + 3]
                )
            inputs = inputs.relu_()
        return (inputs @ weight.t()).add_(bias)

    def policy_nodes(self) -> list[onnx.NodeProto]:
        """
        Return ONNX nodes from :data:`STATE` to the action, tanh of this network's outputs.

        Layers that are normalised have no nodes.
        """
        nodes, count = [], len(self.shapes) // 2
        for i in range(count):
            inputs = [f'hidden_{i}', f'weight_{i}', f'bias_{i}']
            nodes.append(helper.make_node('Gemm', inputs, [f'linear_{i}'], transB=1))
            last = i == count - 1
            result = OUTPUT if last else f'hidden_{i + 1}'
            nodes.append(helper.make_node('Tanh' if last else 'Relu', [f'linear_{i}'], [result]))
        return nodes

    def policy_constants(self, parameters: Parameters) -> dict[str, Tensor]:
        """Return the constants of these nodes by name."""
        kinds = ('weight', 'bias')
        return {f'{kinds[i % 2]}_{i // 2}': value for i, value in enumerate(parameters)}
