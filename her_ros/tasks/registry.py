"""The list of all tasks, by name."""

from her_ros.tasks.errors import TaskError
from her_ros.tasks.fetch import FETCH_TASKS
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.gymnasium import GYM_IDS, GYM_PREFIX, gym_tasks

#: all tasks but those of Gymnasium-Robotics; your own go here
TASKS: dict[str, GoalTask] = {**FETCH_TASKS}
#: all tasks, including those of Gymnasium-Robotics
ALL_TASKS = {**TASKS, **gym_tasks(FETCH_TASKS)}


def task_named(name: str) -> GoalTask:
    """Find a task by its name; ``gym:<id>`` is one of Gymnasium-Robotics.

    :raises TaskError: if there is no such task, or its reward is not supported
    """
    if task := ALL_TASKS.get(name):
        return task
    if name.startswith(GYM_PREFIX):
        raise TaskError(
            f'task {name!r} is not in the list of supported tasks: {GYM_IDS}',
            'another one with a sparse reward of the distance to the goal can be added to TASKS',
        )
    raise TaskError(
        f'task {name!r} is unknown',
        f'choose one of {", ".join(TASKS)}, or gym:<id> of Gymnasium-Robotics',
    )
