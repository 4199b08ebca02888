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

"""
The Fetch tasks in MuJoCo, several environments at a time.

Importing this registers ``her_ros/FetchReach``, ``her_ros/FetchPush``, ``her_ros/FetchSlide`` and
``her_ros/FetchPickAndPlace`` with Gymnasium; MuJoCo is loaded when one of them is made.
"""

import gymnasium
from her_ros.arms.scene_specs import SCENE_SPECS
from her_ros.tasks.registry import TASKS

for _name in SCENE_SPECS:
    gymnasium.register(
        id=f'her_ros/{_name}',
        entry_point='her_ros.sim.gym:FetchEnv',
        vector_entry_point='her_ros.sim.gym_vector:FetchVectorEnv',
        max_episode_steps=TASKS[_name].episode_length,
        kwargs={'task': _name},
    )
