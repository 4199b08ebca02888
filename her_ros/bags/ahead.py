"""Episodes read by a process of their own, so that whoever learns from them does not wait."""

import multiprocessing
import os
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import numpy as np

from her_ros.bags.errors import BagError
from her_ros.bags.stream import stream_episodes
from her_ros.core.episode import Episode
from her_ros.core.errors import HerRosError
from her_ros.core.process import die_with_parent
from her_ros.core.seeds import generator
from her_ros.core.task import GoalTask

# Rows handed over at a time, and how many such pieces may wait: a few megabytes.
_PIECE_ROWS, _PIECES = 2048, 8
# Bags read in turns by a shuffled pass, so that neighbours in the buffer come from many of them.
_OPEN_BAGS = 8
_POLL_S = 1.0


@dataclass(frozen=True)
class _Refused:
    """A bag that could not be read to its end."""

    path: Path
    reason: str


_Found = Episode | _Refused


@dataclass
class EpisodeSource:
    """The episodes of a list of bags, as often as they are asked for.

    Every order is a function of the bags and the seed, never of time. A bag that cannot be read is
    noted in ``refused``; what it gave until then counts.

    :param bags: in the order in which they are to be learnt from
    :param task: what they have to hold
    """

    bags: Sequence[Path]
    task: GoalTask
    seed: int
    #: what is wrong with a bag, by its path
    refused: dict[Path, str] = field(default_factory=dict)

    def in_order(self) -> Iterator[Episode]:
        """Read every bag once, one after the other."""
        return self._read_ahead(_in_order, (list(self.bags), self.task))

    def shuffled(self) -> Iterator[Episode]:
        """Read the bags pass after pass without end, each time in another order.

        Eight bags are open at a time, and an episode of each is taken in turn.

        :raises BagError: if a whole pass brings nothing
        """
        return self._read_ahead(_shuffled, (list(self.bags), self.task, self.seed))

    def _read_ahead(
        self, read: Callable[..., Iterator[_Found]], arguments: tuple[Any, ...]
    ) -> Iterator[Episode]:
        # Spawned, since a process with threads, as torch's is, must not be forked.
        context = multiprocessing.get_context('spawn')
        pieces = context.Queue(_PIECES)
        process = context.Process(
            target=_send, args=(pieces, os.getpid(), read, arguments), daemon=True
        )
        process.start()
        try:
            while True:
                piece = _received(pieces, process)
                if piece is None:
                    return
                if isinstance(piece, _Refused):
                    self.refused[piece.path] = piece.reason
                    continue
                rows, ends = piece
                for part in np.split(rows, ends[:-1]):
                    yield Episode(part)
        finally:
            process.kill()
            process.join()


def _received(pieces: Any, process: Any) -> Any:
    while True:
        try:
            piece = pieces.get(timeout=_POLL_S)
        except Empty:
            if process.is_alive():
                continue
            # It may have sent its last words between the two looks.
            try:
                piece = pieces.get(timeout=_POLL_S)
            except Empty:
                raise BagError(
                    f'the process that reads the bags ended with status {process.exitcode}'
                ) from None
        if isinstance(piece, str):
            raise BagError(piece)
        return piece


def _send(
    pieces: Any, parent: int, read: Callable[..., Iterator[_Found]], arguments: tuple[Any, ...]
) -> None:
    """Read in the process of its own; None ends, text is an error."""
    die_with_parent(parent)
    held: list[Any] = []

    def flush() -> None:
        if held:
            ends = np.cumsum([len(rows) for rows in held]).tolist()
            pieces.put((np.concatenate(held), ends))
            held.clear()

    try:
        for found in read(*arguments):
            if isinstance(found, _Refused):
                flush()
                pieces.put(found)
                continue
            held.append(found.rows)
            if sum(map(len, held)) >= _PIECE_ROWS:
                flush()
        flush()
        pieces.put(None)
    except HerRosError as error:
        pieces.put(str(error))
    except KeyboardInterrupt:
        pass
    except Exception:  # a bug of ours: whoever waits has to hear of it
        pieces.put(traceback.format_exc())


def _episodes(path: Path, task: GoalTask) -> Iterator[_Found]:
    try:
        yield from stream_episodes(path, task)
    except HerRosError as error:
        yield _Refused(path, str(error))


def _in_order(bags: list[Path], task: GoalTask) -> Iterator[_Found]:
    for path in bags:
        yield from _episodes(path, task)


def _shuffled(bags: list[Path], task: GoalTask, seed: int) -> Iterator[_Found]:
    number = 0
    while True:
        order = generator(seed, 'bags', number).permutation(len(bags))
        found = 0
        waiting = deque(_episodes(bags[i], task) for i in order)
        opened = deque(waiting.popleft() for _ in range(min(_OPEN_BAGS, len(waiting))))
        while opened:
            stream = opened.popleft()
            item = next(stream, None)
            if item is not None:
                found += isinstance(item, Episode)
                yield item
                opened.append(stream)
            elif waiting:
                opened.append(waiting.popleft())
        if not found:
            raise BagError('none of the bags holds a finished episode')
        number += 1
