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

"""Evaluate a policy in deterministic episodes from fixed start states."""

from collections.abc import Callable, Iterator

from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.sim.rollout import disturbed_rollout
from her_ros.tasks.disturbances import Disturbances
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import Rows
import numpy as np
from numpy.typing import NDArray

#: observation (n, O), achieved goal (n, G), desired goal (n, G) to actions (n, A)
Act = Callable[
    [NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.float32]
]

#: episode j starts from seed 2³¹ + j; training's seeds fit 31 bits, so the two never meet
FIRST_SEED = 1 << 31


def evaluation_steps(
    task: GoalTask,
    act: Act,
    policy_version: int,
    protocol: EvaluationProtocol,
    disturbances: Disturbances | None = None,
) -> Iterator[Rows]:
    """
    Run episodes, the same start states and goals every time.

    :param act: the policy, without exploration
    :param policy_version: version written to the rows
    :param protocol: number of episodes; results do not depend on ``num_envs`` and ``threads``
    :param disturbances: those of the episodes, the same every time; None: there are none
    :return: the ``step`` rows after each reset and each step, shape (n,) with n ≤ num_envs
    """
    episodes = protocol.episodes
    num_envs = min(protocol.num_envs, episodes)
    rollout = disturbed_rollout(
        task, [0] * num_envs, protocol.threads, session=0, disturbances=disturbances
    )
    for first in range(0, episodes, num_envs):
        # The last rollout may have more environments than needed; drop the surplus.
        shown = slice(0, episodes - first)
        rows = rollout.start(seeds=[FIRST_SEED + first + i for i in range(num_envs)])
        yield rows[shown]
        while not rollout.finished:
            goals = (rows['achieved_goal'], rows['desired_goal'])
            rollout.accept_all(act(rows['observation'], *goals), policy_version)
            rows = rollout.advance()
            yield rows[shown]
