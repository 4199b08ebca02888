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

"""Delay messages."""

import bisect
from typing import Generic, TypeVar

Message = TypeVar('Message')


class Delay(Generic[Message]):
    """Holds messages until they are due."""

    def __init__(self) -> None:
        self._held: list[tuple[float, int, Message]] = []
        self._count = 0

    def put(self, message: Message, due_s: float) -> None:
        """
        Add a message.

        :param due_s: monotonic time at which it is to be taken
        """
        self._count += 1
        bisect.insort(self._held, (due_s, self._count, message), key=lambda held: held[:2])

    def taken(self, now_s: float) -> list[Message]:
        """Remove and return the messages that are due, in the order in which they are."""
        ready = [message for due_s, _, message in self._held if due_s <= now_s]
        del self._held[: len(ready)]
        return ready
