import numpy as np
import pytest

from her_ros.core.robot_parameters import RobotBridgeParameters
from her_ros.robot.commands import TwistUnits
from her_ros.robot.frames import Frames, Pose

# turned by half a turn: ahead for the robot is back in the world
FRAMES = Frames('base_link', Pose.of('', (1.0, 2.0, 0.0), (0.0, 0.0, 1.0, 0.0)))
VELOCITY = np.array([0.83, -0.415, 0.2])


def linear(velocity=VELOCITY, **parameters):
    return TwistUnits(RobotBridgeParameters(**parameters), FRAMES).linear(velocity)


def test_speeds_stand_in_the_robots_axes():
    np.testing.assert_allclose(linear(), [-0.83, 0.415, 0.2], atol=1e-12)


def test_unitless_twists_keep_their_direction_and_their_limits():
    fast = linear(twist_units='unitless', unitless_scale_mps=0.4)
    assert np.abs(fast).max() == pytest.approx(1.0)
    np.testing.assert_allclose(fast / np.linalg.norm(fast), linear() / np.linalg.norm(VELOCITY))
    slow = linear(VELOCITY / 10, twist_units='unitless', unitless_scale_mps=0.4)
    np.testing.assert_allclose(slow * 0.4, linear() / 10)
