"""The simulated robot of a task: a Fetch, or any other arm."""

from her_ros.robot.simulated.arm import SimulatedArm
from her_ros.robot.simulated.robot import SimulatedRobot
from her_ros.tasks.goal_task import GoalTask


def simulated_robot(task: GoalTask, command_timeout_s: float) -> SimulatedRobot | SimulatedArm:
    """
    Return the robot that does a task, at a start state of its own.

    :param command_timeout_s: simulated time after which a velocity command expires
    :raises HerRosError: if the task has no robot, or what it is made of is missing
    """
    kind = SimulatedArm if task.arm else SimulatedRobot
    return kind(task, command_timeout_s)
