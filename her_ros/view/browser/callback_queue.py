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
