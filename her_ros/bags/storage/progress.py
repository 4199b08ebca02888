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
