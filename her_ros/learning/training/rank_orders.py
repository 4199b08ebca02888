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

"""
Online training in several processes: rank 0 decides, and tells the other ranks what to do.

Every rank stores every episode, so that the checkpoint of rank 0 serves any number of ranks, and
few bags are enough for many. Rank 0 alone exports policies, evaluates and writes files.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
import time
from typing import Any, NamedTuple

from her_ros import __version__
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.acceleration.compile import compile_or_say_why
from her_ros.learning.acceleration.ranks import choose_gpu, Ranks, RanksLost
from her_ros.learning.learner import device_named, Learner
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import file_sha256
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.seeds import integer_seed
from her_ros.tasks.goal_task import GoalTask
import torch

# Longest silence of rank 0 while there is nothing to do, seconds.
_SILENCE_S = 30.0
# A folder that several machines share shows a new file within a minute (acdirmax of nfs(5)).
_PATIENCE_S = 90.0

#: reads the finished episodes of a bag
ReadEpisodes = Callable[[Path], Sequence[Episode]]
#: the task of a run, and how its bags are read
OpenRun = Callable[[TrainerParameters], tuple[GoalTask, ReadEpisodes]]


class Begin(NamedTuple):
    """Make the learner of a run; the bags that it has read, and its state, follow."""

    version: str
    parameters: TrainerParameters
    folder: Path


class Load(NamedTuple):
    """Take over the state of the learner, once its bags are stored."""

    state: dict[str, Any]
    compiled: bool


class Store(NamedTuple):
    """Store the episodes of bags."""

    #: names and digests
    bags: Sequence[tuple[str, str]]
    #: normalisers after these bags
    normalizers: dict[str, dict[str, Any]]


class Update(NamedTuple):
    """Make updates, perhaps none."""

    number: int


class Compile(NamedTuple):
    """Compile the updates."""


class RankLeader:
    """Rank 0, which tells the others; with a single rank nobody listens."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks
        self._sent_at = time.monotonic()
        self._has_begun = False

    def begin(self, folder: RunFolder, parameters: TrainerParameters) -> None:
        """Tell the others which run it is."""
        self._tell(Begin(__version__, parameters, folder.path.absolute()))
        self._has_begun = True

    def load(self, learner: Learner) -> None:
        """Hand the state of the learner to the others."""
        if self._ranks.count > 1:
            self._tell(Load(_on_cpu(learner.state_dict()), learner.compiled))

    def store(self, learner: Learner, bags: Sequence[tuple[str, str]]) -> None:
        """Tell the others of bags that the learner has stored."""
        if self._ranks.count > 1 and bags:
            states = {name: each.state_dict() for name, each in learner.normalizers.items()}
            self._tell(Store(bags, _on_cpu(states)))

    def update(self, count: int) -> None:
        """Make the others take part in the next updates."""
        self._tell(Update(count))

    def compile(self) -> None:  # noqa: A003
        """Make the others compile, too."""
        self._tell(Compile())

    def keep_in_touch(self) -> None:
        """Be heard now and then while there is nothing to do."""
        if time.monotonic() - self._sent_at > _SILENCE_S:
            self._tell(Update(0))

    def end(self) -> None:
        """Release the others; one that has died already changes nothing."""
        if self._has_begun and not self._ranks.is_lost:
            with suppress(RanksLost):
                self._tell(None)

    def _tell(self, order: object) -> None:
        self._sent_at = time.monotonic()
        self._ranks.broadcast(order)


class RankFollower:
    """
    Any other rank: an own learner that does what rank 0 says.

    :param report: called with one line for the user
    """

    def __init__(self, ranks: Ranks, open_run: OpenRun, report: Callable[[str], None]) -> None:
        self._ranks = ranks
        self._open = open_run
        self._report = report

    def run(self) -> None:
        """
        Follow until rank 0 releases this rank.

        :raises RanksLost: if rank 0 or another rank has ended
        :raises HerRosError: if a bag is missing here, or the losses are not finite any more
        """
        begin = self._ranks.broadcast(None)
        if begin is None:  # the run has finished already
            return
        learner = self._learner(begin)
        while (order := self._ranks.broadcast(None)) is not None:
            if isinstance(order, Store):
                self._store(learner, begin.folder, order.bags)
                for name, state in order.normalizers.items():
                    learner.normalizers[name].load_state_dict(state)
            elif isinstance(order, Load):
                learner.load_state_dict(order.state)
                if order.compiled:
                    self._compile(learner)
            elif isinstance(order, Update):
                self._update(learner, order.number)
            elif isinstance(order, Compile):
                self._compile(learner)

    def _learner(self, begin: Begin) -> Learner:
        if begin.version != __version__:
            raise HerRosError(
                f'training process 0 has her_ros {begin.version}, and here is {__version__}',
                'install the same version for all',
            )
        choose_gpu(self._ranks, device_named(begin.parameters.device))
        task, self._read = self._open(begin.parameters)
        return Learner(task, begin.parameters, self._ranks)

    def _store(self, learner: Learner, folder: Path, bags: Sequence[tuple[str, str]]) -> None:
        for name, digest in bags:
            path = RunFolder(folder).bags / name
            _await_file(path)
            if file_sha256(path) != digest:
                raise HerRosError(
                    'not the file that training process 0 has read',
                    'give all of them the same folder',
                    path,
                )
            learner.restore(self._read(path))

    def _update(self, learner: Learner, count: int) -> None:
        """
        Make updates whose random numbers follow from the number of updates before them.

        So the checkpoint of rank 0 is enough to resume all ranks.
        """
        if not count:
            return
        seed = integer_seed(learner.parameters.seed, 'update', self._ranks.rank, learner.updates)
        drawn = torch.Generator(learner.device).manual_seed(seed).get_state()
        learner.load_generators({**learner.generators(), 'update': drawn})
        learner.update(count)

    def _compile(self, learner: Learner) -> None:
        self._report(f'training process {self._ranks.rank}: {compile_or_say_why(learner)}')


def _await_file(path: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not path.exists():
        if time.monotonic() > deadline:
            raise HerRosError(
                'training process 0 has read it, and it is not here',
                'give all of them the same folder',
                path,
            )
        time.sleep(0.1)


def _on_cpu(value: Any) -> Any:
    """Return nested dictionaries of tensors with the tensors on the CPU."""
    if isinstance(value, dict):
        return {key: _on_cpu(each) for key, each in value.items()}
    return value.cpu() if isinstance(value, torch.Tensor) else value
