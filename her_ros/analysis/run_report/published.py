"""The published results of the tasks: the table of README.md."""

from typing import NamedTuple


class Published(NamedTuple):
    """Published result of a task's parameter file: medians of three seeds on two cores."""

    success_rate: float
    #: until evaluations reached that success rate
    env_steps: int
    wall_clock: str
    #: of the shipped policy
    success_of_1000: float


PUBLISHED = {
    'FetchReach': Published(0.99, 800, '2 s', 1.0),
    'FetchPush': Published(0.95, 23_000, '51 s', 0.999),
    'FetchPickAndPlace': Published(0.90, 42_000, '88 s', 0.998),
    'FetchSlide': Published(0.75, 470_000, '23 min', 0.846),
}
