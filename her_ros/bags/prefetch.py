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

"""Prefetch episodes from bags in a separate process."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
import multiprocessing
from multiprocessing.connection import Connection
import os
from pathlib import Path
import tempfile
import traceback
from typing import Any

from her_ros.bags.errors import BagError
from her_ros.bags.storage.progress import count, counted
from her_ros.bags.stream import EpisodeStream
from her_ros.episodes.episode import Episode
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.process import die_with_parent
from her_ros.runtime.seeds import generator
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import joined, Rows
import numpy as np

# Rows sent to the learner's process at a time; the next ones are read meanwhile.
_PIECE_ROWS = 2048
# Bags read in turns by a shuffled pass, so that neighbours in the buffer come from many bags.
_OPEN_BAGS = 8
# If all bags are open at once, a shuffled pass reads them in so many parts, each a random part of
# their episodes, so that neighbours in the buffer come from everywhere in a large bag.
_PARTS = 4
_END_S = 10.0


@dataclass
class EpisodeSource:
    """
    Reads the episodes of a list of bags, once in order or shuffled without end.

    Every order is a function of the bags and the seed, never of time. Faults of a bag are noted,
    and its valid episodes are still used. What is read counts for
    :func:`her_ros.bags.storage.progress.counted` in the process that takes the episodes.

    :param bags: in the order in which :meth:`in_order` reads them
    :param task: task that the bags must be of
    """

    bags: Sequence[Path]
    task: GoalTask
    seed: int
    #: one line for each part of a bag that could not be used; each line once
    refused: list[str] = field(default_factory=list)

    def in_order(self) -> Iterator[Episode]:
        """Read every bag once, one after the other."""
        return self._prefetch(_in_order, (list(self.bags), self.task))

    def shuffled(self) -> Iterator[Episode]:
        """
        Read the bags in endless passes, each pass in another order.

        Eight bags are open at a time, and an episode of each is taken in turn. Eight bags or fewer
        are read four times per pass, each time another random quarter of their episodes.

        :raises BagError: if a whole pass yields no episode
        """
        return self._prefetch(_shuffled, (list(self.bags), self.task, self.seed))

    def _prefetch(
        self, read: Callable[..., Iterator[Episode | str]], arguments: tuple[Any, ...]
    ) -> Iterator[Episode]:
        # Spawned, since a process with threads, as torch has them, must not be forked.
        context = multiprocessing.get_context('spawn')
        receiving, sending = context.Pipe(duplex=False)
        # When killed, the process leaves decompressed bags in this folder.
        with tempfile.TemporaryDirectory() as folder, receiving:
            process = context.Process(
                target=_send, args=(sending, os.getpid(), folder, read, arguments), daemon=True
            )
            process.start()
            # Now only the other process holds this end, so the pipe closes when that process dies.
            sending.close()
            try:
                while (piece := _received(receiving, process)) is not None:
                    if isinstance(piece, str):
                        if piece not in self.refused:
                            self.refused.append(piece)
                        continue
                    rows, ends, read_bytes = piece
                    count(read_bytes)
                    for part in np.split(rows, ends[:-1]):
                        yield Episode(part)
            finally:
                process.kill()
                process.join()


def _received(receiving: 'Connection[Any, Any]', process: Any) -> Any:
    try:
        piece = receiving.recv()
    except (EOFError, OSError):
        process.join(_END_S)
        raise BagError(
            f'the process that reads the bags ended with status {process.exitcode}',
            'free memory if it ran out, and start again',
        ) from None
    if isinstance(piece, BagError):
        raise piece
    return piece


def _send(
    sending: 'Connection[Any, Any]',
    parent: int,
    folder: str,
    read: Callable[..., Iterator[Episode | str]],
    arguments: tuple[Any, ...],
) -> None:
    """
    Read in the child process; send rows, notes as text, an error, and None at the end.

    Rows go with the number of bytes of bags that were read for them.
    """
    die_with_parent(parent)
    tempfile.tempdir = folder
    held: list[Rows] = []
    read_bytes: list[int] = []

    def flush() -> None:
        if held:
            ends = np.cumsum([len(rows) for rows in held]).tolist()
            sending.send((joined(held), ends, sum(read_bytes)))
            held.clear()
            read_bytes.clear()

    try:
        with counted(read_bytes.append):
            for found in read(*arguments):
                if isinstance(found, str):
                    flush()
                    sending.send(found)
                    continue
                held.append(found.rows)
                if sum(map(len, held)) >= _PIECE_ROWS:
                    flush()
        flush()
        sending.send(None)
    except HerRosError as error:
        sending.send(BagError.of(error))
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # the parent process has gone
    except Exception:  # a bug of ours, which the waiting parent must report
        sending.send(BagError(traceback.format_exc()))


def _episodes(path: Path, task: GoalTask) -> Iterator[Episode | str]:
    """Read one bag; yield its episodes, and one line of text for each kind of fault."""
    bad: list[HerRosError] = []
    stream = EpisodeStream(path, task, on_bad=bad.append)
    good, problem = 0, ''
    try:
        for _, episode in stream:
            good += 1
            yield episode
    except HerRosError as error:
        after = f'; the {good} episodes before it are used' if good else ''
        problem = f'{error}{after}'
    if bad:
        yield f'{path}: {len(bad)} episodes; the first: {bad[0]}'
    if problem:
        yield problem
    elif not good and not bad:
        yield str(stream.nothing_finished)
    elif stream.left_over:
        yield f'{path}: {stream.left_over} rows of unfinished episodes'


def _in_order(bags: list[Path], task: GoalTask) -> Iterator[Episode | str]:
    for path in bags:
        yield from _episodes(path, task)


def _shuffled(bags: list[Path], task: GoalTask, seed: int) -> Iterator[Episode | str]:
    parts = _PARTS if len(bags) <= _OPEN_BAGS else 1
    number = 0
    while True:
        found = 0
        for part in range(parts):
            order = generator(seed, 'bags', number).permutation(len(bags))
            waiting = deque(
                _part(
                    bags[i], task, generator(seed, 'parts', int(i), number // parts), part, parts
                )
                for i in order
            )
            for item in _in_turns(waiting):
                found += isinstance(item, Episode)
                yield item
            number += 1
        if not found:
            raise BagError(
                'none of the bags holds a finished episode',
                'the lines printed before say why; name others',
            )


def _part(
    path: Path, task: GoalTask, random: np.random.Generator, part: int, parts: int
) -> Iterator[Episode | str]:
    """Read one random part of a bag's episodes; every episode is in exactly one part."""
    for item in _episodes(path, task):
        if parts > 1 and isinstance(item, Episode) and random.integers(parts) != part:
            continue
        yield item


def _in_turns(waiting: 'deque[Iterator[Episode | str]]') -> Iterator[Episode | str]:
    opened = deque(waiting.popleft() for _ in range(min(_OPEN_BAGS, len(waiting))))
    while opened:
        stream = opened.popleft()
        item = next(stream, None)
        if item is not None:
            yield item
            opened.append(stream)
        elif waiting:
            opened.append(waiting.popleft())
