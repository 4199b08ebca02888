"""The error of this folder, and how the failures of its libraries become one."""

from collections.abc import Iterator
from contextlib import contextmanager

from her_ros.core.errors import HerRosError


class BagError(HerRosError):
    """A bag that cannot be read or written: which file, what is wrong, what to do."""


@contextmanager
def naming(source: object) -> Iterator[None]:
    """Turn every failure into a BagError that names its source.

    The readers of mcap, rosbags, sqlite3, YAML and the compressors fail in their own ways, and on
    damaged input in ways that none of them lists; so everything is caught.
    """
    try:
        yield
    except Exception as error:
        raise BagError(f'{source}: {reason_of(error)}') from error


def reason_of(error: Exception) -> str:
    """Say in one line why reading a bag failed."""
    if isinstance(error, HerRosError):
        return str(error)
    if isinstance(error, OSError):
        return str(error.strerror or error)
    reason = ' '.join(f'{type(error).__name__}: {error}'.split())
    return f'damaged or not a ROS 2 bag ({reason})'
