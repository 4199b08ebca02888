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

from her_ros.sim.disturbed.acting import Acting
from her_ros.tasks.disturbances import neutral
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest

ENVS = 2000
FULL = np.tile(np.float32([1.0, 0.0, 0.0, 0.5]), (ENVS, 1))


def acting(**values):
    drawn = neutral(ENVS)
    for name, value in values.items():
        drawn[name] = value
    found = Acting(TASKS['FetchPush'])
    found.begin(drawn)
    return found


def test_without_disturbances_actions_are_made_as_they_are():
    actions = np.random.default_rng(0).uniform(-1, 1, (ENVS, 4)).astype(np.float32)
    done = acting().act(actions, np.zeros(ENVS))
    assert done.tobytes() == actions.tobytes()


def test_of_a_lost_action_the_one_before_goes_on():
    arm, random = acting(lost_share=0.05), np.random.default_rng(0)
    arm.act(FULL, np.ones(ENVS))
    done = arm.act(-FULL, random.random(ENVS))
    lost = (done == FULL).all(1)
    assert (done[~lost] == -FULL[~lost]).all()
    assert lost.mean() == pytest.approx(0.05, abs=0.015)


def test_a_lagging_arm_makes_63_percent_of_the_way_in_its_time_constant():
    arm = acting(arm_lag_periods=2.0)
    arm.act(FULL, np.ones(ENVS))
    done = arm.act(FULL, np.ones(ENVS))
    # 1 - exp(-2 / 2); the fingers do not lag.
    np.testing.assert_allclose(done[0], [0.632, 0.0, 0.0, 0.5], atol=5e-4)


def test_a_scale_acts_on_the_displacement_alone():
    done = acting(action_scale=1.25).act(FULL, np.ones(ENVS))
    np.testing.assert_allclose(done[0], [1.25, 0.0, 0.0, 0.5])


def test_a_turned_base_turns_the_displacement_the_other_way():
    done = acting(base_yaw_deg=90.0).act(FULL, np.ones(ENVS))
    np.testing.assert_allclose(done[0], [0.0, -1.0, 0.0, 0.5], atol=1e-6)
