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

"""What a learner makes of an episode: the goals that HER puts in, and the values of its critic."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from her_ros.config.files import read_run_file
from her_ros.config.parameters.learner import LearnerParameters
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.config.schema import configured
from her_ros.episodes.episode import Episode
from her_ros.learning.learner import Learner
from her_ros.learning.replay.batch import SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.learning.training.checkpoint import load_checkpoint
from her_ros.learning.training.checkpoint_form import check_form
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray
import torch

Floats = NDArray[np.float64]

# Goals that are drawn for each state, and so high a k that next to all are HER's.
_GOALS, _ALWAYS = 40, 1000
# The buffer of the learner stays empty, and takes memory.
_NO_ROWS = 1000


class LearnerView(NamedTuple):
    """What a learner makes of an episode."""

    #: drawn for each move: metres, world frame, shape (n, T, G); None: not known, or HER is off
    goals: Floats | None
    #: Q of each move towards the desired goal, shape (T,); None: not known
    value: Floats | None
    #: what is not known, and why
    note: str


class LearnerAnalysis:
    """
    Looks at episodes as the learner of a run does.

    :param run: None: episodes of no run; HER is then shown with its default parameters
    """

    def __init__(self, run: RunFolder | None, task: GoalTask) -> None:
        self._run, self.task = run, task
        self._critic: tuple[object, Critic] | None = None

    def look(self, episode: Episode, others: Sequence[Episode]) -> LearnerView:
        """
        Look at an episode.

        :param others: others of its bag, from which some strategies take goals
        """
        goals, value, notes = None, None, []
        try:
            parameters = parameters_of(self._run)
            if parameters.her_k:
                goals = hindsight_goals(parameters, self.task, episode, others)
                if parameters.her_past_goal_k:
                    notes.append('Past goals (her.past_goal_k) are not shown.')
            else:
                notes.append('No goals of HER: her.k of this run is 0.')
            if self._run is None:
                notes.append('Goals as HER puts them in by default; the run is not known.')
            else:
                value = self._critic_of(self._run, parameters).values(episode)
        except (HerRosError, OSError, KeyError) as error:
            what = 'Not shown' if goals is None else 'Q is not shown'
            notes.append(f'{what}: {error}')
        return LearnerView(goals, value, ' '.join(notes))

    def _critic_of(self, run: RunFolder, parameters: LearnerParameters) -> 'Critic':
        """Return the critic of the last checkpoint, which is read again when it was replaced."""
        found = run.checkpoint.stat() if run.checkpoint.exists() else None
        version = None if found is None else (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._critic is None or self._critic[0] != version:
            self._critic = (version, Critic(run, parameters, self.task))
        return self._critic[1]


def parameters_of(run: RunFolder | None) -> LearnerParameters:
    """
    Return how a run learns; without one, the defaults.

    :raises HerRosError: if they cannot be read
    """
    if run is None or not run.params.exists():
        return LearnerParameters()
    values = read_run_file(run.params)['trainer']
    return replace(
        configured(TrainerParameters, 'trainer', values), offline_regularizer='none', device='cpu'
    )


def hindsight_goals(
    parameters: LearnerParameters, task: GoalTask, episode: Episode, others: Sequence[Episode]
) -> Floats:
    """
    Draw goals that HER may put in for each move of an episode.

    :param others: episodes beside it, for strategies that take goals of those
    :return: metres, world frame, shape (n, T, G)
    """
    rows = sum(len(each) + 2 for each in (episode, *others))
    # Symmetries would move what is shown elsewhere.
    own = replace(
        parameters,
        her_k=_ALWAYS,
        her_past_goal_k=0,
        replay_capacity=max(rows, _NO_ROWS),
        symmetry_left_right=0.0,
        symmetry_front_back=0.0,
        symmetry_offset_m=0.0,
        truth=parameters.truth if parameters.truth != 'none' else 'rewards',
    )
    replay = Replay(task, own)
    first = replay.add(episode)
    for each in others:
        replay.add(each)
    generator, spec = torch.Generator().manual_seed(0), replay.noise_spec._replace(candidates=0)
    drawn = [
        replay.sample_episode(
            first, len(episode), SampleNoise.random(len(episode), generator, spec)
        )
        for _ in range(_GOALS)
    ]
    return np.array([each.goal.numpy() for each in drawn], np.float64)


class Critic:
    """
    The critic of a run's checkpoint.

    :raises HerRosError: if there is no checkpoint, or it cannot be read
    """

    def __init__(self, run: RunFolder, parameters: LearnerParameters, task: GoalTask) -> None:
        if not run.checkpoint.exists():
            raise HerRosError(
                'has no checkpoint, and so no critic', 'open it after the first one', run.path
            )
        state = load_checkpoint(run.checkpoint)
        # Only the networks are used; what orders the buffer is left out.
        self._learner = Learner(
            task, replace(parameters, replay_capacity=_NO_ROWS, priority_kind='none')
        )
        found = {key: value for key, value in state['learner'].items() if key != 'priorities'}
        check_form(run.checkpoint, found, self._learner.form)
        self._learner.load_state_dict(found)

    def values(self, episode: Episode) -> Floats:
        """Return Q of each move towards the desired goal, the mean of all critics, shape (T,)."""
        moves = len(episode)
        goal = np.repeat(episode.desired_goal[None], moves, axis=0)
        learner: Any = self._learner
        seen = (episode.observation, episode.seen_achieved_goal)
        if learner.parameters.truth == 'critic':
            seen = (episode.true_observation, episode.achieved_goal)
        observation, achieved = (torch.from_numpy(each[:moves].copy()) for each in seen)
        with torch.no_grad():
            state = learner.state(observation.float(), achieved, torch.from_numpy(goal))
            action = torch.from_numpy(episode.action.copy())
            values = learner.algorithm.values(learner.agent.online.critic, state, action)
        return values.mean(0).double().numpy()
