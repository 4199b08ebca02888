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

from collections.abc import Callable, Sequence

from her_ros.learning.agents.networks import Mlp
from her_ros.learning.export import PolicyGraph
from her_ros.learning.normalizer import Normalizer
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import TASKS
from her_ros.wire.contract import PolicyContract
from her_ros.wire.rows import Rows, step_dtype
import numpy as np
import pytest
import torch


@pytest.fixture
def reach() -> GoalTask:
    return TASKS['FetchReach']


@pytest.fixture
def policy_bytes(reach: GoalTask) -> Callable[..., bytes]:
    """Export a small policy of random weights."""

    def make(version: int = 1, task: GoalTask = reach, seed: int = 0) -> bytes:
        network = Mlp([task.observation_size + task.goal_size, 8, task.action_size])
        parameters = network.initial(torch.Generator().manual_seed(seed))
        return PolicyGraph(task, network.policy_nodes()).to_bytes(
            network.policy_constants(parameters),
            Normalizer(task.observation_size, 200.0, 5.0, 0.01),
            Normalizer(task.goal_size, 200.0, 5.0, 0.01),
            PolicyContract.of(task, version, {'run': 'run_001'}),
        )

    return make


@pytest.fixture
def step_rows(reach: GoalTask) -> Callable[..., Rows]:
    """Make a ``step`` message; equal identities have equal states."""

    def make(
        envs: Sequence[int] = (0,), episode: int = 1, step: int = 0, session: int = 7
    ) -> Rows:
        rows = np.zeros(len(envs), step_dtype(reach))
        rows['session'], rows['env'] = session, envs
        rows['episode'], rows['step'] = episode, step
        for row in rows:
            random = np.random.default_rng(row[['session', 'env', 'episode', 'step']].tolist())
            row['observation'] = random.normal(size=reach.observation_size)
            row['achieved_goal'] = random.normal(size=reach.goal_size)
            row['desired_goal'] = random.normal(size=reach.goal_size)
        return rows

    return make
