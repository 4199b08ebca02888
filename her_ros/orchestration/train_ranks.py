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
Training by several processes that torchrun starts: all but the first.

The first one is ``her-ros train`` as it is without torchrun; its trainer node is rank 0. The
others have no nodes, take nothing from their command line, and do what rank 0 says.
"""

from collections.abc import Sequence
import os
from pathlib import Path
import signal

from her_ros.arms.registry import with_workspace
from her_ros.bags.reader import read_bag
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.acceleration.ranks import ranks_of_environment
from her_ros.learning.learner import set_up_torch
from her_ros.learning.training.rank_orders import RankFollower, ReadEpisodes
from her_ros.runtime.process import die_with_parent, END_SIGNALS
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named


def follow_trainer() -> int:
    """
    Learn with the trainer node until it ends; return the exit status.

    :raises HerRosError: if a process of the training is lost, or cannot go on
    """
    die_with_parent(os.getppid())
    with ranks_of_environment() as ranks:
        # torchrun signals all processes. The trainer ends in order first, and that ends this one.
        for number in END_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        RankFollower(ranks, _opened, lambda line: print(line, flush=True)).run()
    return 0


def release_followers() -> None:
    """End the other processes where there is nothing to train."""
    with ranks_of_environment() as ranks:
        ranks.broadcast(None)


def _opened(parameters: TrainerParameters) -> tuple[GoalTask, ReadEpisodes]:
    set_up_torch(parameters.threads)
    task = with_workspace(task_named(parameters.task, parameters.arm))

    def read(path: Path) -> Sequence[Episode]:
        return read_bag(path, task).episodes

    return task, read
