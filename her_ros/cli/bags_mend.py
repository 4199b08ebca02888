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

"""``her-ros bags recover`` and ``merge``: make new bags from existing ones."""

from collections.abc import Mapping
from pathlib import Path

from her_ros.bags.repair.merge import merge as merge_bags
from her_ros.bags.repair.recover import recover as recover_bag
from her_ros.bags.sources import expand
from her_ros.orchestration.progress import bags_tracked
from her_ros.runtime.output import say
from her_ros.tasks.goal_task import GoalTask


def recover(path: Path, out: Path | None, task: GoalTask | None) -> None:
    """Recover a bag and print the result."""
    # The second time to count the episodes.
    with bags_tracked([path] if path.exists() else [], 'recovering', passes=2):
        recovered = recover_bag(path, out, task)
    say(f'{recovered.path}: recovered from {path}')
    _print_counts(recovered.counts)
    if recovered.episodes is None:
        say(f'episodes not counted: {recovered.not_counted}')
    else:
        say(f'{recovered.episodes} finished episodes')
    for damage in recovered.damage:
        say(f'damage: {damage}')
    if not recovered.damage:
        say('no damage was found')


def merge(paths: list[Path], out: Path, task: GoalTask | None) -> None:
    """Merge bags and print the result."""
    found = expand(paths)
    with bags_tracked(found, 'merging', passes=2):
        merged = merge_bags(found, out, task)
    say(
        f'{merged.path}: {merged.bags} {"bag" if merged.bags == 1 else "bags"} of'
        f' {merged.task.name}, {merged.episodes} episodes'
    )
    _print_counts(merged.counts)


def _print_counts(counts: Mapping[str, int]) -> None:
    for topic, count in sorted(counts.items()):
        say(f'{count} messages on {topic}')
