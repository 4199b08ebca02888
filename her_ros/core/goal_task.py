"""What a goal-conditioned task is."""

from dataclasses import dataclass
from typing import Any, TypeVar

# numpy and torch arrays alike: the formulas below use operators that both have.
Array = TypeVar('Array', bound=Any)


@dataclass(frozen=True)
class GoalTask:
    """What an agent, an environment and a bag have to agree on.

    The reward is sparse, as in Plappert et al. 2018 (arXiv 1802.09464), section 1.1.
    """

    name: str
    #: what an observation is made of, in order: (name, number of values)
    observation_fields: tuple[tuple[str, int], ...]
    goal_size: int
    action_size: int
    goal_tolerance_m: float
    control_period_s: float
    episode_length: int

    @property
    def observation_size(self) -> int:
        """Number of values in an observation."""
        return sum(size for _, size in self.observation_fields)

    def distance(self, achieved: Array, desired: Array) -> Array:
        """Euclidean distance between goals.

        :param achieved: positions, metres, world frame, shape (..., G), numpy or torch
        :param desired: goal positions, metres, world frame, shape (..., G)
        :return: distances, metres, shape (...)
        """
        delta = achieved - desired
        return (delta * delta).sum(-1) ** 0.5

    def reward(self, achieved: Array, desired: Array) -> Array:
        """Sparse reward: 0.0 where the goal is reached, -1.0 elsewhere.

        :param achieved: positions *after* the action, metres, world frame, shape (..., G)
        :param desired: goal positions, metres, world frame, shape (..., G)
        :return: rewards, shape (...)
        """
        return (self.distance(achieved, desired) > self.goal_tolerance_m) * -1.0

    def is_success(self, achieved: Array, desired: Array) -> Array:
        """Tell where the goal is reached, as boolean array of shape (...)."""
        return self.distance(achieved, desired) < self.goal_tolerance_m
