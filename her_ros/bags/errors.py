"""Errors about bags, and the conversion of library errors into them."""

from collections.abc import Iterator
from contextlib import contextmanager

from her_ros.runtime.errors import HerRosError


class BagError(HerRosError):
    """A bag that cannot be read or written: which file, what is wrong, what to do."""


class RecoverableError(BagError):
    """Damage that ``her-ros bags recover`` repairs, as its cure says."""


@contextmanager
def naming(source: object = '') -> Iterator[None]:
    """Turn every failure into a BagError that names its source.

    The readers of mcap, rosbags, sqlite3, YAML and the compressors raise errors of their own, and
    on damaged input some that their documentation does not list. So everything is caught.
    """
    try:
        yield
    except Exception as error:
        raise BagError.of(as_bag_error(error), source) from error


def as_bag_error(error: Exception) -> BagError:
    """Return why reading a bag failed."""
    if isinstance(error, HerRosError):
        return BagError.of(error)
    if isinstance(error, OSError):
        return BagError(str(error.strerror or error))
    reason = ' '.join(f'{type(error).__name__}: {error}'.split())
    return BagError(f'damaged or not a ROS 2 bag ({reason})')
