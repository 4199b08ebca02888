"""Multi-layer perceptrons as plain functions of their parameters."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

#: the tensors a network consists of, in an order that the network knows
Parameters = Sequence[Tensor]


class Mlp:
    """A perceptron with ReLU between its layers; parameters are passed in.

    :param sizes: units per layer, from the input to the output
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        #: shapes of weight and bias of every layer in turn
        self.shapes: list[tuple[int, ...]] = []
        for inputs, outputs in itertools.pairwise(sizes):
            self.shapes += [(outputs, inputs), (outputs,)]

    def initial(self, generator: torch.Generator) -> list[Tensor]:
        """Draw parameters: Glorot uniform weights, zero biases."""
        parameters = [torch.zeros(shape) for shape in self.shapes]
        for weight in parameters[::2]:
            torch.nn.init.xavier_uniform_(weight, generator=generator)
        return parameters

    def __call__(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Apply the network: inputs (n, sizes[0]) to outputs (n, sizes[-1])."""
        *hidden, weight, bias = parameters
        for i in range(0, len(hidden), 2):
            # In place: no gradient needs what a product was before.
            inputs = (inputs @ hidden[i].t()).add_(hidden[i + 1]).relu_()
        return (inputs @ weight.t()).add_(bias)
