"""Values that the replay buffer stores of each state beside its achieved goal."""

from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.symmetry import Kind


def stored_values(task: GoalTask, truth: str) -> list[list[tuple[Kind, int]]]:
    """
    Return kinds and sizes of the values of each part of a stored state, in their order.

    The parts are the observation and the action; with the parameter ``truth`` also the achieved
    goal that the policy saw, and for critics that see the truth the true observation.
    """
    parts = [task.observation_kinds, task.action_kinds]
    if truth != 'none':
        parts.append(task.goal_kinds)
    if truth == 'critic':
        parts.append(task.observation_kinds)
    return parts
