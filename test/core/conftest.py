from collections.abc import Callable

import numpy as np
import pytest

from her_ros.core.rows import Rows, step_dtype
from her_ros.core.task import GoalTask


@pytest.fixture
def toy() -> GoalTask:
    """A task whose sizes all differ."""
    return GoalTask('Toy', (('position', 2), ('velocity', 3)), 2, 4, 0.25, 0.1, 20)


@pytest.fixture
def make_episode_rows(toy: GoalTask) -> Callable[..., Rows]:
    """Make the rows of an episode of ``length`` moves that the time limit ended."""

    def make(length: int = 4, env: int = 0, episode: int = 1, session: int = 7) -> Rows:
        random = np.random.default_rng([length, env, episode, session])
        rows = np.zeros(length + 1, step_dtype(toy))
        rows['session'], rows['env'], rows['episode'] = session, env, episode
        rows['step'] = np.arange(length + 1)
        rows['observation'] = random.normal(size=rows['observation'].shape)
        rows['achieved_goal'] = random.normal(size=rows['achieved_goal'].shape)
        rows['desired_goal'] = random.normal(size=toy.goal_size)
        rows['action'][1:] = random.uniform(-1, 1, (length, toy.action_size))
        rows['reward'][1:] = -random.integers(0, 2, length)
        rows['truncated'][-1] = 1
        return rows

    return make
