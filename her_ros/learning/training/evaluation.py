"""Results of an evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from her_ros.episodes.episode import Episode
from her_ros.tasks.goal_task import GoalTask


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
        """Summarise episodes.

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


#: the types of what a checkpoint keeps of an evaluation
EVALUATION_FORM = {field.name: field.type for field in fields(Evaluation)}
