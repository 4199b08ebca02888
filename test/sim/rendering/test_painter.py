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

from her_ros.sim.arm.batch import ArmBatch
from her_ros.sim.errors import SimError
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.rendering.painter import Painter
from her_ros.tasks.registry import task_named
import numpy as np
import pytest


@pytest.fixture
def painter():
    """Make a painter; skip where there is no OpenGL."""
    made = []

    def make(task, width=160, height=120):
        try:
            made.append(Painter(task, width, height))
        except SimError as error:
            pytest.skip(str(error))
        return made[-1]

    yield make
    for each in made:
        each.close()


def green(picture):
    """Return the pixels of the goal: their number and their mean column."""
    red, greens, blue = np.moveaxis(picture.astype(int), -1, 0)
    _, columns = np.nonzero(greens - np.maximum(red, blue) > 20)
    return len(columns), columns.mean() if len(columns) else np.nan


def test_every_scene_shows_the_goal(task, painter):
    batch = FetchBatch(task, [5])
    goal = batch.reset().desired_goal[0]
    picture = painter(task).draw(batch.qpos(0), goal)
    assert picture.shape == (120, 160, 3)
    assert picture.dtype == np.uint8
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
    assert green(picture)[0] > 4


@pytest.mark.parametrize('name', ['Push', 'PickAndPlace'])
def test_scenes_of_other_arms_show_arm_object_and_goal(painter, name):
    task = task_named(name, 'six_joint')
    batch = ArmBatch(task, [5])
    batch.reset()
    draws, above = painter(task), np.array([1.3, 0.75, 0.75])
    picture = draws.draw(batch.qpos(0), above).astype(int)
    assert green(picture)[0] > 4
    red, _, blue = np.moveaxis(picture, -1, 0)
    assert (blue - red > 40).sum() > 100  # the links
    assert (red - blue > 100).sum() > 4  # the block
    batch.step(np.full((1, 4), 1.0))
    assert (draws.draw(batch.qpos(0), above) != picture).any()


def test_pictures_follow_the_goal_and_the_joints_alone(painter):
    task = task_named('FetchPush')
    batch = FetchBatch(task, [5])
    batch.reset()
    draws, qpos = painter(task), batch.qpos(0)
    above = np.array([1.3, 0.75, 0.8])
    first = draws.draw(qpos, above)
    right = draws.draw(qpos, above + np.array([0.0, 0.15, 0.0]))
    assert green(right)[1] > green(first)[1] + 5
    batch.step(np.full((1, 4), 1.0))
    assert (draws.draw(batch.qpos(0), above) != first).any()
    assert (draws.draw(qpos, above) == first).all()


def test_two_painters_of_other_sizes_do_not_disturb_each_other(painter):
    task = task_named('FetchReach')
    batch = FetchBatch(task, [5])
    goal, qpos = batch.reset().desired_goal[0], batch.qpos(0)
    small, large = painter(task, 64, 48), painter(task, 320, 240)
    alone = small.draw(qpos, goal)
    assert large.draw(qpos, goal).shape == (240, 320, 3)
    assert (small.draw(qpos, goal) == alone).all()


@pytest.mark.parametrize('size', [(0, 10), (10, -1), (5000, 10)])
def test_a_size_out_of_range_is_refused(size):
    with pytest.raises(SimError, match='both must be from 1 to 4096'):
        Painter(task_named('FetchReach'), *size)
