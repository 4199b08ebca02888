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
