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
The bit-flipping task of the HER paper, trained with DQN in one process.

Andrychowicz et al. 2017 (arXiv 1707.01495), section 3.1: n bits, n actions, each of which flips
one bit; the reward is -1 until the bits match the goal. An episode has at most n steps. Random
actions hardly ever reach the goal, so without HER nothing is learned from about 13 bits on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
import time

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.agents.dqn import Dqn
from her_ros.learning.replay.batch import SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.runtime.seeds import integer_seed
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import step_dtype
from her_ros.wire.step_rows import fill_move, fill_state
import numpy as np
from numpy.typing import NDArray
import torch

#: numbers of the actions for observations and goals, shapes (n, bits) and (n,)
Choose = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.int64]]

_EPISODES_PER_CYCLE, _UPDATES_PER_CYCLE = 16, 40
_EVALUATION_EPISODES = 200
# Share of the actions that are random in training.
_RANDOM_SHARE = 0.2


def bit_flipping(bits: int) -> GoalTask:
    """Describe the task of so many bits, each of which is -1 or 1."""
    return GoalTask(
        name=f'BitFlipping{bits}',
        observation_fields=(('bits', bits),),
        goal_size=bits,
        action_size=bits,
        # A single wrong bit is at a distance of 2.
        goal_tolerance_m=1.0,
        control_period_s=1.0,
        episode_length=bits,
    )


def learning_parameters(hindsight: bool, seed: int = 0) -> LearnerParameters:
    """Return a learner for up to 40 bits; the network is the paper's, a layer of 256 units."""
    return LearnerParameters(
        seed=seed,
        device='cpu',
        hidden_sizes=(256,),
        batch_size=128,
        her_k=4 if hindsight else 0,
        replay_capacity=200_000,
    )


def roll_out(
    task: GoalTask, choose: Choose, episodes: int, random: np.random.Generator
) -> list[Episode]:
    """Play episodes from random bits to random goals; they end with the goal or after n flips."""
    rows = np.zeros((episodes, task.episode_length + 1), step_dtype(task))
    rows['env'] = np.arange(episodes)[:, None]
    rows['step'] = np.arange(task.episode_length + 1)
    bits, goal = random.choice((-1.0, 1.0), (2, episodes, task.goal_size))
    lengths = np.full(episodes, task.episode_length)
    fill_state(rows[:, 0], bits, bits, goal)
    for step in range(1, task.episode_length + 1):
        flips = np.eye(task.action_size)[choose(bits, goal)]
        bits = bits * (1.0 - 2.0 * flips)
        fill_state(rows[:, step], bits, bits, goal)
        fill_move(rows[:, step], task, flips)
        reached = rows['is_success'][:, step] == 1
        rows['terminated'][:, step] = reached
        lengths = np.where(reached, np.minimum(lengths, step), lengths)
    rows['truncated'][:, -1] = ~reached
    return [Episode(row[: length + 1]) for row, length in zip(rows, lengths, strict=True)]


@dataclass(frozen=True)
class Progress:
    """Progress of a training; success is the share of episodes that reached their goal."""

    episodes: int
    seconds: float
    success: float


class BitFlippingTraining:
    """
    DQN on bit flipping: episodes in turn with updates, evaluations left to the caller.

    :param parameters: ``her.k`` is k; 0 does without hindsight
    """

    def __init__(self, bits: int, parameters: LearnerParameters) -> None:
        self.task = bit_flipping(bits)
        self.replay = Replay(self.task, parameters)
        seed = parameters.seed
        self._random = np.random.default_rng(integer_seed(seed, 'episodes'))
        self._draws = torch.Generator().manual_seed(integer_seed(seed, 'update'))
        initial = torch.Generator().manual_seed(integer_seed(seed, 'parameters'))
        self.agent = Dqn(self.task, parameters, initial)
        self._batch_size = parameters.batch_size
        self.episodes = 0

    def cycle(self) -> None:
        """Play some episodes with random actions among them, then make updates."""
        for episode in roll_out(self.task, self._explore, _EPISODES_PER_CYCLE, self._random):
            self.replay.add(episode)
        self.episodes += _EPISODES_PER_CYCLE
        for _ in range(_UPDATES_PER_CYCLE):
            noise = SampleNoise.random(self._batch_size, self._draws)
            self.agent.update(self.replay.sample(noise))

    def success(self) -> float:
        """Return the share of 200 episodes, always the same, that reach their goal."""
        random = np.random.default_rng(0)
        played = roll_out(self.task, self._best, _EVALUATION_EPISODES, random)
        return float(np.mean([episode.is_success for episode in played]))

    def run(
        self, budget_s: float, cycles: int = 1 << 40, enough: float = 1.0
    ) -> Iterator[Progress]:
        """Learn until the time is over, the cycles are made or success is enough."""
        begin = time.monotonic()
        for cycle in range(1, cycles + 1):
            self.cycle()
            seconds = time.monotonic() - begin
            last = cycle == cycles or seconds > budget_s
            if last or cycle % 50 == 0:
                progress = Progress(self.episodes, seconds, self.success())
                yield progress
                if last or progress.success >= enough:
                    return

    def _best(self, bits: NDArray[np.float64], goal: NDArray[np.float64]) -> NDArray[np.int64]:
        states = (torch.from_numpy(values).float() for values in (bits, goal))
        return self.agent.choose(*states).numpy()

    def _explore(self, bits: NDArray[np.float64], goal: NDArray[np.float64]) -> NDArray[np.int64]:
        anything = self._random.integers(self.task.action_size, size=len(bits))
        is_random = self._random.random(len(bits)) < _RANDOM_SHARE
        return np.where(is_random, anything, self._best(bits, goal))
