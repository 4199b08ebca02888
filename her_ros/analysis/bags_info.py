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

"""``her-ros bags info``: print the content of bags as a table or as JSON."""

from collections.abc import Iterator
import json
from pathlib import Path
import sys
from typing import Any

from her_ros.bags.inspection.info import BagInfo, read_info, total_of
from her_ros.bags.sources import expand
from her_ros.orchestration.progress import bags_tracked
from her_ros.tasks.goal_task import GoalTask
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table


def info(paths: list[Path], task: GoalTask | None, each: bool, as_json: bool) -> int:
    """Print the content of bags; return the exit status."""
    described: list[dict[str, Any]] = []
    rows: list[list[str]] = []

    found = expand(paths)

    def read() -> Iterator[BagInfo]:
        for path in found:
            one = read_info(path, task)
            described.append(_described(one))
            rows.append([str(path), *_in_words(one).values()])
            yield one

    with bags_tracked(found, 'reading'):
        total = total_of(read())
    console = Console(markup=False, highlight=False)
    if as_json:
        print(json.dumps({'total': _described(total), 'bags': described}, indent=2))
    else:
        if each:
            _print_lines(rows)
        if total.topics:
            console.print(_table(total))
    for damage in total.damage:
        print(damage, file=sys.stderr)
    return int(len(total.damage) == len(total.paths))


def _print_lines(rows: list[list[str]]) -> None:
    """Print one line per bag, names last, so that the numbers stay in their columns."""
    titles = ['episodes', 'steps', 'success', 'HER', 'goals', 'versions', 'time', 'size', 'bag']
    # The task is printed once, below.
    lines = [titles, *([*values, path] for path, _, *values in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for *values, path in lines:
        cells = (value.rjust(width) for value, width in zip(values, widths, strict=False))
        print('  '.join([*cells, path]))


def _table(total: BagInfo) -> Table:
    count = len(total.paths)
    table = Table(title=str(total.paths[0]) if count == 1 else f'{count} bags', show_header=False)
    for name, value in _in_words(total).items():
        table.add_row(name, value)
    for topic, messages in sorted(total.topics.items()):
        table.add_row(f'messages on {topic}', str(messages))
    if total.unstamped:
        table.add_row('messages stamped 0, not in the duration', str(total.unstamped))
    if total.rows_left_over:
        table.add_row('rows of unfinished episodes', str(total.rows_left_over))
    if total.damage:
        table.add_row('bags that cannot be read', f'{len(total.damage)} of {count}')
    return table


def _in_words(info: BagInfo) -> dict[str, str]:
    versions = info.policy_versions
    return {
        'task': ', '.join(sorted(info.tasks)) or '–',
        'episodes': str(info.episodes),
        'steps': str(info.steps),
        'success': _percent(info.success_rate),
        'failures HER can use': _percent(info.relabelable_share),
        'goals covered': _percent(info.goal_coverage),
        'policy versions': '–'
        if versions is None
        else ' … '.join(map(str, dict.fromkeys(versions))),
        'duration': _duration(info.duration_s),
        'size': decimal(info.size),
    }


def _percent(share: float | None) -> str:
    return '–' if share is None else f'{share:.1%}'


def _duration(seconds: float) -> str:
    if round(seconds, 1) < 60:
        return f'{seconds:.1f} s'
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours:,} h {minutes:02d} min' if hours else f'{minutes} min {rest:02d} s'


def _described(info: BagInfo) -> dict[str, Any]:
    return {
        'paths': [str(path) for path in info.paths],
        'tasks': sorted(info.tasks),
        'episodes': info.episodes,
        'steps': info.steps,
        'success_rate': info.success_rate,
        'relabelable_share': info.relabelable_share,
        'goal_coverage': info.goal_coverage,
        'policy_versions': info.policy_versions,
        'duration_s': info.duration_s,
        'unstamped_messages': info.unstamped,
        'size': info.size,
        'topics': info.topics,
        'rows_left_over': info.rows_left_over,
        'damage': info.damage,
    }
