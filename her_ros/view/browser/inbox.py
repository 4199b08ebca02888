"""Carry what a page asks for to the thread that draws it."""

import queue
from collections.abc import Callable
from typing import Any


class Inbox:
    """Calls that wait for the page's own thread, since viser calls from others."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def later(self, call: Callable[[], None]) -> Callable[[Any], None]:
        """Return a callback for viser that makes a call later, also for changes of our own."""
        return lambda _: self._waiting.put(call)

    def if_asked(self, call: Callable[[], None]) -> Callable[[Any], None]:
        """Return a callback for viser that makes a call later, if a person asked for it."""

        def put(event: Any) -> None:
            if event.client is not None:
                self._waiting.put(call)

        return put

    def empty(self) -> None:
        """Make the calls that wait."""
        while not self._waiting.empty():
            self._waiting.get()()
