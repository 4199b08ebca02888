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

"""``her-ros bags verify``: print one line per fault."""

from collections import Counter
from pathlib import Path

from her_ros.bags.inspection.verify import Verified, verify
from her_ros.bags.sources import expand
from her_ros.orchestration.progress import bags_tracked
from her_ros.tasks.goal_task import GoalTask

# Faults shown per kind; a bag of another robot has one per row.
_SHOWN = 20


def verify_bags(paths: list[Path], task: GoalTask | None, every: bool) -> int:
    """Print the faults of bags; return the exit status."""
    result, found = Verified(), expand(paths)
    with bags_tracked(found, 'verifying'):
        _print_faults(found, task, every, result)
    for note in result.notes if every else result.notes[:_SHOWN]:
        print(f'note: {note}')
    if not every and len(result.notes) > _SHOWN:
        print(f'note: {len(result.notes) - _SHOWN} more of these; --all prints them')
    print(_summary(result))
    return int(result.faults > 0)


def _print_faults(paths: list[Path], task: GoalTask | None, every: bool, result: Verified) -> None:
    for path in paths:
        met: Counter[str] = Counter()
        for fault in verify(path, task, result):
            met[fault.kind] += 1
            if every or met[fault.kind] <= _SHOWN:
                print(fault)
        if not every:
            for kind, count in met.items():
                if count > _SHOWN:
                    print(f'{path}: {count - _SHOWN} more: {kind}; --all prints them')


def _summary(result: Verified) -> str:
    parts = [
        f'{result.bags} {"bag" if result.bags == 1 else "bags"}',
        f'{result.episodes} episodes',
        f'{result.rows} rows',
        f'{result.faults or "no"} {"fault" if result.faults == 1 else "faults"}',
    ]
    if result.borderline:
        parts.append(f'{result.borderline} rows within 1e-6 m of the tolerance were not checked')
    return ', '.join(parts)
