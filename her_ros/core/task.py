"""Goal-conditioned tasks: sizes, reward, success and timing, in one place."""

from dataclasses import dataclass
from typing import Any, TypeVar

from her_ros.core.errors import HerRosError

# numpy and torch arrays alike: the formulas below use operators that both have.
Array = TypeVar('Array', bound=Any)


class TaskError(HerRosError):
    """A task that does not exist, or data of another task."""


#: how far a full action of the Fetch tasks asks the gripper to move in one control period, metres
FULL_ACTION_M = 0.05


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


# Positions in metres, world frame; rotations as Euler angles, rad; velocities per control period
# (m or rad in 0.04 s, not per second), as gymnasium-robotics defines them.
_REACH_FIELDS = (
    ('gripper_position', 3),
    ('finger_positions', 2),
    ('gripper_velocity', 3),
    ('finger_velocities', 2),
)
_OBJECT_FIELDS = (
    ('gripper_position', 3),
    ('object_position', 3),
    ('object_position_from_gripper', 3),
    ('finger_positions', 2),
    ('object_rotation', 3),
    ('object_velocity_from_gripper', 3),
    ('object_angular_velocity', 3),
    ('gripper_velocity', 3),
    ('finger_velocities', 2),
)


def _fetch(name: str, observation_fields: tuple[tuple[str, int], ...]) -> GoalTask:
    return GoalTask(
        name=name,
        observation_fields=observation_fields,
        goal_size=3,
        action_size=4,
        goal_tolerance_m=0.05,
        control_period_s=0.04,
        episode_length=50,
    )


TASKS: dict[str, GoalTask] = {
    task.name: task
    for task in (
        _fetch('FetchReach', _REACH_FIELDS),
        _fetch('FetchPush', _OBJECT_FIELDS),
        _fetch('FetchSlide', _OBJECT_FIELDS),
        _fetch('FetchPickAndPlace', _OBJECT_FIELDS),
    )
}


def task_named(name: str) -> GoalTask:
    """Find a task by its name.

    :raises TaskError: if there is no such task
    """
    try:
        return TASKS[name]
    except KeyError:
        raise TaskError(f'task {name!r} is unknown; choose one of {", ".join(TASKS)}') from None
