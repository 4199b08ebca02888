from collections.abc import Callable, Sequence

import numpy as np
import pytest

from her_ros.core.rows import Rows, step_dtype
from her_ros.core.task import TASKS, GoalTask


@pytest.fixture
def push() -> GoalTask:
    return TASKS['FetchPush']


@pytest.fixture
def make_rollout(push: GoalTask) -> Callable[..., list[Rows]]:
    """Make the step messages of environments whose episodes take ``lengths`` moves each."""

    def make(
        lengths: Sequence[int] = (5, 5), task: GoalTask = push, session: int = 7, seed: int = 0
    ) -> list[Rows]:
        random = np.random.default_rng(seed)
        goals = random.normal(size=(len(lengths), task.goal_size))
        messages = []
        for step in range(max(lengths) + 1):
            # A row whose episode has ended is left out.
            envs = np.array([env for env, length in enumerate(lengths) if step <= length])
            rows = np.zeros(len(envs), step_dtype(task))
            rows['session'], rows['env'], rows['step'] = session, envs, step
            for name in ('observation', 'achieved_goal'):
                rows[name] = random.normal(size=rows[name].shape)
            rows['desired_goal'] = goals[envs]
            if step:
                rows['action'] = random.uniform(-1, 1, rows['action'].shape)
                rows['reward'], rows['policy_version'] = -1, 3
            rows['truncated'] = step == np.array(lengths)[envs]
            messages.append(rows)
        return messages

    return make


@pytest.fixture
def expected_of() -> Callable[[Sequence[Rows]], list[Rows]]:
    """Pick the rows of every environment out of the messages, by plain loops."""

    def pick(messages: Sequence[Rows]) -> list[Rows]:
        envs = sorted({int(env) for rows in messages for env in rows['env']})
        return [np.concatenate([rows[rows['env'] == env] for rows in messages]) for env in envs]

    return pick


@pytest.fixture
def same() -> Callable[[Sequence[Rows], Sequence[Rows]], bool]:
    """Compare field by field, so that padding does not count."""

    def compare(some: Sequence[Rows], others: Sequence[Rows]) -> bool:
        return len(some) == len(others) and all(
            np.array_equal(one[name], other[name])
            for one, other in zip(some, others, strict=True)
            for name in other.dtype.names
        )

    return compare
