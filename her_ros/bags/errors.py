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
    except HerRosError as error:
        raise BagError(f'{source}: {error}') from error
    except OSError as error:
        raise BagError(f'{source}: {error.strerror or error}') from error
    except Exception as error:
        reason = ' '.join(f'{type(error).__name__}: {error}'.split())
        raise BagError(f'{source}: damaged or not a ROS 2 bag ({reason})') from error
