"""What rollouts ask of a simulation, whichever it is."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from numpy.typing import ArrayLike, NDArray

from her_ros.core.gym_tasks import PREFIX
from her_ros.core.task import FETCH_TASKS, GoalTask
from her_ros.sim.errors import SimError
from her_ros.sim.readout import Floats


class GoalState(NamedTuple):
    """What environments are in; arrays of its own, which later calls leave alone."""

    #: shape (n, O); the parts are named by the task's ``observation_fields``
    observation: Floats
    #: metres, world frame, shape (n, G)
    achieved_goal: Floats
    #: metres, world frame, shape (n, G)
    desired_goal: Floats


class Simulation(Protocol):
    """N environments of one task, whose episodes have no end of their own."""

    def __len__(self) -> int:
        """Return N."""

    def reset(self, *, seeds: Sequence[int | None] | None = None) -> GoalState:
        """Start episodes in all environments; where a seed is None, its generator goes on."""

    def set_goal(self, goals: ArrayLike) -> None:
        """Replace the desired goals, metres, world frame, until the next reset."""

    def step(self, actions: NDArray) -> GoalState:
        """Move all environments for one control period by actions in [-1, 1], shape (N, A)."""

    def state(self) -> GoalState:
        """Return the present state."""

    def qpos(self, row: int) -> Floats:
        """Return the joint positions of one environment, rad and metres, as MuJoCo has them."""


def simulation_of(task: GoalTask, seeds: Sequence[int | None], threads: int = 1) -> Simulation:
    """Make the simulation of a task: our own, or Gymnasium-Robotics' original.

    :param seeds: one per environment; None draws one from the operating system
    :param threads: threads of our own physics; the originals have one
    :raises SimError: if it cannot be made
    """
    # Whoever runs one does not load the other.
    if task.name in FETCH_TASKS:
        from her_ros.sim.fetch import FetchBatch

        return FetchBatch(task, seeds, threads)
    if task.name.startswith(PREFIX):
        from her_ros.sim.original import OriginalBatch

        return OriginalBatch(task, seeds)
    raise SimError(
        f'task {task.name!r} has no simulation; return one from simulation_of in {__name__}'
    )
