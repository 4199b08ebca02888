"""Commands in the units and frames that MoveIt Servo and ros2_control take."""

import numpy as np

from her_ros.core.robot_parameters import RobotBridgeParameters
from her_ros.robot.frames import Floats, Frames


class TwistUnits:
    """Velocities of the gripper as MoveIt Servo is to be told them."""

    def __init__(self, parameters: RobotBridgeParameters, frames: Frames) -> None:
        self._frames = frames
        unitless = parameters.twist_units == 'unitless'
        self._scale_mps = parameters.unitless_scale_mps if unitless else None

    def linear(self, velocity: Floats) -> Floats:
        """Return a twist's linear part in the axes of the robot's base.

        :param velocity: m/s, world frame, shape (3,)
        :return: m/s; or in [-1, 1] of Servo's linear scale, where what is faster is slowed down
            in all components alike, so that it keeps its direction
        """
        linear = self._frames.to_base(velocity)
        if self._scale_mps is None:
            return linear
        linear = linear / self._scale_mps
        slowed: Floats = linear / max(1.0, float(np.abs(linear).max()))
        return slowed
