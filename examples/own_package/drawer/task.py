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

"""The task. It imports neither torch nor a simulator, so that the policy node can load it."""

from her_ros.tasks.goal_task import GoalTask

DRAWER = GoalTask(
    name='Drawer',
    observation_fields=(('hand_position', 3), ('drawer_opening', 1)),
    goal_size=1,
    action_size=3,
    goal_tolerance_m=0.02,
    control_period_s=0.04,
    episode_length=50,
    simulation='drawer.simulation:Drawer',
)
