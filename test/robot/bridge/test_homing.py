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

from her_ros.arms.scene_specs import scene_spec_of
from her_ros.robot.bridge.homing import Homing
from her_ros.robot.errors import RobotError
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest

START = np.array([1.35, 0.75, 0.42])
PERIOD_S = 0.04


def path(task, grip, thing=None, moves=True):
    """Where the gripper goes that does at once as it is told."""
    homing = Homing(scene_spec_of(TASKS[task]), START)
    homing.begin(None if thing is None else np.array(thing), 0.0)
    points = [np.array(grip)]
    for step in range(1000):
        velocity = homing.velocity(points[-1], step * PERIOD_S)
        if velocity is None:
            return np.array(points)
        assert np.linalg.norm(velocity) <= 0.25 + 1e-9
        points.append(points[-1] + velocity * PERIOD_S * moves)
    raise AssertionError('it never ends')


@pytest.mark.parametrize('grip', [(1.2, 0.9, 0.45), (1.5, 0.6, 0.7), (1.35, 0.75, 0.5)])
@pytest.mark.parametrize('task', ['FetchReach', 'FetchPush'])
def test_the_gripper_comes_to_where_training_starts(task, grip):
    assert np.linalg.norm(path(task, grip)[-1] - START) < 0.01


def test_over_a_table_it_goes_up_across_and_down():
    points = path('FetchPush', (1.2, 0.9, 0.42))
    aside = np.linalg.norm(points[:, :2] - START[:2], axis=1)
    begun = np.linalg.norm(points[:, :2] - points[0, :2], axis=1)
    across = (aside > 0.011) & (begun > 0.001)
    assert across.any()
    assert (points[across, 2] > START[2] + 0.1).all()


@pytest.mark.parametrize('thing', [(1.33, 0.8, 0.425), (1.35, 0.75, 0.425), (1.40, 0.70, 0.425)])
def test_it_never_comes_down_on_the_object(thing):
    points = path('FetchPush', (1.2, 0.9, 0.5), thing)
    assert np.linalg.norm(points[-1, :2] - thing[:2]) > 0.1
    low = points[:, 2] < START[2] + 0.06
    assert (np.linalg.norm(points[low, :2] - thing[:2], axis=1) > 0.09).all()


def test_an_arm_that_does_not_move_is_reported():
    with pytest.raises(RobotError, match=r'did not reach .* within 15 s and stands at'):
        path('FetchPush', (1.2, 0.9, 0.42), moves=False)


def test_at_home_there_is_nothing_to_do():
    assert len(path('FetchPush', START + 0.004)) == 1
