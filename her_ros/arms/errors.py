"""The error class of the arms."""

from her_ros.runtime.errors import HerRosError


class ArmError(HerRosError):
    """An arm that is unknown, or whose model cannot be loaded."""
