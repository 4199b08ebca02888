# Copyright 2026 her_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

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
