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

from dataclasses import replace

from her_ros.sim.disturbed.sensing import NORMALS, Sensing
from her_ros.tasks.disturbances import neutral
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest

PUSH, REACH = TASKS['FetchPush'], TASKS['FetchReach']
COUNT = 4000
GRIPPER, OBJECT, BETWEEN = slice(0, 3), slice(3, 6), slice(6, 9)
ROTATION, RELATIVE_VELOCITY, SPIN = slice(11, 14), slice(14, 17), slice(17, 20)
GRIPPER_VELOCITY = slice(20, 23)


def error(task=PUSH, base_m=(0.7, 0.75, 0.0), observation=None, **values):
    """Return the errors of an observation and of an achieved goal in many episodes."""
    random = np.random.default_rng(0)
    drawn = neutral(COUNT)
    for name, value in values.items():
        drawn[name] = value
    if observation is None:
        observation = random.normal(size=task.observation_size)
    truth = np.tile(observation, (COUNT, 1))
    goal = truth[:, OBJECT if task is PUSH else GRIPPER]
    seen, achieved = Sensing(task, np.array(base_m)).measure(
        drawn, truth, goal, random.standard_normal((COUNT, NORMALS))
    )
    return seen - truth, achieved - goal


def test_an_object_position_of_one_value_is_left_as_it_is():
    fields = (('object_position', 1), ('gripper_position', 3))
    task = replace(REACH, observation_fields=fields, goal_size=1, symmetries=None)
    drawn = neutral(5)
    drawn['object_noise_m'] = drawn['gripper_noise_m'] = 0.01
    truth, goal = np.zeros((5, 4)), np.zeros((5, 1))
    seen, achieved = Sensing(task, np.zeros(3)).measure(drawn, truth, goal, np.ones((5, NORMALS)))
    np.testing.assert_allclose(seen, np.tile([0.0, 0.01, 0.01, 0.01], (5, 1)), rtol=1e-6)
    assert not achieved.any()


def test_without_disturbances_nothing_changes():
    for task in (PUSH, REACH):
        seen, goal = error(task)
        assert not seen.any()
        assert not goal.any()


def test_noise_of_the_object_reaches_all_that_follows_from_it():
    seen, goal = error(object_noise_m=0.01)
    np.testing.assert_allclose(seen[:, OBJECT].std(0), 0.01, rtol=0.05)
    np.testing.assert_allclose(seen[:, OBJECT].mean(0), 0.0, atol=0.001)
    np.testing.assert_allclose(seen[:, BETWEEN], seen[:, OBJECT], atol=1e-12)
    np.testing.assert_allclose(goal, seen[:, OBJECT], atol=1e-12)
    assert not np.delete(seen, np.r_[OBJECT, BETWEEN], axis=1).any()


def test_bias_of_the_object_is_the_same_all_the_time():
    seen, goal = error(object_bias_m=(0.01, -0.02, 0.003))
    expected = np.tile((0.01, -0.02, 0.003), (COUNT, 1))
    for each in (seen[:, OBJECT], seen[:, BETWEEN], goal):
        np.testing.assert_allclose(each, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ('name', 'part'),
    [
        ('object_velocity_noise_m', RELATIVE_VELOCITY),
        ('object_spin_noise_rad', SPIN),
        ('object_rotation_noise_rad', ROTATION),
    ],
)
def test_noise_of_other_fields_is_theirs_alone(name, part):
    seen, goal = error(observation=np.zeros(PUSH.observation_size), **{name: 0.05})
    np.testing.assert_allclose(seen[:, part].std(0), 0.05, rtol=0.05)
    assert not np.delete(seen, np.r_[part], axis=1).any()
    assert not goal.any()


def test_a_yaw_beyond_half_a_turn_is_wrapped():
    observation = np.zeros(PUSH.observation_size)
    observation[13] = 3.1
    seen, _ = error(observation=observation, object_yaw_bias_rad=0.1)
    np.testing.assert_allclose(seen[:, 13], 0.1 - 2 * np.pi, rtol=1e-6)
    assert not seen[:, 11:13].any()


def test_noise_of_the_gripper_moves_what_is_seen_relative_to_it():
    seen, goal = error(gripper_noise_m=0.01)
    np.testing.assert_allclose(seen[:, GRIPPER].std(0), 0.01, rtol=0.05)
    np.testing.assert_allclose(seen[:, BETWEEN], -seen[:, GRIPPER], atol=1e-12)
    assert not goal.any()
    seen, goal = error(REACH, gripper_noise_m=0.01)
    np.testing.assert_allclose(goal, seen[:, GRIPPER], atol=1e-12)


def test_a_turned_base_turns_gripper_and_its_velocity_about_the_base():
    observation = np.zeros(PUSH.observation_size)
    observation[GRIPPER] = (1.7, 0.75, 0.4)  # a metre before the base
    observation[GRIPPER_VELOCITY] = (0.0, 0.01, 0.0)
    seen, goal = error(observation=observation, base_yaw_deg=90.0, base_position_m=(0, 0, 0.1))
    np.testing.assert_allclose(seen[0, GRIPPER], (-1.0, 1.0, 0.1), atol=1e-6)
    np.testing.assert_allclose(seen[0, GRIPPER_VELOCITY], (-0.01, -0.01, 0.0), atol=1e-6)
    # The object's own velocity is seen as it is: 0.
    np.testing.assert_allclose(seen[0, RELATIVE_VELOCITY], (0.01, 0.01, 0.0), atol=1e-6)
    assert not goal.any()
