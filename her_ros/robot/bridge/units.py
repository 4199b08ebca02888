"""Convert velocities to and from the units and axes of MoveIt Servo twists."""

import numpy as np

from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.robot.frames import Floats, Frames


class TwistUnits:
    """Velocities of the gripper as MoveIt Servo is to be told them."""

    def __init__(self, parameters: RobotBridgeParameters, frames: Frames) -> None:
        self._frames = frames
        unitless = parameters.twist_units == 'unitless'
        self._scale_mps = parameters.unitless_scale_mps if unitless else None

    def followed(self, velocity: Floats) -> Floats:
        """Return the velocity that the robot takes up: m/s, world frame, shape (3,).

        What is faster than unitless twists can say is slowed down in all components alike, so
        that it keeps its direction.
        """
        if self._scale_mps is None:
            return velocity
        fastest = float(np.abs(self._frames.to_base(velocity)).max())
        slowed: Floats = velocity / max(1.0, fastest / self._scale_mps)
        return slowed

    def meant(self, linear: Floats) -> Floats:
        """Return the velocity that a twist stands for: m/s, shape (3,).

        :param linear: its linear part, m/s or unitless, in any axes
        """
        return linear * (self._scale_mps or 1.0)

    def linear(self, velocity: Floats) -> Floats:
        """Return a twist's linear part in the axes of the robot's base, m/s or unitless.

        :param velocity: one that the robot takes up: m/s, world frame, shape (3,)
        """
        return self._frames.to_base(velocity) / (self._scale_mps or 1.0)
