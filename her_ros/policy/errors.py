"""The error of whatever makes a policy file unfit to act."""

from her_ros.runtime.errors import HerRosError


class PolicyError(HerRosError):
    """A policy file that is damaged, not the one asked for, or made for something else."""
