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

"""Display of a simulation that runs without training."""

import time

from her_ros.view.display import Display
from rich.console import Console


class SimulationDisplay(Display):
    """
    Listens to the diagnostics of simulation and policy.

    :param worker: name of the worker within the namespace
    """

    def __init__(
        self, title: str, namespace: str, console: Console, worker: str = 'worker_0'
    ) -> None:
        super().__init__(title, namespace, console)
        self._worker = worker

    def _rows(self) -> dict[str, str]:
        reports = self._reports
        simulation = f'{self._worker}/sim_env'
        reports.look(time.monotonic())
        return {
            'rollouts': reports.last(simulation, 'rollouts'),
            'env steps': reports.last(simulation, 'env_steps'),
            'env steps per second': f'{reports.mean(simulation, "env_steps_per_s"):.0f}',
            'simulation': reports.last(simulation, 'message', ''),
            'policy': reports.last(f'{self._worker}/policy', 'message', ''),
            'busy': reports.busy,
            'waiting': reports.waiting,
            **reports.troubles,
        }

    def line(self) -> str:
        """Return the state of the simulation in one line."""
        rows = self._rows()
        return '  '.join([self._time(), *(f'{name}: {value}' for name, value in rows.items())])
