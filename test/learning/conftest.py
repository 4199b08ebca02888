from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import torch

from her_ros.core.episode import Episode
from her_ros.core.parameters import TrainerParameters
from her_ros.core.rows import step_dtype
from her_ros.core.task import GoalTask


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
