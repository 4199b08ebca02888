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

"""Report how many bytes of bags have been read, for displays of progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_take: ContextVar[Callable[[int], None] | None] = ContextVar('take', default=None)


@contextmanager
def counted(take: Callable[[int], None]) -> Iterator[None]:
    """Call a function with the number of bytes whenever some have been read, in this thread."""
    token = _take.set(take)
    try:
        yield
    finally:
        _take.reset(token)


def count(read: int) -> None:
    """Say that so many bytes were read."""
    if (take := _take.get()) is not None:
        take(read)
