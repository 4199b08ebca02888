"""Distributed training with torch.distributed, as torchrun starts it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from her_ros.learning.normalizer import Normalizer
from her_ros.runtime.errors import HerRosError


class Ranks:
    """A single process, which exchanges nothing.

    Every rank makes the same calls in the same order, and always holds the same networks.
    """

    rank = 0
    count = 1

    def average(self, gradients: Mapping[str, Sequence[Tensor]]) -> None:
        """Replace gradients by their mean over all ranks, in place."""

    def merge(self, normalizer: Normalizer) -> None:
        """Merge the statistics of a normaliser over all ranks."""

    def gather(self, value: Any) -> list[Any]:
        """Return the plain values of all ranks, in their order."""
        return [value]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make all ranks fail if one fails, instead of waiting for it.

        :raises HerRosError: the error of the first rank that failed
        """
        problem = None
        try:
            yield
        except HerRosError as error:
            problem = error
        problems = [each for each in self.gather(problem) if each is not None]
        if problem is not None:
            raise problem
        if problems:
            raise problems[0]


class TorchRanks(Ranks):
    """The processes of a torch.distributed group."""

    def __init__(self) -> None:
        self.rank, self.count = dist.get_rank(), dist.get_world_size()

    def average(self, gradients: Mapping[str, Sequence[Tensor]]) -> None:
        """Replace gradients by their mean over all ranks, in place."""
        tensors = [tensor for each in gradients.values() for tensor in each]
        # In one message; losses are means over a batch, so this is the gradient of all batches.
        whole = torch.cat([tensor.ravel() for tensor in tensors])
        dist.all_reduce(whole)
        parts = whole.div_(self.count).split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def merge(self, normalizer: Normalizer) -> None:
        """Merge the statistics of a normaliser over all ranks."""
        states = self.gather({k: v.cpu() for k, v in normalizer.state_dict().items()})
        normalizer.load_state_dict(states[0])
        for state in states[1:]:
            normalizer.merge(**state)

    def gather(self, value: Any) -> list[Any]:
        """Return the plain values of all ranks, in their order."""
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value)
        return values


@contextmanager
def ranks_of_environment(device: torch.device) -> Iterator[Ranks]:
    """Join the group that torchrun's variables describe; without them, run as a single process.

    Gloo carries what CPUs exchange, NCCL what GPUs do, each rank on the GPU of its local number.
    """
    if int(os.environ.get('WORLD_SIZE', '1')) == 1:
        yield Ranks()
        return
    if device.type == 'cuda':
        local, gpus = int(os.environ['LOCAL_RANK']), torch.cuda.device_count()
        if local >= gpus:
            raise HerRosError(
                f'{gpus} GPUs here', f'start as many processes, not {local + 1} or more'
            )
        torch.cuda.set_device(local)
    dist.init_process_group('nccl' if device.type == 'cuda' else 'gloo')
    try:
        yield TorchRanks()
    finally:
        dist.destroy_process_group()
