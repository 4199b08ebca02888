import pytest

from her_ros.arms.setups import SETUPS
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named


@pytest.fixture(params=list(SETUPS))
def task(request: pytest.FixtureRequest) -> GoalTask:
    """Every task of the Fetch."""
    return task_named(request.param)
