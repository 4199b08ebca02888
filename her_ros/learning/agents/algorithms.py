"""The agents, by their names in parameter files."""

from collections.abc import Callable

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.agents.actor_critic import Algorithm
from her_ros.learning.agents.agent import Ddpg
from her_ros.learning.agents.sac import Sac
from her_ros.learning.agents.td3 import Td3
from her_ros.tasks.goal_task import GoalTask

ALGORITHMS: dict[str, Callable[[GoalTask, LearnerParameters], Algorithm]] = {
    'ddpg': Ddpg,
    'td3': Td3,
    'sac': Sac,
}
