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

"""Shared by the benchmarks: interleaved contestants, a table, and the line of figures."""

from collections.abc import Callable, Mapping, Sequence
import os
from pathlib import Path
import time


def timed(function: Callable[[], object]) -> float:
    """Return how long a call takes, seconds."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def in_turn(
    contestants: Mapping[str, Callable[[], object]], rounds: int, calls: int = 1
) -> dict[str, list[float]]:
    """
    Let contestants take turns, so that what disturbs the machine disturbs them alike.

    :param calls: made at once, per contestant and round
    :return: seconds per call of every round; one round before does not count
    """
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, function in contestants.items():
            begin = time.perf_counter()
            for _ in range(calls):
                function()
            if number:
                times[name].append((time.perf_counter() - begin) / calls)
    return times


def seconds_of_others() -> float:
    """Return the CPU time that other processes have used so far, on Linux."""
    stat = Path('/proc/stat')
    if not stat.exists():
        return 0.0
    user, nice, system, _, _, irq, softirq = map(int, stat.read_text().split()[1:8])
    everyone = (user + nice + system + irq + softirq) / os.sysconf('SC_CLK_TCK')
    return everyone - time.process_time()


def text(value: object) -> str:
    """Write a number so that it can be read."""
    if not isinstance(value, float):
        return f'{value:,}' if isinstance(value, int) else str(value)
    return f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.3g}'


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns; the first column is what the others are about."""
    cells = [[title, *columns], *([text(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        first, *others = (
            f'{cell:{"<" if i == 0 else ">"}{width}}'
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print('   '.join((first, *others)).rstrip())
    print(flush=True)


def print_figures(**figures: float) -> None:
    """Print the last line of a benchmark."""
    print(
        ' '.join(f'{key}={text(float(value))}' for key, value in figures.items()).replace(',', '')
    )
