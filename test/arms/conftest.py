from her_ros.arms.scene_specs import SCENE_SPECS
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
import pytest


@pytest.fixture(params=list(SCENE_SPECS))
def task(request: pytest.FixtureRequest) -> GoalTask:
    """Every task of the Fetch."""
    return task_named(request.param)
