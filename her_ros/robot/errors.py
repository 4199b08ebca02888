"""The error of this folder."""

from her_ros.core.errors import HerRosError


class RobotError(HerRosError):
    """A message from or to the robot that does not fit."""
