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

"""Values that the replay buffer stores of each state beside its achieved goal."""

from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.symmetry import Kind


def stored_values(task: GoalTask, truth: str) -> list[list[tuple[Kind, int]]]:
    """
    Return kinds and sizes of the values of each part of a stored state, in their order.

    The parts are the observation and the action; with the parameter ``truth`` also the achieved
    goal that the policy saw, and for critics that see the truth the true observation.
    """
    parts = [task.observation_kinds, task.action_kinds]
    if truth != 'none':
        parts.append(task.goal_kinds)
    if truth == 'critic':
        parts.append(task.observation_kinds)
    return parts
