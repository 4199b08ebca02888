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

"""Display of a run, from the diagnostics of its nodes."""

import time

from diagnostic_msgs.msg import DiagnosticArray
from her_ros.nodes.qos import LOG, STATUS
from her_ros.orchestration.command_node import ros_node
from her_ros.runtime.errors import one_line
from her_ros.view.reports import Reports
from her_ros.view.training_progress import StopRule, TrainingProgress
from her_ros.wire.topics import DIAGNOSTICS, ROSOUT
from rcl_interfaces.msg import Log
from rclpy.executors import SingleThreadedExecutor
from rich.console import Console
from rich.live import Live
from rich.table import Table

# Seconds between lines if the output is no terminal.
_LINE_INTERVAL_S = 5.0
# Columns for values, so that the table keeps its width; and columns for names and lines.
_VALUES_WIDTH, _REST_WIDTH = 73, 37
# An error that a node repeats is shown again after this time, seconds.
_REPEAT_S = 10.0
_ERROR = int.from_bytes(Log.ERROR) if isinstance(Log.ERROR, bytes) else int(Log.ERROR)


class Display:
    """
    Listens to ``/diagnostics`` and shows the run; a context manager.

    :param stop: what ends the training, of which it then shows how far it is
    """

    def __init__(
        self, title: str, namespace: str, console: Console, stop: StopRule | None = None
    ) -> None:
        self._title = title
        self._namespace = '/' + namespace.strip('/') + '/'
        self._console = console
        self._reports = Reports()
        self._progress = None if stop is None else TrainingProgress(stop)
        self._shown_at: dict[tuple[str, str], float] = {}  # by error
        self._started = time.monotonic()
        self._line_at = 0.0
        self._live: Live | None = None

    def __enter__(self) -> 'Display':
        self._ros = ros_node('her_ros_display')
        self._node = self._ros.__enter__()
        self._node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_status, STATUS)
        self._node.create_subscription(Log, ROSOUT, self._on_log, LOG)
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
        self._ros.__exit__(None, None, None)

    def _on_status(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.startswith(self._namespace):
                name = one_line(status.name.removeprefix(self._namespace))
                values = {item.key: one_line(item.value) for item in status.values}
                values['message'] = one_line(status.message)
                self._reports.take(name, values, time.monotonic())
                if name == 'trainer' and self._progress is not None:
                    self._progress.take(values)

    def _on_log(self, message: Log) -> None:
        """Show the errors that nodes log, on a terminal as well as in a file."""
        name = '/' + message.name.replace('.', '/')
        if message.level < _ERROR or not name.startswith(self._namespace):
            return
        text = '\n'.join(map(one_line, message.msg.splitlines()))
        error, now = (name, text), time.monotonic()
        if now - self._shown_at.get(error, -_REPEAT_S) >= _REPEAT_S:
            self._shown_at[error] = now
            self._console.print(f'{name}: {text}', highlight=False, soft_wrap=True)

    def update(self, seconds: float) -> None:
        """Receive diagnostics for the given time, and show them."""
        self._executor.spin_once(timeout_sec=seconds)
        self._show()

    def _show(self) -> None:
        if self._live is not None:
            self._live.update(self._table())
        elif time.monotonic() - self._line_at >= _LINE_INTERVAL_S:
            self._line_at = time.monotonic()
            self._console.print(self.line(), highlight=False, soft_wrap=True)

    def _rows(self) -> dict[str, str]:
        """Return the displayed values by name."""
        reports = self._reports
        reports.look(time.monotonic())
        return {
            **(self._progress.rows() if self._progress else {}),
            'episodes': reports.last('trainer', 'episodes'),
            'env steps': reports.last('trainer', 'env_steps'),
            'updates': reports.last('trainer', 'updates'),
            'success of the last evaluation': reports.last('trainer', 'success_rate', ''),
            'env steps per second': f'{reports.mean("trainer", "env_steps_per_s"):.0f}',
            'updates per second': f'{reports.mean("trainer", "updates_per_s"):.0f}',
            'busy': reports.busy,
            'waiting': reports.waiting,
            **reports.troubles,
        }

    def _time(self) -> str:
        return f'{time.monotonic() - self._started:6.1f} s'

    def line(self) -> str:
        """Return the state of the run in one line."""
        rows = self._rows()
        shown = [
            self._time(),
            *(f'{name} {rows.pop(name)}' for name in ('episodes', 'env steps', 'updates')),
            f'success {rows.pop("success of the last evaluation")}',
            f'{rows.pop("env steps per second")} steps/s',
            f'{rows.pop("updates per second")} updates/s',
            *(f'{name}: {value}' for name, value in rows.items()),
        ]
        return '  '.join(shown)

    def _table(self) -> Table:
        table = Table(title=self._title, show_header=False)
        table.add_column()
        table.add_column(width=max(20, min(_VALUES_WIDTH, self._console.width - _REST_WIDTH)))
        table.add_row('time', f'{time.monotonic() - self._started:.0f} s')
        for name, value in self._rows().items():
            table.add_row(name, value)
        return table
