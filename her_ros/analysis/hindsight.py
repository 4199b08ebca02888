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

"""Reconstruct the goals that HER sampled in a run, from its bags and its replay buffer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from her_ros.bags.reader import read_bag
from her_ros.config.files import read_run_file
from her_ros.config.parameters.learner import GOAL_STRATEGIES, LearnerParameters
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.config.schema import configured
from her_ros.episodes.episode import Episode
from her_ros.learning.replay.batch import NoiseSpec, SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.learning.training.offline import bags_in_order
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
import numpy as np
from numpy.typing import NDArray
import torch

# Times of a run at which a batch is drawn, and how many transitions then.
_TIMES, _BATCH = 30, 4096
# Goals that a strategy picks for one state; and episodes that those of others are from.
_GOALS, _EPISODES = 200, 100
# Weights of proximity at which a curriculum is looked at, and batches that it chooses goals of.
_WEIGHTS, _BATCHES = (0.01, 1.0, 10.0), 16
# So high a k that next to all samples are relabelled.
_ALWAYS = 1000


@dataclass(frozen=True)
class LoadedRun:
    """Rollouts that a run learned from, in their order, each several episodes."""

    task: GoalTask
    parameters: LearnerParameters
    rollouts: Sequence[Sequence[Episode]]


def load_run(run: RunFolder) -> LoadedRun:
    """
    Read the bags of an online run.

    :raises HerRosError: if it has learned from none, or one is missing or damaged
    """
    bags = bags_in_order(run)
    if not bags:
        raise HerRosError('has not learned from any bag yet', 'draw it later', run.path)
    parameters = configured(TrainerParameters, 'trainer', read_run_file(run.params)['trainer'])
    # An offline regularizer has no say in what is sampled, but would not allow every kind of goal.
    parameters = replace(parameters, offline_regularizer='none')
    rollouts = [read_bag(path).episodes for path, _ in bags]
    return LoadedRun(task_named(parameters.task), parameters, rollouts)


@dataclass(frozen=True)
class Rewards:
    """Shares of the transitions of a batch whose reward is 0, not -1; all of shape (n,)."""

    #: when the batch was drawn
    env_steps: NDArray[np.int64]
    #: with the goals that were pursued
    before: NDArray[np.float64]
    #: as the run relabels
    after: NDArray[np.float64]


def reward_shares(of: LoadedRun) -> Rewards:
    """
    Draw the same batches with and without relabelling, while the buffer fills again.

    TD errors and a curriculum, which follow from updates, have no say here.
    """
    original = replace(of.parameters, her_k=0, her_past_goal_k=0)
    buffers = [Replay(of.task, each) for each in (original, of.parameters)]
    ends = np.unique(np.linspace(1, len(of.rollouts), _TIMES).round().astype(int))
    generator = torch.Generator().manual_seed(0)
    steps, times, shares = 0, [], []
    for number, rollout in enumerate(of.rollouts, 1):
        for episode in rollout:
            steps += len(episode)
            for buffer in buffers:
                buffer.add(episode)
        if number in ends:
            noise = SampleNoise.random(_BATCH, generator)
            times.append(steps)
            rewards = [buffer.sample(noise).reward for buffer in buffers]
            shares.append([float((each == 0).double().mean()) for each in rewards])
    before, after = np.array(shares).T
    return Rewards(np.array(times), before, after)


@dataclass(frozen=True)
class PickedGoals:
    """The goals that strategies put in for one state; positions in metres, world frame."""

    #: achieved goals of the episode, shape (T + 1, G)
    achieved_goal: NDArray[np.float64]
    #: shape (G,)
    desired_goal: NDArray[np.float64]
    #: the state for which they are picked, 0 … T - 1
    step: int
    #: by strategy, each of shape (n, G)
    goals: dict[str, NDArray[np.float64]]


def picked_goals(of: LoadedRun) -> PickedGoals:
    """Let each strategy pick goals for a state a third into the run's longest late path."""
    last = [episode for rollout in of.rollouts for episode in rollout][-_EPISODES:]
    chosen = max(last, key=lambda each: _path_length(each.achieved_goal))
    step = len(chosen) // 3
    # Of other packages only the one of the run: the rest need not even be loaded.
    names = dict.fromkeys([*GOAL_STRATEGIES.own, of.parameters.her_strategy])
    goals = {name: _picked(of, name, last, chosen, step) for name in names}
    return PickedGoals(chosen.achieved_goal, chosen.desired_goal, step, goals)


def _picked(
    of: LoadedRun, strategy: str, episodes: Sequence[Episode], chosen: Episode, step: int
) -> NDArray[np.float64]:
    parameters = replace(
        of.parameters,
        her_strategy=strategy,
        her_k=_ALWAYS,
        her_past_goal_k=0,
        replay_capacity=sum(len(episode) + 2 for episode in episodes),
    )
    replay = Replay(of.task, parameters)
    rows = {id(episode): replay.add(episode) for episode in episodes}
    generator = torch.Generator().manual_seed(0)
    first, length = rows[id(chosen)], len(chosen)
    batches = [
        replay.sample_episode(first, length, SampleNoise.random(length, generator))
        for _ in range(_GOALS)
    ]
    return np.array([batch.goal[step].numpy() for batch in batches])


def curriculum_distances(of: LoadedRun) -> dict[str, NDArray[np.float64]]:
    """
    Return how far from the desired ones the goals lie that a curriculum chooses.

    From all that the run learned from, in batches of its size, as the strategy draws them and as
    the curriculum chooses among so drawn ones at several weights λ of proximity.

    :return: distances by ``no curriculum`` and ``λ = …``, metres, ascending, shape (n,)
    """
    kept = replace(of.parameters, her_k=0, her_past_goal_k=0, curriculum_enabled=False)
    desired, found = _all_in(of, kept), {}
    for weight in (None, *_WEIGHTS):
        chosen = replace(
            kept,
            her_k=_ALWAYS,
            curriculum_enabled=weight is not None,
            curriculum_weight=weight or 0.0,
        )
        picked = _all_in(of, chosen)
        generator = torch.Generator().manual_seed(0)
        distances = []
        for _ in range(_BATCHES):
            candidates = kept.curriculum_candidates if weight is not None else 0
            noise = SampleNoise.random(kept.batch_size, generator, NoiseSpec(candidates))
            goals = picked.sample(noise).goal
            distances.append(of.task.distance(goals, desired.sample(noise).goal).numpy())
        name = 'no curriculum' if weight is None else f'λ = {weight:g}'
        found[name] = np.sort(np.concatenate(distances))
    return found


def _all_in(of: LoadedRun, parameters: LearnerParameters) -> Replay:
    replay = Replay(of.task, parameters)
    for rollout in of.rollouts:
        for episode in rollout:
            replay.add(episode)
    return replay


def _path_length(positions: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.diff(positions, axis=0), axis=1).sum())
