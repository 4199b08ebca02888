"""A goal strategy: goals from the next few states."""

from her_ros.learning.replay.goals import GoalStrategy
import torch

_STEPS = 5


def soon_rows(candidates):
    """Choose uniformly among the next five states, or as many as the episode has left."""
    steps = torch.clamp(candidates.last - candidates.row, max=_STEPS)
    return candidates.row + 1 + (candidates.uniform * steps).long()


SOON = GoalStrategy(soon_rows, always_later=True, needs_first=False)
