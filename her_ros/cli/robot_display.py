"""What a deployment shows while it goes on."""

from her_ros.cli.display import Display


class RobotDisplay(Display):
    """Listens to the diagnostics of policy and bridge."""

    def _rows(self) -> dict[str, str]:
        reports = self._reports
        bridge = 'robot_bridge'
        succeeded = reports.last(bridge, 'episodes_succeeded')
        return {
            'robot': reports.last(bridge, 'state', ''),
            'goal': reports.last(bridge, 'goal', ''),
            'distance to it, m': reports.last(bridge, 'distance_m', ''),
            'episodes reached': f'{succeeded} of {reports.last(bridge, "episodes_ended")}',
            'policy': reports.last('policy', 'message', ''),
            'latency p50, p99 ms': ', '.join(
                reports.last('policy', key, '') for key in ('latency_p50_ms', 'latency_p99_ms')
            ),
            'safety stops': reports.last('policy', 'missed_deadlines'),
            'actions filtered': reports.last('policy', 'interventions'),
            'busy': reports.busy,
            'waiting': reports.waiting,
            **reports.troubles,
        }

    def line(self) -> str:
        """Return the state of the robot in one line."""
        rows = self._rows()
        return '  '.join([self._time(), *(f'{name}: {value}' for name, value in rows.items())])
