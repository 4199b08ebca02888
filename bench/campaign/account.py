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

"""Compare the bags of a run with the bags that its trainer has read."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from her_ros.bags.reader import read_bag
from her_ros.learning.training.checkpoint import load_checkpoint
from her_ros.runtime.files import file_sha256
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import task_named
import numpy as np

# Bags that come within the trainer's last look at the folder and the end of the run are in time.
_LAST_LOOK_S = 5.0


@dataclass
class Account:
    """Content of the bags of a run, beside what the trainer learned from them."""

    in_folder: list[str]
    episodes: int = 0
    #: bags that were seen and are gone or changed, or that the trainer has not read
    lost: int = 0
    recorded_twice: int = 0
    #: difference between the trainer's counts and those of the bags it read
    miscounted: int = 0
    #: finished episodes of each bag in the folder
    by_bag: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, folder: RunFolder, task: str, seen: dict[str, int]) -> 'Account':
        """
        Compare the checkpoint of a run with the bags in its folder.

        :param seen: names and sizes of bags that were there at an earlier time
        """
        account = cls(sorted(path.name for path in folder.bags.glob('*.mcap')))
        state = load_checkpoint(folder.checkpoint)
        log = [(name, digest) for name, digest in state['log']]
        account._compare_lists(folder, log, seen)
        account._compare_counts(folder, task, [name for name, _ in log], state)
        return account

    def _compare_lists(
        self, folder: RunFolder, log: Sequence[tuple[str, str]], seen: dict[str, int]
    ) -> None:
        learned = {name for name, _ in log}
        ended_at = folder.checkpoint.stat().st_mtime
        unread = [
            name
            for name in self.in_folder
            if name not in learned
            and (folder.bags / name).stat().st_mtime < ended_at - _LAST_LOOK_S
        ]
        altered = [
            name
            for name, size in seen.items()
            if name not in self.in_folder or (folder.bags / name).stat().st_size != size
        ]
        altered += [
            name
            for name, digest in log
            if name not in self.in_folder or file_sha256(folder.bags / name) != digest
        ]
        self._note('never learned from', unread)
        self._note('gone or altered', altered)
        self.lost = len(unread) + len(set(altered))
        self.recorded_twice = len(log) - len(learned)

    def _compare_counts(
        self, folder: RunFolder, task: str, learned: Sequence[str], state: dict[str, object]
    ) -> None:
        keys: list[tuple[int, ...]] = []
        counts = np.zeros(2, np.int64)
        for name in self.in_folder:
            bag = read_bag(folder.bags / name, task_named(task))
            keys += [
                tuple(int(each.rows[key][0]) for key in ('session', 'env', 'episode'))
                for each in bag.episodes
            ]
            self.by_bag[name] = len(bag.episodes)
            steps = sum(len(each) for each in bag.episodes)
            counts += learned.count(name) * np.array([steps, len(bag.episodes)])
            if bag.left_over:
                self._note('holds unfinished episodes', [name])
        self.episodes = len(keys)
        self.recorded_twice += len(keys) - len(set(keys))
        found = np.array(state['learner']['counters'][:2])  # type: ignore[index]
        self.miscounted = int(np.abs(found - counts).sum())
        if self.miscounted:
            self.problems.append(f'env steps, episodes: {found} learned, {counts} in the bags')

    def _note(self, what: str, names: Sequence[str]) -> None:
        self.problems += [f'{name}: {what}' for name in names]
