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

"""Results of an evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from her_ros.episodes.episode import Episode
from her_ros.tasks.goal_task import GoalTask
import numpy as np

# Success rates that the status of a training has.
_SHOWN = 20


def mean_return(episodes: Sequence[Episode]) -> float:
    """Return the mean sum of rewards, not discounted, of at least one episode."""
    return float(np.mean([episode.reward.sum() for episode in episodes]))


@dataclass(frozen=True)
class Evaluation:
    """Results of the evaluation of one policy version."""

    version: int
    sha256: str
    env_steps: int
    updates: int
    #: wall clock of the run when the policy was exported for it, seconds
    wall_s: float
    episodes: int
    success_rate: float
    #: share of start states that were solved before the first action
    solved_at_reset: float

    @classmethod
    def of(
        cls,
        task: GoalTask,
        version: int,
        sha256: str,
        at: tuple[int, int, float],
        episodes: Sequence[Episode],
    ) -> 'Evaluation':
        """
        Summarise episodes.

        :param at: env steps, updates and seconds of the run when the policy was exported
        :param episodes: episodes of that policy, at least one
        """
        solved = [bool(task.is_success(e.achieved_goal[0], e.desired_goal)) for e in episodes]
        return cls(
            version=version,
            sha256=sha256,
            env_steps=at[0],
            updates=at[1],
            wall_s=round(at[2], 2),
            episodes=len(episodes),
            success_rate=sum(e.is_success for e in episodes) / len(episodes),
            solved_at_reset=sum(solved) / len(episodes),
        )


def reached_in_a_row(evaluations: Sequence[Evaluation], success_rate: float) -> int:
    """Return how many evaluations, up to the last one, reached a success rate."""
    reached = [each.success_rate >= success_rate for each in reversed(evaluations)]
    return [*reached, False].index(False)


def status_of(evaluations: Sequence[Evaluation], stop_success_rate: float) -> dict[str, object]:
    """Return the diagnostics of the evaluations of a run, over all of its starts."""
    rates = [each.success_rate for each in evaluations]
    return {
        'evaluations': len(rates),
        'success_rate': rates[-1] if rates else '',
        'success_rates': ' '.join(f'{rate:.3f}' for rate in rates[-_SHOWN:]),
        'best_success_rate': max(rates, default=''),
        'reached_in_a_row': reached_in_a_row(evaluations, stop_success_rate),
    }


#: the types of what a checkpoint keeps of an evaluation
EVALUATION_FORM = {field.name: field.type for field in fields(Evaluation)}
