"""Display of a simulation that runs without training."""

import time

from her_ros.view.display import Display


class SimulationDisplay(Display):
    """Listens to the diagnostics of simulation and policy."""

    def _rows(self) -> dict[str, str]:
        reports = self._reports
        simulation = 'worker_0/fetch_env'
        reports.look(time.monotonic())
        return {
            'rollouts': reports.last(simulation, 'rollouts'),
            'env steps': reports.last(simulation, 'env_steps'),
            'env steps per second': f'{reports.mean(simulation, "env_steps_per_s"):.0f}',
            'simulation': reports.last(simulation, 'message', ''),
            'policy': reports.last('worker_0/policy', 'message', ''),
            'busy': reports.busy,
            'waiting': reports.waiting,
            **reports.troubles,
        }

    def line(self) -> str:
        """Return the state of the simulation in one line."""
        rows = self._rows()
        return '  '.join([self._time(), *(f'{name}: {value}' for name, value in rows.items())])
