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
Capture updates in CUDA graphs, so that the host launches many at once.

A graph always reads and writes the memory that it was captured with. So the inputs of an update
keep their memory, and new values are copied into it. Only tensors control what an update does.
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from collections.abc import Callable
import copy
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

#: updates per replay; as many as a training makes between two looks at the clock
UPDATES_PER_GRAPH = 8
# First calls load kernels and make workspaces, neither of which can be captured.
_WARM_UP_CALLS = 3

Result = TypeVar('Result')


def warm_up(function: Callable[[], object]) -> None:
    """Warm up a function on a separate stream, so that it can be captured."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UP_CALLS):
            function()
    torch.cuda.current_stream().wait_stream(stream)


def capture(
    function: Callable[[], Result], *generators: torch.Generator
) -> tuple[torch.cuda.CUDAGraph, Result]:
    """
    Capture the kernels that a function launches; they run with the first replay.

    :param function: a function that was warmed up
    :param generators: on this GPU; replays advance them as calls of the function would
    :return: the graph, and the function's result, whose tensors every replay overwrites
    """
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        result = function()
    return graph, result


class Updatable(Protocol):
    """An object that makes updates and holds all state that they change."""

    def update_once(self) -> dict[str, Tensor]:
        """Make one update without waiting for the device; return its losses."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copy a state into the memory that holds the present one."""


class UpdateGraphs:
    """
    Makes a learner's updates by replaying graphs, which are captured when first needed.

    :param generator: the one that updates draw from
    """

    def __init__(self, learner: Updatable, generator: torch.Generator) -> None:
        self._learner = learner
        self._generator = generator
        # By the number of updates that one holds: the graph, and the losses of its last update.
        self._captured: dict[int, tuple[torch.cuda.CUDAGraph, dict[str, Tensor]]] = {}

    def run(self, count: int) -> dict[str, Tensor]:
        """
        Make ``count`` updates; once they are captured, the host does not wait.

        :return: the losses of the last one; the next run overwrites them
        """
        losses: dict[str, Tensor] = {}
        many, single = divmod(count, UPDATES_PER_GRAPH)
        for updates, replays in ((UPDATES_PER_GRAPH, many), (1, single)):
            for _ in range(replays):
                graph, losses = self._graph(updates)
                graph.replay()
        return losses

    def clear(self) -> None:
        """Drop the graphs, because updates will be computed in another way."""
        self._captured.clear()

    def _graph(self, updates: int) -> tuple[torch.cuda.CUDAGraph, dict[str, Tensor]]:
        if not self._captured:
            # These updates do not count.
            before = copy.deepcopy(self._learner.state_dict())
            warm_up(self._learner.update_once)
            self._learner.load_state_dict(before)
        if updates not in self._captured:
            self._captured[updates] = capture(lambda: self._make(updates), self._generator)
        return self._captured[updates]

    def _make(self, updates: int) -> dict[str, Tensor]:
        for _ in range(updates - 1):
            self._learner.update_once()
        return self._learner.update_once()
