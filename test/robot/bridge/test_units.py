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

from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.robot.bridge.units import TwistUnits
from her_ros.robot.frames import Frames, Pose
import numpy as np
import pytest

# turned by half a turn: ahead for the robot is back in the world
FRAMES = Frames('base_link', Pose.of('', (1.0, 2.0, 0.0), (0.0, 0.0, 1.0, 0.0)))
VELOCITY = np.array([0.83, -0.415, 0.2])


def units(**parameters):
    return TwistUnits(RobotBridgeParameters(**parameters), FRAMES)


def test_speeds_stand_in_the_robots_axes():
    np.testing.assert_array_equal(units().followed(VELOCITY), VELOCITY)
    np.testing.assert_allclose(units().linear(VELOCITY), [-0.83, 0.415, 0.2], atol=1e-12)


def test_unitless_twists_keep_their_direction_and_their_limits():
    unitless = units(command_twist_units='unitless', command_unitless_scale_mps=0.4)
    followed = unitless.followed(VELOCITY)
    np.testing.assert_allclose(followed, VELOCITY * 0.4 / 0.83)
    assert np.abs(unitless.linear(followed)).max() == pytest.approx(1.0)
    slow = unitless.followed(VELOCITY / 10)
    np.testing.assert_array_equal(slow, VELOCITY / 10)
    np.testing.assert_allclose(unitless.linear(slow) * 0.4, [-0.083, 0.0415, 0.02])
