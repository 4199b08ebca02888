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

"""Distributed training with torch.distributed, as torchrun starts it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
import os
import re
from typing import Any

from her_ros.learning.normalizer import Normalizer
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.torchrun import rank_and_count
import torch
from torch import Tensor
import torch.distributed as dist

# How long a rank may be silent, such as while it reads a bag or compiles. The end of a process
# shows at once, that of a machine or a network after this time.
_PATIENCE = timedelta(minutes=10)


class RanksLost(HerRosError):
    """Another rank has ended or cannot be reached, perhaps in the middle of an update."""


class Ranks:
    """
    A single process, which exchanges nothing.

    Every rank makes the same calls in the same order, and always holds the same networks.
    """

    rank = 0
    count = 1
    #: whether an exchange failed; the networks may then be in the middle of an update
    is_lost = False

    def average(self, gradients: Mapping[str, Sequence[Tensor]]) -> None:
        """Replace gradients by their mean over all ranks, in place."""

    def merge(self, normalizer: Normalizer) -> None:
        """Merge the statistics of a normaliser over all ranks."""

    def gather(self, value: Any) -> list[Any]:
        """Return the plain values of all ranks, in their order."""
        return [value]

    def broadcast(self, value: Any) -> Any:
        """Return the plain value of rank 0."""
        return value

    @contextmanager
    def together(self) -> Iterator[None]:
        """
        Make all ranks fail if one fails, instead of waiting for it.

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
        self._of_gpus: dist.ProcessGroup | None = None

    def average(self, gradients: Mapping[str, Sequence[Tensor]]) -> None:
        """Replace gradients by their mean over all ranks, in place."""
        tensors = [tensor for each in gradients.values() for tensor in each]
        # In one message; losses are means over a batch, so this is the gradient of all batches.
        whole = torch.cat([tensor.ravel() for tensor in tensors])
        with self._exchange():
            dist.all_reduce(whole, group=self._group_of(whole.device))
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
        with self._exchange():
            dist.all_gather_object(values, value)
        return values

    def broadcast(self, value: Any) -> Any:
        """Return the plain value of rank 0."""
        values = [value]
        with self._exchange():
            dist.broadcast_object_list(values, src=0)
        return values[0]

    def _group_of(self, device: torch.device) -> 'dist.ProcessGroup | None':
        """Return the group for tensors of a device; None: the default one, of CPUs."""
        if device.type != 'cuda':
            return None
        if self._of_gpus is None:
            self._of_gpus = dist.new_group(backend='nccl')
        return self._of_gpus

    @contextmanager
    def _exchange(self) -> Iterator[None]:
        """
        Translate errors of torch.

        :raises RanksLost: if another rank does not answer
        :raises torch.OutOfMemoryError: if this one has too little memory
        """
        try:
            yield
        except RuntimeError as error:
            self.is_lost = True
            if isinstance(error, torch.OutOfMemoryError):
                raise
            raise RanksLost(
                f'training process {self.rank} lost another one of {self.count} ({_cause(error)})',
                'look for the first line of the others; the same command, without --new, goes on'
                ' from the last checkpoint',
            ) from error


@contextmanager
def ranks_of_environment() -> Iterator[Ranks]:
    """
    Join the group that torchrun's variables describe; without them, run as a single process.

    Gloo carries plain values and what CPUs exchange, NCCL the gradients of GPUs.

    :raises HerRosError: if the variables are not those of torchrun
    :raises RanksLost: if the other processes do not come
    """
    if rank_and_count()[1] == 1:
        yield Ranks()
        return
    try:
        dist.init_process_group('gloo', timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:  # also a variable that is missing
        raise RanksLost(
            f'the training processes did not find each other ({_cause(error)})',
            'start all of them with torchrun',
        ) from None
    try:
        yield TorchRanks()
    finally:
        dist.destroy_process_group()


def choose_gpu(ranks: Ranks, device: torch.device) -> None:
    """
    Give each rank that learns on a GPU the one of its local number.

    :raises HerRosError: if there are fewer GPUs than ranks on this machine
    """
    if ranks.count == 1 or device.type != 'cuda':
        return
    local, gpus = int(os.environ['LOCAL_RANK']), torch.cuda.device_count()
    if local >= gpus:
        raise HerRosError(f'{gpus} GPUs here', f'start as many processes, not {local + 1} or more')
    torch.cuda.set_device(local)


def _cause(error: Exception) -> str:
    """Return what torch says, in one line without its C++ stack, its files and its advice."""
    text = str(error).partition('Exception raised from')[0].strip()
    text = re.sub(r'^\[\S+:\d+\] ', '', text).partition('. This is typically')[0]
    return one_line(text or type(error).__name__)
