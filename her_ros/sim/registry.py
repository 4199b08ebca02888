"""Make the simulation of a task."""

from collections.abc import Sequence

from her_ros.sim.errors import SimError
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.simulation import Simulation
from her_ros.tasks.fetch import FETCH_TASKS
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.gymnasium import GYM_PREFIX


def simulation_of(task: GoalTask, seeds: Sequence[int | None], threads: int = 1) -> Simulation:
    """Make the simulation of a task: :class:`FetchBatch`, or Gymnasium environments.

    :param seeds: one per environment; None draws one from the operating system
    :param threads: physics threads of Fetch tasks; Gymnasium's environments use one
    :raises SimError: if it cannot be made
    """
    if task.name in FETCH_TASKS:
        return FetchBatch(task, seeds, threads)
    if task.name.startswith(GYM_PREFIX):
        # Imported only where it is needed.
        from her_ros.sim.gym_batch import GymBatch

        return GymBatch(task, seeds)
    raise SimError(
        f'task {task.name!r} has no simulation', f'return one from simulation_of in {__name__}'
    )
