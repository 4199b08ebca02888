"""Goal tasks on any described arm: fields, sizes and timing are those of the Fetch tasks."""

from dataclasses import replace

from her_ros.tasks.fetch import FETCH_TASKS
from her_ros.tasks.goal_task import GoalTask

#: the arm of these tasks unless another one is named
DEFAULT_ARM = 'franka_panda'

#: prefix of the names of the same tasks on the Fetch
FETCH_PREFIX = 'Fetch'

#: tasks of :class:`~her_ros.sim.arm.batch.ArmBatch`
ARM_TASKS: dict[str, GoalTask] = {
    name.removeprefix(FETCH_PREFIX): replace(
        task,
        name=name.removeprefix(FETCH_PREFIX),
        arm=DEFAULT_ARM,
        simulation='her_ros.sim.arm.batch:ArmBatch',
    )
    for name, task in FETCH_TASKS.items()
}
