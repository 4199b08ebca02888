"""Errors about bags, and the conversion of library errors into them."""

from collections.abc import Iterator
from contextlib import contextmanager

from her_ros.runtime.errors import HerRosError


class BagError(HerRosError):
    """A bag that cannot be read or written."""


class RecoverableError(BagError):
    """Damage that ``her-ros bags recover`` can repair; the cure names that command."""

    usual_cure = '`her-ros bags recover` saves what can be read'


@contextmanager
def wrap_errors(source: object = '') -> Iterator[None]:
    """
    Convert every exception into a BagError that names its source.

    mcap, rosbags, sqlite3, YAML and the compressors raise their own errors, and on damaged input
    also undocumented ones. So every exception is caught.
    """
    try:
        yield
    except Exception as error:
        raise BagError.of(as_bag_error(error), source) from error


def as_bag_error(error: Exception) -> BagError:
    """Convert an exception of a reader into a BagError."""
    if isinstance(error, HerRosError):
        return BagError.of(error)
    if isinstance(error, OSError):
        return BagError(str(error.strerror or error), 'name a bag that exists and is readable')
    reason = ' '.join(f'{type(error).__name__}: {error}'.split())
    return RecoverableError(f'damaged or not a ROS 2 bag ({reason})')
