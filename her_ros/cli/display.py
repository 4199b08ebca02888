"""What a run shows while it goes on, from the nodes' diagnostics."""

import time
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from rich.console import Console
from rich.live import Live
from rich.table import Table

from her_ros.nodes.qos import DIAGNOSTICS, STATUS

# Where there is no terminal, a line this often.
_LINE_INTERVAL_S = 5.0


class Display:
    """Listens to ``/diagnostics`` and shows the run; a context manager."""

    def __init__(self, title: str, namespace: str, console: Console) -> None:
        self._title = title
        self._namespace = '/' + namespace.strip('/') + '/'
        self._console = console
        self._status: dict[str, dict[str, Any]] = {}
        self._started = time.monotonic()
        self._line_at = 0.0
        self._live: Live | None = None

    def __enter__(self) -> 'Display':
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node('her_ros_display')
        self._node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_status, STATUS)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        if self._console.is_terminal:
            self._live = Live(self._table(), console=self._console, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._show()
        if self._live is not None:
            self._live.stop()
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def _on_status(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.startswith(self._namespace):
                values = {item.key: item.value for item in status.values}
                self._status[status.name] = {**values, 'message': status.message}

    def update(self, seconds: float) -> None:
        """Listen for about so long and show what came."""
        self._executor.spin_once(timeout_sec=seconds)
        self._show()

    def _show(self) -> None:
        if self._live is not None:
            self._live.update(self._table())
        elif time.monotonic() - self._line_at >= _LINE_INTERVAL_S:
            self._line_at = time.monotonic()
            self._console.print(self.line(), highlight=False, soft_wrap=True)

    def _trainer(self, key: str, default: str = '0') -> str:
        value = self._status.get(f'{self._namespace}trainer', {}).get(key, default)
        return str(value) if value != '' else '–'

    def _waiting(self) -> str:
        """Say who waits for what."""
        waits = [
            f'{name.removeprefix(self._namespace)}: {status["waits_for"]}'
            for name, status in sorted(self._status.items())
            if status.get('waits_for') and not name.endswith('/evaluator')
        ]
        return '; '.join(waits) or 'nobody'

    def line(self) -> str:
        """Return the state of the run in one line."""
        return (
            f'{time.monotonic() - self._started:6.1f} s'
            f'  episodes {self._trainer("episodes")}  env steps {self._trainer("env_steps")}'
            f'  updates {self._trainer("updates")}  success {self._trainer("success_rate", "")}'
            f'  {self._trainer("env_steps_per_s")} steps/s'
            f'  {self._trainer("updates_per_s")} updates/s  waiting: {self._waiting()}'
        )

    def _table(self) -> Table:
        table = Table(title=self._title, show_header=False, min_width=60)
        rows = (
            ('time', f'{time.monotonic() - self._started:.0f} s'),
            ('episodes', self._trainer('episodes')),
            ('env steps', self._trainer('env_steps')),
            ('updates', self._trainer('updates')),
            ('success of the last evaluation', self._trainer('success_rate', '')),
            ('env steps per second', self._trainer('env_steps_per_s')),
            ('updates per second', self._trainer('updates_per_s')),
            ('waiting', self._waiting()),
        )
        for name, value in rows:
            table.add_row(name, value)
        return table
