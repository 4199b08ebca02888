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

"""Collect the diagnostics of nodes, and measure how long each node was silent."""

import time
from typing import Any

from campaign.processes import Observer


class Reports:
    """Keeps the last report of each node, and all messages since :meth:`forget`."""

    def __init__(self, observer: Observer) -> None:
        from diagnostic_msgs.msg import DiagnosticArray
        from her_ros.nodes.qos import STATUS
        from her_ros.wire.topics import DIAGNOSTICS

        self._observer = observer
        #: values by key, by the node's full name
        self.values: dict[str, dict[str, str]] = {}
        #: what the nodes said of themselves
        self.messages: list[str] = []
        #: longest time without a report of a node that went on reporting
        self.longest_silence_s = 0.0
        self._heard_at_s: dict[str, float] = {}
        observer.node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._take, STATUS)

    def _take(self, message: Any) -> None:
        now_s = time.monotonic()
        for status in message.status:
            silence_s = now_s - self._heard_at_s.get(status.name, now_s)
            self.longest_silence_s = max(self.longest_silence_s, silence_s)
            self._heard_at_s[status.name] = now_s
            self.values[status.name] = {each.key: each.value for each in status.values}
            self.messages.append(f'{status.name}: {status.message}')

    def until_all(self, names: set[str]) -> None:
        """Wait until each of these nodes has reported."""
        self._observer.until(lambda: names <= set(self.values), f'diagnostics of {sorted(names)}')

    def forget(self) -> float:
        """Forget all reports but those of goals; return the time, monotonic seconds."""
        self.messages.clear()
        for values in self.values.values():
            values.pop('waits_for', None)
        return time.monotonic()
