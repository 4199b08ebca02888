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

"""Fixtures: the original environments as reference."""

from collections.abc import Callable

import gymnasium
from her_ros.arms.scene_specs import SCENE_SPECS
from her_ros.sim.gym_batch import register_robotics
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
import numpy as np
from numpy.typing import NDArray
import pytest


@pytest.fixture(params=list(SCENE_SPECS))
def task(request: pytest.FixtureRequest) -> GoalTask:
    """Every simulated task."""
    return task_named(request.param)


@pytest.fixture(scope='session')
def original() -> Callable[[GoalTask], gymnasium.Env]:
    """Make the original of a task."""
    register_robotics()
    return lambda task: gymnasium.make(f'{task.name}-v4')


@pytest.fixture(scope='session')
def busy_actions() -> Callable[[int, NDArray, np.random.Generator], NDArray[np.float32]]:
    """
    Draw actions that reach, push and lift the object, leave the workspace, and need clipping.

    Called with the number of the step, the observations (n, O) and a generator.
    """

    def draw(step, observation, generator):
        actions = generator.uniform(-1.5, 1.5, (len(observation), 4))
        if observation.shape[1] == 25:  # after the object, in every other row
            actions[::2, :3] = 20.0 * observation[::2, 6:9] + 0.3 * actions[::2, :3]
        held = np.random.default_rng(step // 10).choice([-2.0, 2.0], 4)
        actions[1::4] = held  # as far as the arm goes, beyond joint limits
        return actions.astype(np.float32)

    return draw
