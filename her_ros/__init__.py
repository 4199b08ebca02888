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
Goal-conditioned robot learning from ROS 2 bags with DDPG and Hindsight Experience Replay.

The public Python API. A name loads the module that it comes from at its first use, so importing
the package loads neither torch nor MuJoCo nor ROS::

    import her_ros as hr

    replay = hr.ReplayBuffer('FetchReach')
    replay.extend(hr.read_episodes('runs/FetchReach/run_001'))
    batch = replay.sample(256)
"""

from importlib import import_module
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from her_ros.bags.stream import read_episodes
    from her_ros.config.parameters.learner import learner_parameters, LearnerParameters
    from her_ros.episodes.episode import Episode
    from her_ros.learning.learner import Learner, set_up_torch
    from her_ros.learning.replay.batch import Batch
    from her_ros.learning.replay_buffer import ReplayBuffer
    from her_ros.policy.exploration import Exploration, Explorer
    from her_ros.policy.onnx_policy import OnnxPolicy
    from her_ros.runtime.errors import HerRosError
    from her_ros.sim.gym_batch import register_robotics
    from her_ros.sim.registry import simulation_of
    from her_ros.tasks.goal_task import GoalTask
    from her_ros.tasks.registry import task_named

__version__ = '0.1.0'

# Module of each public name.
_MODULES = {
    'Batch': 'her_ros.learning.replay.batch',
    'Episode': 'her_ros.episodes.episode',
    'Exploration': 'her_ros.policy.exploration',
    'Explorer': 'her_ros.policy.exploration',
    'GoalTask': 'her_ros.tasks.goal_task',
    'HerRosError': 'her_ros.runtime.errors',
    'Learner': 'her_ros.learning.learner',
    'LearnerParameters': 'her_ros.config.parameters.learner',
    'OnnxPolicy': 'her_ros.policy.onnx_policy',
    'ReplayBuffer': 'her_ros.learning.replay_buffer',
    'learner_parameters': 'her_ros.config.parameters.learner',
    'read_episodes': 'her_ros.bags.stream',
    'register_robotics': 'her_ros.sim.gym_batch',
    'set_up_torch': 'her_ros.learning.learner',
    'simulation_of': 'her_ros.sim.registry',
    'task_named': 'her_ros.tasks.registry',
}

__all__ = [
    'Batch',
    'Episode',
    'Exploration',
    'Explorer',
    'GoalTask',
    'HerRosError',
    'Learner',
    'LearnerParameters',
    'OnnxPolicy',
    'ReplayBuffer',
    '__version__',
    'learner_parameters',
    'read_episodes',
    'register_robotics',
    'set_up_torch',
    'simulation_of',
    'task_named',
]


def __getattr__(name: str) -> Any:
    """Load a public name at its first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
