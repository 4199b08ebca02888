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

from her_ros.robot.bridge.goals import GoalRegion
from her_ros.robot.errors import RobotError
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.fetch import FETCH_TASKS
import numpy as np
import pytest


@pytest.mark.parametrize('task', FETCH_TASKS)
def test_every_goal_of_training_stays_as_it_is(task):
    batch, region = FetchBatch(FETCH_TASKS[task], range(200)), GoalRegion(FETCH_TASKS[task])
    for goal in batch.reset().desired_goal:
        np.testing.assert_allclose(region.goal(goal), goal, atol=1e-12)


@pytest.mark.parametrize('height', [0.40, 0.43, 0.6])
@pytest.mark.parametrize('task', ['FetchPush', 'FetchSlide'])
def test_a_point_on_the_table_becomes_a_goal_at_the_objects_height(task, height):
    (goal,) = FetchBatch(FETCH_TASKS[task], [0]).reset().desired_goal
    pointed = np.array([*goal[:2], height])
    np.testing.assert_allclose(GoalRegion(FETCH_TASKS[task]).goal(pointed), goal, atol=1e-9)


def test_what_is_picked_up_may_go_into_the_air_but_not_into_the_table():
    region = GoalRegion(FETCH_TASKS['FetchPickAndPlace'])
    middle = (region.least + region.greatest) / 2
    assert region.goal(middle)[2] == middle[2]
    assert region.goal(np.array([*middle[:2], 0.3]))[2] == region.least[2]


@pytest.mark.parametrize('task', FETCH_TASKS)
@pytest.mark.parametrize('axis', [0, 1])
def test_a_goal_far_from_all_training_is_refused(task, axis):
    region = GoalRegion(FETCH_TASKS[task])
    goal = (region.least + region.greatest) / 2
    goal[axis] = region.greatest[axis] + 0.06
    with pytest.raises(RobotError, match='outside of what the policy was trained for'):
        region.goal(goal)
