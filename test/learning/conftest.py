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

from collections.abc import Callable, Iterator, Sequence
import dataclasses
import itertools
import operator
from pathlib import Path
from typing import Any

from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.episodes.episode import Episode
from her_ros.episodes.splitting import split_rollout
from her_ros.learning.agents.actor_critic import Inputs
from her_ros.learning.agents.networks import Mlp, Parameters
from her_ros.learning.training.online import Training
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import sha256
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.symmetry import Kind, Symmetries
from her_ros.wire.rows import step_dtype
import numpy as np
import pytest
import torch
from torch import nn


class Bags:
    """A run folder whose bags are bare rows, and the workers that fill it."""

    def __init__(self, path, task, make_episode):
        self.task, self.make_episode = task, make_episode
        self.folder = RunFolder(path)
        self.folder.create()
        self.numbers = itertools.count()

    def add(self, name, *lengths):
        """Leave a bag with episodes of these lengths, of contents not seen before."""
        episodes = [self.make_episode(self.task, each, next(self.numbers)) for each in lengths]
        self.write(self.folder.bags / name, episodes)
        return episodes

    def judge(self, training, success_rate, solved_at_reset=0.0, version=None):
        """Leave the bag of ten episodes that the evaluation worker would leave."""
        judged, content = training.candidate_policy
        episodes = [self.make_episode(self.task, 5, number) for number in range(10)]
        for number, episode in enumerate(episodes):
            rows = episode.rows
            rows['policy_version'][1:] = judged if version is None else version
            rows['is_success'] = number < 10 * success_rate
            offset = 0 if number < 10 * solved_at_reset else 1
            rows['achieved_goal'][0] = rows['desired_goal'][0] + offset
        self.write(self.folder.evaluation_bag(judged, sha256(content)), episodes)

    def write(self, path, episodes):
        path.write_bytes(np.concatenate([episode.rows for episode in episodes]).tobytes())

    def read(self, path):
        content = path.read_bytes()
        if len(content) % step_dtype(self.task).itemsize:
            raise HerRosError(f'{path}: cut short')
        return split_rollout([np.frombuffer(content, step_dtype(self.task))])[0]

    def training(self, parameters, **options):
        return Training(self.task, parameters, self.folder, self.read, **options)


@pytest.fixture(scope='session')
def tensors_of() -> Callable[..., dict[str, Any]]:
    """Flatten a state into a dictionary of copies."""

    def flat(state: Any, prefix: str = '') -> dict[str, Any]:
        if isinstance(state, dict | list | tuple):
            items = state.items() if isinstance(state, dict) else enumerate(state)
            return {
                name: value
                for key, each in items
                for name, value in flat(each, f'{prefix}/{key}').items()
            }
        return {prefix: state.cpu().clone() if isinstance(state, torch.Tensor) else state}

    return flat


@pytest.fixture(scope='session')
def assert_same(tensors_of: Callable[..., dict[str, Any]]) -> Callable[[Any, Any], None]:
    """Compare two states bit for bit."""

    def compare(one: Any, other: Any) -> None:
        one, other = tensors_of(one), tensors_of(other)
        assert one.keys() == other.keys()
        for name, value in one.items():
            equal = torch.equal if isinstance(value, torch.Tensor) else operator.eq
            assert equal(value, other[name]), name

    return compare


@pytest.fixture(scope='session', autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=['cpu', pytest.param('cuda', marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> torch.device:
    if request.param == 'cuda' and not torch.cuda.is_available():
        pytest.skip('no CUDA device')
    return torch.device(request.param)


@pytest.fixture
def double() -> Iterator[None]:
    """Networks in float64, so that two ways to compute one update differ by rounding alone."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def make_task() -> Callable[..., GoalTask]:
    def make(goal_size: int = 2, observation_size: int = 4, action_size: int = 3) -> GoalTask:
        fields = (('position', goal_size), ('rest', observation_size - goal_size))
        return GoalTask('Toy', fields, goal_size, action_size, 0.05, 0.1, 10)

    return make


@pytest.fixture
def toy(make_task: Callable[..., GoalTask]) -> GoalTask:
    return make_task()


@pytest.fixture
def symmetric() -> Callable[[GoalTask], GoalTask]:
    """Give a toy task symmetries along both axes."""

    def make(task: GoalTask) -> GoalTask:
        kinds, action = (Kind.POSITION, Kind.SCALAR), ((Kind.DISPLACEMENT, 2), (Kind.SCALAR, 1))
        symmetries = Symmetries(kinds, Kind.POSITION, action, 0.5, 0.25, largest_offset_m=1.0)
        return dataclasses.replace(task, symmetries=symmetries)

    return make


@pytest.fixture
def make_episode() -> Callable[..., Episode]:
    """Make an episode of ``length`` moves; no two values of any two episodes are the same."""

    def make(task: GoalTask, length: int, number: int = 1, terminated: bool = False) -> Episode:
        random = np.random.default_rng([length, number])
        rows = np.zeros(length + 1, step_dtype(task))
        rows['session'], rows['episode'], rows['step'] = 7, number, np.arange(length + 1)
        rows['observation'] = random.normal(size=rows['observation'].shape)
        # Moves of about half the tolerance, so that some goals are reached and others are not.
        steps = random.normal(scale=0.025 / task.goal_size**0.5, size=rows['achieved_goal'].shape)
        rows['achieved_goal'] = random.normal() + steps.cumsum(0)
        rows['desired_goal'] = rows['achieved_goal'][length // 2] + steps[0]
        rows['action'][1:] = random.uniform(-1, 1, (length, task.action_size))
        goals = (rows['achieved_goal'], rows['desired_goal'])
        rows['reward'][1:] = task.reward(*goals)[1:]
        rows['is_success'] = task.is_success(*goals)
        rows['terminated' if terminated else 'truncated'][-1] = 1
        return Episode(rows)

    return make


@pytest.fixture
def parameters() -> Callable[..., TrainerParameters]:
    """Parameters of a learner that is as small as it can be."""

    def make(**changes: object) -> TrainerParameters:
        small = {'device': 'cpu', 'hidden_sizes': (8, 8), 'batch_size': 16}
        return TrainerParameters(**{**small, 'replay_capacity': 1000, **changes})

    return make


@pytest.fixture
def moving() -> Callable[[Episode, Sequence[float]], Episode]:
    """Give an episode other moves: so many tolerances of the toy task before each state."""

    def make(episode: Episode, steps: Sequence[float]) -> Episode:
        rows = episode.rows.copy()
        rows['achieved_goal'] = 0.0
        rows['achieved_goal'][:, 0] = 0.05 * np.cumsum(steps)
        return Episode(rows)

    return make


@pytest.fixture
def make_inputs() -> Callable[..., Inputs]:
    """Make a random batch, with ``noises`` sets of normal numbers."""

    def make(task: GoalTask, count: int, seed: int = 0, noises: int = 0) -> Inputs:
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> torch.Tensor:
            return torch.randn(shape, generator=generator)

        size = task.observation_size + task.goal_size
        return Inputs(
            state=draw(count, size),
            action=draw(count, task.action_size).clamp(-1, 1),
            next_state=draw(count, size),
            reward=-(draw(count) > 0).to(torch.get_default_dtype()),
            terminated=draw(count) > 1,
            steps_to_goal=torch.zeros(count, dtype=torch.long),
            noise=draw(noises, count, task.action_size),
        )

    return make


@pytest.fixture
def modules() -> Callable[[Mlp, Parameters], nn.Sequential]:
    """Build the modules that a textbook would use, with the same weights."""

    def build(network: Mlp, parameters: Parameters) -> nn.Sequential:
        layers = [nn.Linear(inputs, outputs) for outputs, inputs in network.shapes[::2]]
        built = nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())][:-1])
        with torch.no_grad():
            for copied, parameter in zip(built.parameters(), parameters, strict=True):
                copied.copy_(parameter)
        return built

    return build


@pytest.fixture
def make_bags(
    tmp_path: Path, toy: GoalTask, make_episode: Callable[..., Episode]
) -> Callable[..., Bags]:
    """Make run folders in folders of these names; a policy file names its run, here all alike."""

    def make(name: str, task: GoalTask = toy) -> Bags:
        return Bags(tmp_path / name / 'run', task, make_episode)

    return make


@pytest.fixture
def bags(make_bags: Callable[..., Bags]) -> Bags:
    return make_bags('one')


@pytest.fixture
def quick(parameters: Callable[..., TrainerParameters]) -> Callable[..., TrainerParameters]:
    """Half an update per step from step 20 on, an evaluation every 40 steps."""

    def make(**changes):
        standard = {'updates_per_step': 0.5, 'warm_up_steps': 20, 'evaluation_interval': 40}
        return parameters(
            **{**standard, 'stop_env_steps': 10_000, 'max_updates_owed': 15, **changes}
        )

    return make
