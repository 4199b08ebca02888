"""Carry what a page asks for to the thread that draws it."""

from collections.abc import Callable
import queue
from typing import Any


class CallbackQueue:
    """Calls that wait for the page's own thread, since viser calls from others."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def defer(self, call: Callable[[], None]) -> Callable[[Any], None]:
        """Return a callback for viser that defers a call, also after changes by the program."""
        return lambda _: self._waiting.put(call)

    def defer_for_user(self, call: Callable[[], None]) -> Callable[[Any], None]:
        """Return a callback for viser that defers a call, only after changes by a user."""

        def put(event: Any) -> None:
            if event.client is not None:
                self._waiting.put(call)

        return put

    def run(self) -> None:
        """Make the calls that wait."""
        while not self._waiting.empty():
            self._waiting.get()()
