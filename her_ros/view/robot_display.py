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

"""Display of a running deployment."""

import time

from her_ros.view.display import Display
from her_ros.view.reports import UNKNOWN


class RobotDisplay(Display):
    """Listens to the diagnostics of policy and bridge."""

    def _rows(self) -> dict[str, str]:
        reports = self._reports
        bridge = 'robot_bridge'
        reports.look(time.monotonic())
        succeeded, ended = (
            reports.last(bridge, f'episodes_{which}', '') for which in ('succeeded', 'ended')
        )
        state, problem = (reports.last(bridge, key, '') for key in ('state', 'message'))
        goal_state, why = (
            reports.last(bridge, f'goal_{which}', '') for which in ('state', 'result')
        )
        return {
            'robot': state,
            **({} if problem in (state, UNKNOWN) else {'problem': problem}),
            'goal': reports.last(bridge, 'goal', ''),
            'distance to it, m': reports.last(bridge, 'distance_m', ''),
            'last goal': goal_state if goal_state == UNKNOWN else f'{goal_state}, {why}',
            'episodes reached': f'{succeeded} of {ended}',
            'policy': reports.last('policy', 'message', ''),
            'latency p50, p99 ms': ', '.join(
                reports.last('policy', key, '') for key in ('latency_p50_ms', 'latency_p99_ms')
            ),
            'safety stops': reports.last('policy', 'missed_deadlines', ''),
            'actions filtered': reports.last('policy', 'interventions', ''),
            'busy': reports.busy,
            'waiting': reports.waiting,
            **reports.troubles,
        }

    def line(self) -> str:
        """Return the state of the robot in one line."""
        rows = self._rows()
        return '  '.join([self._time(), *(f'{name}: {value}' for name, value in rows.items())])
