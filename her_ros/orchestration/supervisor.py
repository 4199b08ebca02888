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

"""Start the nodes of a run as child processes, restart those that die, and stop all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import os
from pathlib import Path
import signal
import subprocess
import time

from her_ros.orchestration.dds_environment import graph_environment
from her_ros.orchestration.graph import NodeSpec
from her_ros.orchestration.restart_rule import RestartRule
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.last_error import ERROR_FILE, error_file, take_error
from her_ros.runtime.process import LAUNCHER, USER_ERROR

_STOP_TIMEOUT_S = 8.0
_RESTART_DELAY_S = 0.5
# Prefixes of log lines that do not explain an end.
_NO_ERRORS = ('[DEBUG]', '[INFO]', '[WARN]')


class SupervisorError(HerRosError):
    """A run that cannot continue."""


@dataclass
class _Child:
    spec: NodeSpec
    log: Path
    process: subprocess.Popen[bytes]
    #: size of the log when the process started, bytes
    log_start: int = 0
    restart_at: float | None = None


class Supervisor:
    """
    The nodes of a run as child processes, which end with this process.

    :param log_folder: folder for the output of the nodes, a file per node
    :param report: called with one line for the user
    """

    def __init__(
        self,
        specs: Sequence[NodeSpec],
        params_file: Path,
        log_folder: Path,
        report: Callable[[str], None],
    ) -> None:
        self._params_file = params_file
        self._log_folder = log_folder
        self._report = report
        self._rule = RestartRule()
        log_folder.mkdir(exist_ok=True)
        self._children: list[_Child] = []
        for spec in specs:
            log = log_folder / f'{spec.full_name.strip("/").replace("/", ".")}.log'
            size = _size(log)
            self._children.append(_Child(spec, log, self._start(spec, log), size))

    def _start(self, spec: NodeSpec, log: Path) -> 'subprocess.Popen[bytes]':
        take_error(error_file(log))  # of an earlier process
        with log.open('ab') as output:
            return subprocess.Popen(
                spec.command(self._params_file),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    **graph_environment(self._log_folder),
                    LAUNCHER: str(os.getpid()),
                    ERROR_FILE: str(error_file(log)),
                },
                # Ctrl-C reaches only this process, which stops the nodes once and in order.
                start_new_session=True,
            )

    @property
    def pids(self) -> dict[str, int]:
        """Process of every node by its full name."""
        return {child.spec.full_name: child.process.pid for child in self._children}

    def poll(self) -> bool:
        """
        Check and restart the nodes; return whether the run has finished.

        :raises SupervisorError: if a node died too often
        """
        for child in self._children:
            status = child.process.poll()
            if status is None:
                continue
            if child.spec.has_finished(status):
                return True
            if child.restart_at is None:
                self._note_death(child, status)
            elif time.monotonic() >= child.restart_at:
                child.log_start = _size(child.log)
                child.process = self._start(child.spec, child.log)
                child.restart_at = None
        return False

    def _note_death(self, child: _Child, status: int) -> None:
        name = child.spec.full_name
        cause = f'signal {signal.Signals(-status).name}' if status < 0 else f'status {status}'
        error = take_error(error_file(child.log))
        error_text = str(error or _last_error(child.log, child.log_start))
        if status == USER_ERROR:
            raise SupervisorError(error_text, f'its log is {child.log}', name)
        if not child.spec.restarts:
            raise SupervisorError(
                f'ended with {cause} ({error_text})', 'start all training processes again', name
            )
        if not self._rule.allows(name):
            raise SupervisorError(
                f'{RestartRule.verdict(name)}; last: {error_text}', f'its log is {child.log}'
            )
        self._report(f'{name} ended with {cause} and is started again ({error_text})')
        child.restart_at = time.monotonic() + _RESTART_DELAY_S

    def stop(self) -> None:
        """Stop all nodes; kill those that do not end within seconds."""
        for child in self._children:
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        for child in self._children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
                self._report(f'{child.spec.full_name} did not stop and was killed')


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _last_error(log: Path, start: int) -> str:
    """
    Return the last line of a log that may explain the end of its process.

    That is a line of error severity, or one that ROS did not log, such as the end of a traceback.

    :param start: offset of the first line of the process, bytes
    """
    with log.open('rb') as file:
        file.seek(start)
        lines = file.read().decode(errors='replace').strip().splitlines()
    errors = [line for line in lines if line.strip() and not line.startswith(_NO_ERRORS)]
    return errors[-1] if errors else 'it logged no error'
