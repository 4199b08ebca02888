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

"""Select the bags for offline training: their files, their task, and the share per process."""

from collections.abc import Sequence
from pathlib import Path

from her_ros.bags.errors import wrap_errors
from her_ros.bags.sources import digest_of, expand
from her_ros.bags.stream import EpisodeStream
from her_ros.learning.acceleration.ranks import Ranks
from her_ros.learning.training.offline import bags_in_order
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
from rich.console import Console


def listed_bags(paths: Sequence[Path], console: Console) -> list[tuple[Path, str]]:
    """List the bags to learn from, with their required digests where a run has recorded them."""
    bags: dict[Path, tuple[Path, str]] = {}
    for path in paths:
        logged = bags_in_order(RunFolder(path)) if (path / 'checkpoint').exists() else None
        found = [(bag, '') for bag in expand([path])] if logged is None else logged
        for bag, digest in found:
            if bag.resolve() not in bags or digest:
                bags[bag.resolve()] = (bag, digest)
        if logged is not None and (unread := len(expand([path])) - len(logged)):
            console.print(
                f'{path}: {unread} that the run has not learned from are left out; name'
                f' {path / "bags"} to take them all'
            )
    return list(bags.values())


def task_of(bags: Sequence[tuple[Path, str]]) -> GoalTask:
    """
    Return the task of the bags, from the first readable one.

    :raises HerRosError: if that bag does not name its task
    """
    problem = HerRosError('no bag is named', 'name bags, folders of bags or run folders')
    for path, _ in bags:
        stream = EpisodeStream(path)
        try:
            next(iter(stream), None)
        except HerRosError as error:
            problem = error
        else:
            problem = stream.nothing_finished
        if stream.task is not None:
            return stream.task
    raise problem


def shard(bags: Sequence[tuple[Path, str]], ranks: Ranks) -> dict[Path, str]:
    """
    Return the bags of one rank, every n-th, and their digests where a run has recorded them.

    :raises HerRosError: if there are fewer bags than ranks
    """
    if len(bags) < ranks.count:
        raise HerRosError(
            f'{ranks.count} processes, but bags: {len(bags)}', 'each process needs one of its own'
        )
    rank, count = ranks.rank, ranks.count
    return dict(bags[rank::count])


def digests_of(bags: dict[Path, str]) -> list[tuple[str, str]]:
    """
    Return names and digests; of a directory, those of the files that readers may read.

    :raises HerRosError: if a bag has changed since its run has learned from it
    """
    found = []
    for path, expected in bags.items():
        with wrap_errors(path):
            digests = digest_of(path)
        if expected and digests != expected:
            raise HerRosError(
                'altered since the run has learned from it',
                'put the bag of then back, or name the folder of bags instead of the run',
                path,
            )
        found.append((path.name, digests))
    return found
