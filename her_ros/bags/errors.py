# Copyright 2026 her_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

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
