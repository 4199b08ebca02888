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

"""Format the diagnostics of a run's nodes as text."""

from collections import deque
from collections.abc import Mapping
import math
from typing import NamedTuple

#: a node without a report for longer than this is silent, seconds
_SILENT_S = 3.0
#: text for a value that no node has reported
UNKNOWN = '–'
# Bags come in bursts, so rates are means over the reports of this time, seconds.
_WINDOW_S = 5.0
_ORDER = (
    'sim_env', 'simulated_robot', 'robot_bridge', 'policy', 'recorder', 'trainer', 'evaluator',
)  # fmt: skip


def number(values: Mapping[str, str], key: str) -> float:
    """Return a number of a report; 0 if it has none, or what is there is no finite number."""
    return finite(values.get(key, ''))


def finite(text: str) -> float:
    """Return the number that a text holds; 0 if it holds no finite number."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0


class _Report(NamedTuple):
    heard_at: float
    values: Mapping[str, str]


class Reports:
    """
    The diagnostics of the last seconds, by node; names are relative to the run's namespace.

    :meth:`look` sets the time to which the other methods refer.
    """

    def __init__(self) -> None:
        self._reports: dict[str, deque[_Report]] = {}
        self._now = 0.0

    def take(self, node: str, values: Mapping[str, str], now: float) -> None:
        """Add a report of a node."""
        self._reports.setdefault(node, deque()).append(_Report(now, values))
        self.look(now)

    def look(self, now: float) -> None:
        """Drop old reports; the last report of each node is kept."""
        self._now = now
        for reports in self._reports.values():
            while len(reports) > 1 and reports[0].heard_at < now - _WINDOW_S:
                reports.popleft()

    def last(self, node: str, key: str, default: str = '0') -> str:
        """Return a value of a node's last report; ``–`` if it has none."""
        reports = self._reports.get(node)
        return (reports[-1].values.get(key, default) if reports else default) or UNKNOWN

    def mean(self, node: str, key: str) -> float:
        """Return the mean of a value over the last seconds; 0 of a silent node."""
        if node not in self._heard:
            return 0.0
        found = [number(r.values, key) for r in self._reports[node] if key in r.values]
        return sum(found) / len(found) if found else 0.0

    def total(self, key: str) -> int:
        """Return the sum of a count over all nodes."""
        return sum(int(number(each[-1].values, key)) for each in self._reports.values())

    @property
    def _heard(self) -> list[str]:
        """Return the nodes that are not silent, by name."""
        latest = {node: reports[-1].heard_at for node, reports in self._reports.items()}
        return sorted(node for node, then in latest.items() if self._now - then <= _SILENT_S)

    @property
    def busy(self) -> str:
        """CPU load of each node in cores; workers are listed together."""
        shares: dict[str, list[str]] = {role: [] for role in _ORDER}
        for node in self._heard:
            role = node.rpartition('/')[2]
            if role in shares:
                shares[role].append(f'{self.mean(node, "busy"):.2f}')
        found = [f'{role} {" ".join(numbers)}' for role, numbers in shares.items() if numbers]
        return ', '.join(found) or '–'

    @property
    def waiting(self) -> str:
        """Nodes that wait, and the event that each waits for."""
        if not self._reports:
            return 'nothing heard yet'
        found = []
        for node in self._heard:
            waits = self._reports[node][-1].values.get('waits_for')
            if waits and node != 'evaluator':  # it waits most of the time
                found.append(f'{node}: {waits}')
        return '; '.join(found) or 'nobody'

    @property
    def troubles(self) -> dict[str, str]:
        """Problems by their subject; usually none."""
        found = {
            'rollouts dropped': self.total('rollouts_dropped'),
            'bags refused': self.total('bags_refused'),
        }
        troubles = {name: str(count) for name, count in found.items() if count}
        if silent := sorted({*self._reports} - {*self._heard}):
            ages = {node: self._now - self._reports[node][-1].heard_at for node in silent}
            troubles['silent'] = ', '.join(f'{node} for {age:.0f} s' for node, age in ages.items())
        return troubles
