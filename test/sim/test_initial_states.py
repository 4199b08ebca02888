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

from her_ros.arms.model import load_model
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.registry import TASKS
import numpy as np


def test_objects_and_goals_lie_in_the_ranges_of_the_scene(task):
    model = load_model(task)
    scene_spec, grip = model.scene_spec, model.grip_position_m
    state = FetchBatch(task, range(300)).reset()
    if model.object is None:
        np.testing.assert_allclose(state.achieved_goal, np.tile(grip, (300, 1)), atol=1e-3)
        away = np.abs(state.desired_goal - grip)
    else:
        shift = state.achieved_goal[:, :2] - grip[:2]
        assert np.abs(shift).max() <= scene_spec.object_range_m
        assert np.linalg.norm(shift, axis=1).min() >= 0.1
        away = np.abs(state.desired_goal - grip - scene_spec.goal_shift_m)[:, :2]
        height = state.desired_goal[:, 2] - model.object_height_m
        assert 0.0 <= height.min() <= height.max() <= scene_spec.goal_height_m
    assert away.max() <= scene_spec.goal_range_m
    # 300 uniform draws in each direction: none in the outer tenth has probability .9³⁰⁰ < 1e-13
    assert (away.max(axis=0) > 0.9 * scene_spec.goal_range_m).all()


def test_half_of_the_goals_of_pick_and_place_are_in_the_air():
    task = TASKS['FetchPickAndPlace']
    state = FetchBatch(task, range(400)).reset()
    air = (state.desired_goal[:, 2] > load_model(task).object_height_m).sum()
    assert abs(air - 200) < 5 * 10  # 400 fair coins have a standard deviation of √400 / 2 = 10


def test_some_starts_are_solved_already():
    task = TASKS['FetchReach']
    state = FetchBatch(task, range(400)).reset()
    solved = task.is_success(state.achieved_goal, state.desired_goal).mean()
    # goals fill a cube of 0.3 m, the tolerance a ball of radius 0.05 m: 1.9 %
    expected = 4 / 3 * np.pi * 0.05**3 / 0.3**3
    assert abs(solved - expected) < 5 * np.sqrt(expected / 400)
