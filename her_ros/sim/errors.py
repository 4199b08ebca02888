"""The error class of the simulation."""

from her_ros.runtime.errors import HerRosError


class SimError(HerRosError):
    """A simulation that cannot be set up, or an input it refuses."""
