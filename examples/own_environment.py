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
Learn a task of your own in plain Python: no ROS, no bags, no MuJoCo.

A point with a mass is pushed around in a square, and has to reach a goal. The environment is this
file; her_ros brings the replay buffer with HER, the agent and the exported policy.

Run: ``python examples/own_environment.py``; it takes a few seconds.
"""

import argparse
from collections.abc import Callable

import her_ros as hr
import numpy as np
from numpy.typing import NDArray

TASK = hr.GoalTask(
    name='Point',
    observation_fields=(('position', 2), ('velocity', 2)),
    goal_size=2,
    action_size=2,
    goal_tolerance_m=0.1,
    control_period_s=0.1,
    episode_length=30,
)

Array = NDArray[np.float64]
#: step, observations (n, 4), positions (n, 2) and goals (n, 2) to actions (n, 2)
Act = Callable[[int, Array, Array, Array], NDArray[np.float32]]


class Points:
    """N points in the square from -1 m to 1 m, each pushed by its action."""

    def __init__(self, count: int, generator: np.random.Generator) -> None:
        self._count, self._generator = count, generator

    def reset(self) -> Array:
        """Start new episodes; return the goals, metres, shape (n, 2)."""
        self.position, goal = self._generator.uniform(-1.0, 1.0, (2, self._count, 2))
        self.velocity = np.zeros_like(goal)
        return goal

    def step(self, action: NDArray[np.float32]) -> None:
        """
        Move for one control period.

        :param action: in [-1, 1], shape (n, 2)
        """
        self.velocity = 0.7 * self.velocity + 0.06 * action
        self.position = np.clip(self.position + self.velocity, -1.0, 1.0)

    def observation(self) -> Array:
        """Return positions and velocities per control period, shape (n, 4)."""
        return np.hstack([self.position, self.velocity])


def play(points: Points, act: Act) -> list[hr.Episode]:
    """Play one episode in every environment."""
    goal = points.reset()
    observations, positions, actions = [points.observation()], [points.position], []
    for step in range(TASK.episode_length):
        action = act(step, observations[-1], positions[-1], goal)
        points.step(action)
        actions.append(action)
        observations.append(points.observation())
        positions.append(points.position)
    # Steps come first in these, environments second.
    recorded = np.array(observations), np.array(positions), np.array(actions)
    return [
        hr.Episode.from_arrays(
            TASK, recorded[0][:, i], recorded[1][:, i], goal[i], recorded[2][:, i]
        )
        for i in range(len(goal))
    ]


def success_rate(policy: hr.OnnxPolicy) -> float:
    """Return the share of 200 episodes, always the same, that the policy solves."""
    points = Points(200, np.random.default_rng(2**31))
    episodes = play(points, lambda _, *state: policy.act(*state))
    return float(np.mean([episode.is_success for episode in episodes]))


def train(seed: int = 0, rollouts: int = 25) -> tuple[float, float]:
    """
    Train, and print the success rate on the way.

    :return: success rates of the untrained and of the trained policy
    """
    hr.set_up_torch(threads=1)
    parameters = hr.learner_parameters(
        seed=seed, device='cpu', hidden_sizes=[64, 64], discount=0.95, actor_action_l2=0.1
    )
    learner = hr.Learner(TASK, parameters)
    points = Points(16, np.random.default_rng(seed))
    noise = hr.Exploration(noise_std=0.2, random_probability=0.3)
    explorer = hr.Explorer(noise, TASK.action_size, np.random.default_rng([seed, 1]))
    env = np.arange(16, dtype=np.uint32)

    def current_policy() -> hr.OnnxPolicy:
        return hr.OnnxPolicy(learner.policy(version=1, provenance={}), 'learner', TASK)

    def explore(step: int, *state: Array) -> NDArray[np.float32]:
        return explorer.explore(policy.act(*state), env, np.full(16, step == 0))

    policy = current_policy()
    first = success_rate(policy)
    for rollout in range(1, rollouts + 1):
        learner.ingest(play(points, explore))
        learner.update(50)
        policy = current_policy()
        if rollout % 5 == 0:
            print(f'{learner.env_steps:6} steps: success {success_rate(policy):.2f}', flush=True)
    return first, success_rate(policy)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--seed', type=int, default=0)
    before, after = train(parser.parse_args().seed)
    print(f'success {before:.2f} before, {after:.2f} after training')
