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
Classify the goals that HER substitutes: already reached, reached later, or missed.

Puts in goals for every transition of a run's first episodes, as each strategy picks them, and asks
of each goal whether the next state is at it (reward 0), and whether the episode comes by it from
there on.

Run: ``python bench/missed_goals.py RUN [--episodes 1000]``, with the folder of a training run
"""

from collections.abc import Sequence
from dataclasses import replace
import sys
from typing import Any

from her_ros.analysis.hindsight import load_run, LoadedRun
from her_ros.episodes.episode import Episode
from her_ros.learning.replay.batch import SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray
from options import Options, whole
from table import print_figures, print_table
import torch

STRATEGIES: dict[str, dict[str, Any]] = {
    'final': {'her_strategy': 'final'},
    'future': {'her_strategy': 'future'},
    'episode': {'her_strategy': 'episode'},
    'random': {'her_strategy': 'random'},
    'future, and 2 past goals': {'her_strategy': 'future', 'her_past_goal_k': 2},
}
KEYS = {name.partition(',')[0] + '_past' * (',' in name): name for name in STRATEGIES}


def shares(
    of: LoadedRun, episodes: Sequence[Episode], strategy: dict[str, Any]
) -> tuple[float, ...]:
    """Return the shares of goals put in that are reached at once, later, or not any more."""
    plain = {
        'her_past_goal_k': 0, 'motion_fraction': 0.0,
        'curriculum_enabled': False, 'priority_kind': 'none',
        'replay_capacity': sum(len(episode) + 2 for episode in episodes),
    }  # fmt: skip
    replay = Replay(of.task, replace(of.parameters, her_k=4, **{**plain, **strategy}))
    generator = torch.Generator().manual_seed(0)
    counts = np.zeros(3)
    # All of them first, as `random` picks among them.
    firsts = [replay.add(episode) for episode in episodes]
    for episode, first in zip(episodes, firsts, strict=True):
        goals = replay.sample_episode(
            first, len(episode), SampleNoise.random(len(episode), generator)
        ).goal.numpy()
        put_in = (goals != episode.desired_goal.astype(goals.dtype)).any(axis=1)
        now, ever = reached(of.task, episode, goals)
        for index, chosen in enumerate((now, ever & ~now, ~ever)):
            counts[index] += (chosen & put_in).sum()
    return tuple((counts / counts.sum()).tolist())


def reached(
    task: GoalTask, episode: Episode, goals: NDArray[Any]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell of each transition's goal, (T, G), whether it is reached next, and from there on."""
    rewards = task.reward(episode.achieved_goal[None, 1:], goals[:, None])
    hits = np.triu(np.asarray(rewards) == 0.0)
    return np.diagonal(hits), hits.any(axis=1)


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('run', help='folder of a training run')
    parser.add_argument(
        '--episodes', type=whole(1), default=1000, help='how many, from the first on'
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        of = load_run(RunFolder(options.run))
    except HerRosError as error:
        sys.exit(f'missed_goals: {error}')
    episodes = [episode for rollout in of.rollouts for episode in rollout][: options.episodes]
    found = {name: shares(of, episodes, strategy) for name, strategy in STRATEGIES.items()}
    print_table(
        f'{of.task.name}, {len(episodes)} episodes: goals put in',
        ('at once', 'later', 'missed'),
        [(name, *each) for name, each in found.items()],
    )
    print_figures(**{f'missed_{key}': found[name][2] for key, name in KEYS.items()})


if __name__ == '__main__':
    main()
