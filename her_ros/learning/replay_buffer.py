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

"""The replay buffer for Python programs: add episodes, sample relabelled batches."""

from collections.abc import Iterable

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.replay.batch import Batch, SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.learning.replay.episode_rows import ReplayError
from her_ros.runtime.seeds import integer_seed
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
import torch


class ReplayBuffer:
    """
    A replay buffer with Hindsight Experience Replay and a random generator of its own.

    :param task: the task or its name
    :param parameters: ``her.k``, ``her.strategy``, ``replay_capacity``, ``seed`` and the
        others that concern sampling; None: the defaults
    :param device: where the tensors are
    :raises TaskError: if there is no task of that name
    """

    def __init__(
        self,
        task: GoalTask | str,
        parameters: LearnerParameters | None = None,
        device: torch.device | str = 'cpu',
    ) -> None:
        self.task = task_named(task) if isinstance(task, str) else task
        parameters = parameters or LearnerParameters()
        self._replay = Replay(self.task, parameters, device)
        self._generator = torch.Generator(device).manual_seed(
            integer_seed(parameters.seed, 'update')
        )

    def __len__(self) -> int:
        """Return the number of transitions stored."""
        return len(self._replay)

    @property
    def episodes(self) -> int:
        """Return the number of episodes stored."""
        return self._replay.episodes

    def add(self, episode: Episode) -> None:
        """
        Store an episode; the oldest ones go when there is no room.

        :raises EpisodeError: if it is not a whole episode of the task
        :raises RowError: if a value is not finite
        :raises ReplayError: if it is larger than the buffer
        """
        episode.check(self.task)
        self._replay.add(episode)

    def extend(self, episodes: Iterable[Episode]) -> None:
        """Store episodes, as :meth:`add` does."""
        for episode in episodes:
            self.add(episode)

    def sample(self, count: int) -> Batch:
        """
        Draw transitions and relabel them.

        :return: ``count`` transitions; ``goal`` and ``reward`` are those after relabelling
        :raises ReplayError: if the buffer is empty, or ``count`` is not positive
        """
        if count < 1:
            raise ReplayError(f'a batch of {count} transitions', 'draw one at least')
        noise = SampleNoise.random(count, self._generator, self._replay.noise_spec)
        return self._replay.sample(noise)
