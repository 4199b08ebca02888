"""The error of this folder."""

from her_ros.core.errors import HerRosError


class BagError(HerRosError):
    """A bag that cannot be read or written: which file, what is wrong, what to do."""
