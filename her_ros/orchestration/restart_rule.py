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

"""Rule that decides whether a node that died is restarted."""

from collections import deque
import time

#: three deaths of one node within this time end the run
_DEATHS, _WINDOW_S = 3, 60.0


class RestartRule:
    """Decides whether a node that died is restarted."""

    def __init__(self) -> None:
        self._deaths: dict[str, deque[float]] = {}

    def allows(self, node: str) -> bool:
        """Note a death; return whether the node may be restarted."""
        deaths = self._deaths.setdefault(node, deque(maxlen=_DEATHS))
        deaths.append(time.monotonic())
        return len(deaths) < _DEATHS or deaths[-1] - deaths[0] > _WINDOW_S

    @staticmethod
    def verdict(node: str) -> str:
        """Return the reason for ending the run."""
        return f'{node} died {_DEATHS} times within {_WINDOW_S:.0f} s'
