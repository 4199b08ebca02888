"""Fixtures: the arm tasks on the small arm of the package."""

from collections.abc import Callable

from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
import pytest


@pytest.fixture(scope='session')
def on_small_arm() -> Callable[[str], GoalTask]:
    """Return a task by name, on the arm that needs no download."""
    return lambda name: task_named(name, 'six_joint')
