"""The error class of robot code."""

from her_ros.runtime.errors import HerRosError


class RobotError(HerRosError):
    """A command or a measurement that cannot be used."""
