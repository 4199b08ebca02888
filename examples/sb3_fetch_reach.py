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
Train Stable-Baselines3's SAC with its own HER on our simulation, many environments at a time.

Needs ``pip install stable-baselines3==2.9.2``; neither ROS nor bags. Takes about a minute.

Run: ``python examples/sb3_fetch_reach.py``
"""

import argparse

import her_ros as hr
from her_ros.adapters.sb3 import Sb3VecEnv
import numpy as np
from stable_baselines3 import HerReplayBuffer, SAC
from stable_baselines3.common.vec_env import VecNormalize


def success_rate(model: SAC, episodes: int = 50) -> float:
    """Return the share of episodes that end at their goal, without exploration."""
    envs, normalize = Sb3VecEnv('FetchReach', num_envs=episodes), model.get_vec_normalize_env()
    envs.seed(2**31)
    states, ends = envs.reset(), np.zeros(episodes, bool)
    while not ends.all():
        actions, _ = model.predict(normalize.normalize_obs(states), deterministic=True)
        states, _, ends, infos = envs.step(actions)
    return float(np.mean([info['is_success'] for info in infos]))


def train(env_steps: int = 6000, seed: int = 0) -> SAC:
    """Train with eight environments."""
    hr.set_up_torch(threads=1)
    model = SAC(
        'MultiInputPolicy',
        VecNormalize(Sb3VecEnv('FetchReach', num_envs=8), gamma=0.95),
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={'n_sampled_goal': 4, 'goal_selection_strategy': 'future'},
        gamma=0.95,
        learning_rate=1e-3,
        batch_size=256,
        learning_starts=800,
        gradient_steps=-1,  # one update per environment step
        policy_kwargs={'net_arch': [64, 64]},
        device='cpu',
        seed=seed,
    )
    return model.learn(env_steps)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--steps', type=int, default=6000, help='environment steps')
    options = parser.parse_args()
    print(f'success {success_rate(train(options.steps)):.2f} after {options.steps} steps')
