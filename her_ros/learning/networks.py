"""Multi-layer perceptrons whose parameters lie in one flat tensor.

One tensor per network makes Adam one kernel and the target update one ``lerp_``.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


class Mlp:
    """The layout of a perceptron with ReLU between its layers; parameters are passed in.

    :param sizes: units per layer, from the input to the output
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.shapes: list[tuple[int, ...]] = []
        for inputs, outputs in itertools.pairwise(sizes):
            self.shapes += [(outputs, inputs), (outputs,)]
        self._lengths = [torch.Size(shape).numel() for shape in self.shapes]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(self._lengths)

    def initial(self, generator: torch.Generator) -> Tensor:
        """Draw parameters, shape (size,): Glorot uniform weights, zero biases."""
        flat = torch.zeros(self.size)
        for layer in self.layers(flat):
            if layer.dim() == 2:
                torch.nn.init.xavier_uniform_(layer, generator=generator)
        return flat

    def layers(self, flat: Tensor) -> list[Tensor]:
        """Return weight and bias of every layer in turn, as views of the flat parameters."""
        parts = flat.split(self._lengths)
        return [part.view(shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def __call__(self, flat: Tensor, inputs: Tensor) -> Tensor:
        """Apply the network: inputs (n, sizes[0]) to outputs (n, sizes[-1])."""
        layers = self.layers(flat)
        for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
            inputs = functional.relu(functional.linear(inputs, weight, bias))
        return functional.linear(inputs, layers[-2], layers[-1])
