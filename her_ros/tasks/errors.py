"""Errors about tasks."""

from her_ros.runtime.errors import HerRosError


class TaskError(HerRosError):
    """A task that does not exist, or data of another task."""
