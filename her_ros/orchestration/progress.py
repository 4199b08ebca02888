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

"""Progress of long work: a bar on a terminal, lines elsewhere; both on standard error."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
import sys
import time
from typing import TypeVar

from her_ros.bags.storage.progress import counted
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

Item = TypeVar('Item')

# Seconds between lines where there is no terminal; shorter work prints none.
_LINE_S = 10.0
# With the percentage and the time that is left, this fits 60 columns.
_BAR_COLUMNS, _NOTE_COLUMNS = 12, 18
# Smaller bags are read within seconds.
_LARGE = 1_000_000_000


class Progress:
    """
    Progress display of long work; a context manager.

    :param what: a verb, such as ``evaluating``, of up to 12 letters
    :param total: of the unit in which the work is counted
    :param console: where it is shown
    :param done: of ``total``, before this process began
    """

    def __init__(
        self, what: str, total: float, console: Console | None = None, done: float = 0.0
    ) -> None:
        self._what, self._total, self._done, self._begun = what, total, done, done
        self._console = console or Console(stderr=True)
        self._started = self._said_at = time.monotonic()
        self._note = ''
        self._bar: Bar | None = None
        if self._console.is_terminal and total > 0:
            columns = (
                TextColumn('{task.description}'),
                BarColumn(_BAR_COLUMNS),
                TextColumn('{task.percentage:>3.0f} %'),
                TextColumn('{task.fields[left]}'),
                TextColumn('{task.fields[note]}'),
            )
            # What is printed meanwhile goes above the bar, unless it goes elsewhere.
            self._bar = Bar(
                *columns,
                console=self._console,
                transient=True,
                redirect_stdout=sys.stdout.isatty(),
                redirect_stderr=False,
            )
            self._task = self._bar.add_task(what, total=total, note='', left='')
            self._bar.update(self._task, completed=done)

    def __enter__(self) -> 'Progress':
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, amount: float = 1.0) -> None:
        """Add to what is done."""
        self.update(self._done + amount)

    def update(self, done: float, note: str = '') -> None:
        """
        Set what is done.

        :param note: shown behind the time that is left, up to 18 letters
        """
        # Work may turn out larger than it was thought to be.
        self._done = min(done, self._total)
        self._note = note or self._note
        if self._bar is not None:
            shown = self._note[:_NOTE_COLUMNS]
            self._bar.update(self._task, completed=self._done, note=shown, left=self._left())
        elif time.monotonic() - self._said_at >= _LINE_S:
            self._said_at = time.monotonic()
            self._console.print(self.line(), highlight=False, markup=False, soft_wrap=True)

    def line(self) -> str:
        """Return the progress in one line, with the time that is left."""
        share = self._done / self._total if self._total else 1.0
        left, note = self._left(), f', {self._note}' if self._note else ''
        return f'{self._what}: {share:.0%}{f", {left} left" if left else ""}{note}'

    def _left(self) -> str:
        """Return the time that is left at the mean rate until now; empty: nothing was done yet."""
        if self._done >= self._total:
            return duration(0.0)
        if self._done <= self._begun:
            return ''
        spent = time.monotonic() - self._started
        return duration(spent * (self._total - self._done) / (self._done - self._begun))


def tracked(items: Iterable[Item], what: str, total: float) -> Iterator[Item]:
    """
    Yield items, and show how many were yielded.

    :param total: how many there are
    """
    with Progress(what, total) as progress:
        for item in items:
            yield item
            progress.advance()


@contextmanager
def bags_tracked(
    paths: Sequence[Path], what: str, passes: int = 1, is_slow: bool = False
) -> Iterator[None]:
    """
    Show how much of bags has been read meanwhile, if together they are larger than a gigabyte.

    :param passes: how often each is read
    :param is_slow: whether what is done with them takes long also where they are smaller
    """
    size = passes * sum(map(_size_of, paths))
    if size < passes * _LARGE and not is_slow:
        yield
        return
    with Progress(what, size) as progress, counted(progress.advance):
        yield


def duration(seconds: float) -> str:
    """Return a duration as minutes and seconds, such as ``1:05``, with hours if there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02d}:{rest:02d}' if hours else f'{minutes}:{rest:02d}'


def _size_of(path: Path) -> int:
    files = path.iterdir() if path.is_dir() else [path]
    return sum(each.stat().st_size for each in files if each.is_file())
