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

"""Check a bag against the wire contract."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from her_ros.bags.errors import BagError, wrap_errors
from her_ros.bags.inspection.checks import borderline, order_faults, row_faults, RowFault
from her_ros.bags.steps import no_steps, StepMessages
from her_ros.episodes.splitting import is_end
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.cloud import decoder_with_truth
from her_ros.wire.rows import joined, Rows, step_dtype
import numpy as np


@dataclass(frozen=True)
class Fault:
    """A violation of the wire contract in a bag."""

    path: Path
    #: topic and row; empty if it is about the whole bag
    place: str
    #: without values, so that faults of one kind can be counted
    kind: str
    #: found and expected values
    text: str

    def __str__(self) -> str:
        """Return bag, place, what was found and what was expected in one line."""
        return ': '.join(filter(None, (str(self.path), self.place, self.text)))


@dataclass
class Verified:
    """Counts and notes of all bags verified."""

    bags: int = 0
    rows: int = 0
    #: episodes with an end
    episodes: int = 0
    faults: int = 0
    #: rows whose distance from the goal equals the tolerance up to rounding
    borderline: int = 0
    #: incomplete episodes at the start or end of a recording, which are no faults
    notes: list[str] = field(default_factory=list)


def verify(path: Path, task: GoalTask | None, result: Verified) -> Iterator[Fault]:
    """
    Check a bag against the wire contract.

    Rewards and successes are recomputed from the states. An episode without an end is a fault if
    its environment started another one in the same session, and a note if it was the last. An
    episode without its beginning is a note if it was the first.

    :param path: a bare bag or a rosbag2 directory
    :param task: of the bag; by default found from its metadata or from the sizes of its rows
    :param result: receives the counts and the notes
    """
    result.bags += 1
    for fault in _faults_of(path, task, result):
        result.faults += 1
        yield fault


def _faults_of(path: Path, task: GoalTask | None, result: Verified) -> Iterator[Fault]:
    checks: dict[str, _TopicCheck] = {}
    steps = StepMessages(path, task)
    try:
        with wrap_errors():
            for topic, agreed, messages in steps.by_topic():
                if topic not in checks:
                    checks[topic] = _TopicCheck(path, topic, agreed, result)
                yield from checks[topic].take(messages)
            if not checks:
                raise no_steps(steps.topics)
    except BagError as error:
        yield Fault(path, '', 'cannot be read', str(error))
    for check in checks.values():
        check.finish()


class _TopicCheck:
    """The checks of one topic; it keeps the last row of each environment."""

    def __init__(self, path: Path, topic: str, task: GoalTask, result: Verified) -> None:
        self._path, self._topic, self._task, self._result = path, topic, task, result
        self._decoder = decoder_with_truth(task)
        self._last: Rows = np.zeros(0, step_dtype(task))
        self._messages = 0

    def take(self, messages: list[bytes | memoryview]) -> Iterator[Fault]:
        """Check messages, which must come in the order of the recording."""
        found = []
        for message in messages:
            self._messages += 1
            try:
                found += self._decoder.decode([message])
            except HerRosError as error:
                place = f'{self._topic}: message {self._messages}'
                text = f'read as {self._task.name}: {error}'
                yield Fault(self._path, place, 'no step message', text)
        if not any(map(len, found)):  # messages may have no rows
            return
        rows = joined(found)
        self._result.rows += len(rows)
        self._result.borderline += int(borderline(rows, self._task).sum())
        for fault in row_faults(rows, self._task):
            yield self._fault(rows, fault)
        yield from self._in_order(rows)

    def _in_order(self, rows: Rows) -> Iterator[Fault]:
        rows = joined([self._last, rows])
        is_new = np.arange(len(rows)) >= len(self._last)
        # Stable, so that the rows of an environment keep their order.
        order = np.lexsort([rows['env'], rows['session']])
        rows, is_new = rows.take(order), is_new[order]
        follows = np.zeros(len(rows), bool)
        follows[1:] = (rows['session'] == np.roll(rows['session'], 1))[1:]
        follows[1:] &= (rows['env'] == np.roll(rows['env'], 1))[1:]
        before = np.roll(rows, 1)
        for fault in order_faults(rows, before, follows & is_new):
            yield self._fault(rows, fault)
        for row in rows[~follows & is_new & (rows['step'] > 0)]:
            self._note(row, f'recorded from step {row["step"]} on')
        repeated = follows & (rows['episode'] == before['episode'])
        repeated &= rows['step'] == before['step']
        self._result.episodes += int((is_end(rows) & is_new & ~repeated).sum())
        self._last = rows[np.append(~follows[1:], True)]

    def finish(self) -> None:
        """Note the episodes that had not ended when the recording ended."""
        for row in self._last[~is_end(self._last)]:
            self._note(row, f'unfinished, its last recorded step is {row["step"]}')

    def _fault(self, rows: Rows, fault: RowFault) -> Fault:
        row = rows[fault.row]
        place = f'{self._topic}: {_identity(row)}, step {row["step"]}'
        return Fault(self._path, place, fault.kind, fault.text)

    def _note(self, row: np.void, text: str) -> None:
        self._result.notes.append(f'{self._path}: {self._topic}: {_identity(row)}: {text}')


def _identity(row: np.void) -> str:
    return f'session {row["session"]}, episode {row["episode"]}, env {row["env"]}'
