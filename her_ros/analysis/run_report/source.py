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

"""Data of a run for its report: its progress, and the episodes that it needs."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from her_ros.analysis.run_progress import progress_of, RunProgress
from her_ros.bags.reader import read_bag
from her_ros.config.files import complete, NodesValues, read_run_file
from her_ros.episodes.episode import Episode
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import sha256
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.run_result import read_result
from her_ros.runtime.states import Outcome
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
import numpy as np

#: cure of a run that has not yet done what a report shows
LATER = 'make the report again after the first one'
# Rollouts that are read of a run, evenly spread: reading all of a long run would take minutes.
_ROLLOUTS = 40


@dataclass(frozen=True)
class RunSource:
    """A run as a report sees it; what is read once is kept."""

    folder: RunFolder

    @property
    def name(self) -> str:
        """Task and name of the run, as ``FetchPush/run_001``."""
        return f'{self.folder.path.parent.name}/{self.folder.path.name}'

    @cached_property
    def progress(self) -> RunProgress:
        """
        Progress of the run.

        :raises HerRosError: if this is no run, or it cannot be read
        """
        if not self.folder.params.exists():
            raise HerRosError(
                'not a run',
                'name a run folder, such as runs/FetchReach/run_001',
                source=self.folder.path,
            )
        progress = progress_of(self.folder)
        if progress.error is not None:
            raise progress.error
        return progress

    @cached_property
    def values(self) -> NodesValues:
        """All parameters of the run."""
        return complete(read_run_file(self.folder.params))

    @property
    def trainer(self) -> dict[str, Any]:
        """Parameters of the trainer."""
        return self.values['trainer']

    @cached_property
    def task(self) -> GoalTask:
        """
        Return the task of the run, also if its parameters cannot be read.

        :raises HerRosError: if it is not known
        """
        if self.folder.result.exists():
            return task_named(read_result(self.folder.result)['task'], self.arm)
        return task_named(str(self.trainer['task']), self.arm)

    @property
    def arm(self) -> str:
        """Return the arm that the parameters name; empty: the task's own, or unreadable."""
        with suppress(HerRosError):
            return str(self.trainer['arm'])
        return ''

    @property
    def disturb(self) -> str:
        """
        Disturbances of the evaluations; empty: none, or the parameters cannot be read.

        A training from bags has no node that evaluates: its evaluations are never disturbed.
        """
        with suppress(HerRosError):
            return '' if self.is_offline else str(self.values['evaluator']['disturb'])
        return ''

    @property
    def is_offline(self) -> bool:
        """
        Whether the run learns from bags; False while nothing has started.

        :raises HerRosError: if this is no run, or it cannot be read
        """
        learns_from_bags = self.folder.checkpoint.exists() and not self.folder.is_online
        return self.progress.state.value == Outcome.TRAINED.value or learns_from_bags

    @cached_property
    def seed(self) -> int:
        """Return the seed of the run, also if its parameters cannot be read."""
        if self.folder.result.exists():
            return int(read_result(self.folder.result)['seed'])
        return int(self.trainer['seed'])

    @cached_property
    def policy_sha256(self) -> str:
        """Digest of the best policy."""
        return sha256(self.folder.policy.read_bytes())

    @cached_property
    def best_evaluation(self) -> dict[str, Any]:
        """
        Return the evaluation of ``policy.onnx``, or the last one if it has none.

        :raises HerRosError: if there is none at all
        """
        evaluations = [dict(each) for each in self.progress.evaluations]
        if not evaluations:
            raise HerRosError('there is no evaluation yet', LATER)
        digest = self.policy_sha256 if self.folder.policy.exists() else ''
        own = [each for each in evaluations if each['sha256'] == digest]
        return (own or evaluations)[-1]

    @cached_property
    def evaluated_episodes(self) -> list[Episode]:
        """
        Return the episodes of the best evaluation.

        :raises HerRosError: if its bag is not there or cannot be read
        """
        best = self.best_evaluation
        path = self.folder.evaluation_bag(int(best['version']), str(best['sha256']))
        return read_bag(path, self.task).episodes

    @cached_property
    def rollouts(self) -> list[Sequence[Episode]]:
        """
        Episodes of recorded rollouts, evenly spread over the run.

        :raises HerRosError: if there are none, or one is damaged
        """
        paths = sorted(self.folder.bags.glob('*.mcap')) if self.folder.bags.is_dir() else []
        if not paths:
            raise HerRosError('the run keeps no bags of its rollouts', 'report where the bags are')
        chosen = np.unique(np.linspace(0, len(paths) - 1, _ROLLOUTS).round().astype(int))
        return [read_bag(paths[i], self.task).episodes for i in chosen.tolist()]
