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

"""
Inject random events into the processes of one ``her-ros train``, and account for episodes.

An event is SIGKILL or SIGTERM, or SIGSTOP followed by SIGCONT after 1 to 5 s. It meets one of the
five nodes or the command itself. If the command has ended, the same command is started again.
Three deaths of one node within 60 s end a run by design (``RestartRule``), so deaths of the same
node are at least 33 s apart; a node that died less than that ago is only paused. The 3 s more
than half a minute are for a command that is paused itself and so notices a death late.

No stop rule ends the run before all events were sent. The last event is a SIGKILL of the command.
Then the same command with the stop rule of the task goes on undisturbed until the task is solved.
"""

from collections.abc import Sequence
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from campaign.account import Account
from campaign.figures import Figure, Scale
from campaign.processes import claimed_domain
from her_ros.config.files import read_file, shipped_file
from her_ros.runtime.run_folder import RunFolder
import numpy as np

_CASES = {
    Scale.SMALL: ('FetchReach', 3),
    Scale.SHORT: ('FetchReach', 10),
    Scale.LONG: ('FetchPush', 100),
}
# Seconds from one event to the next, at random: shorter and longer than the start of a node.
_GAP_S = {Scale.SMALL: (0.5, 1.0), Scale.SHORT: (1.0, 4.0), Scale.LONG: (1.0, 6.0)}
_SEED = 0
_COMMAND = 'her-ros'
_NODES = ('trainer', 'evaluator', 'sim_env', 'policy', 'recorder')
_DEATH_GAP_S = 33.0
_PAUSE_S = (1.0, 5.0)
# A node is killed by the supervisor after 8 s, and ends itself 10 s after its launcher.
_GONE_TIMEOUT_S = 20.0
# A machine with two cores starts all nodes within 15 s; a paused one is resumed within 5 s.
_PROGRESS_TIMEOUT_S = 90.0
_SOLVE_TIMEOUT_S = 900.0
_NEVER = 'trainer.stop.evaluations=1000'
# Earlier and shorter evaluations end the small case sooner.
_QUICK = ('trainer.evaluation_interval=800', 'evaluator.episodes=20')


def run(scale: Scale, folder: Path) -> list[Figure]:
    """Return how often the run went on, and what was lost or learned twice."""
    task, count = _CASES[scale]
    random = np.random.default_rng(_SEED)
    with claimed_domain() as domain:
        quick = _QUICK if scale is Scale.SMALL else ()
        training = _Training(task, quick, folder / 'runs', domain)
        try:
            sent = _disturb(training, count - 1, _GAP_S[scale], random)
            sent.append(f'{_COMMAND} {signal.SIGKILL.name}')
            outcome = training.finish()
        finally:
            training.close()
    account = Account.of(training.folder, task, training.seen)
    failures = [*training.failures, *account.problems]
    for failure in failures:
        print(f'events: seed {_SEED}: {failure}', file=sys.stderr)
    print(f'events: sent {", ".join(sent)}', file=sys.stderr)
    return [
        Figure('events_sent', len(sent)),
        Figure('events_deaths', sum('STOP' not in each for each in sent)),
        Figure('events_command_restarts', training.starts - 1),
        Figure('events_unsolved', int(outcome != 0), 0),
        Figure('events_runs_that_ended_by_themselves', len(training.failures), 0),
        Figure('events_tracebacks', training.tracebacks, 0),
        Figure('events_bags', len(account.in_folder)),
        Figure('events_episodes', account.episodes),
        Figure('events_bags_lost', account.lost, 0),
        Figure('events_episodes_recorded_twice', account.recorded_twice, 0),
        Figure('events_episodes_miscounted', account.miscounted, 0),
    ]


def _disturb(
    training: '_Training', count: int, gap_s: tuple[float, float], random: np.random.Generator
) -> list[str]:
    """Send events; return their names in order."""
    training.until_a_bag()
    sent: list[str] = []
    died: dict[str, float] = {}
    while len(sent) < count:
        training.look_for(random.uniform(*gap_s))
        alive = training.processes()
        name = str(random.choice((*_NODES, _COMMAND)))
        number = signal.Signals(random.choice((signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM)))
        if name not in alive:
            continue  # it starts at present
        if number != signal.SIGSTOP:
            if time.monotonic() - died.get(name, -_DEATH_GAP_S) < _DEATH_GAP_S:
                continue
            died[name] = time.monotonic()
        sent.append(f'{name} {number.name}')
        if name == _COMMAND and number != signal.SIGSTOP:
            training.restart(number)
        elif not _send(alive[name], number):
            sent.pop()
        elif number == signal.SIGSTOP:
            training.look_for(random.uniform(*_PAUSE_S))
            _send(alive[name], signal.SIGCONT)
    return sent


def _send(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


class _Training:
    """One run of ``her-ros train`` that is started again in the same folder."""

    def __init__(self, task: str, overrides: Sequence[str], runs: Path, domain: int) -> None:
        self._task, self._overrides, self._runs = task, overrides, runs
        self.folder = RunFolder(runs / task / 'events')
        self._environment = {**os.environ, 'ROS_DOMAIN_ID': str(domain)}
        self._output = runs.parent / 'output'
        self.starts = 0
        #: the ends that no event asked for
        self.failures: list[str] = []
        #: size of each bag that was ever in the folder, by name
        self.seen: dict[str, int] = {}
        self._nodes: set[int] = set()
        self._process = self._start(_NEVER)

    def _start(self, stop_rule: str) -> 'subprocess.Popen[bytes]':
        command = [sys.executable, '-P', '-m', 'her_ros.cli.main', 'train', '--task', self._task]
        command += ['--runs', str(self._runs), '--name', 'events']
        for each in (*self._overrides, stop_rule):
            command += ['--set', each]
        self.starts += 1
        with self._output.open('ab') as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )

    def processes(self) -> dict[str, int]:
        """Return the process of each node that lives, by name, and that of the command."""
        parent = self._process.pid
        found = {_COMMAND: parent} if self._process.poll() is None else {}
        for text in _read(Path(f'/proc/{parent}/task/{parent}/children')).split():
            words = _read(Path(f'/proc/{text}/cmdline')).split('\0')
            names = [each.removeprefix('her_ros.nodes.') for each in words]
            found |= {name: int(text) for name in _NODES if name in names}
        self._nodes |= {pid for name, pid in found.items() if name != _COMMAND}
        return found

    def look_for(self, seconds: float) -> None:
        """Watch the run for so long; start it again if it ended by itself."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.processes()
            for path in self.folder.bags.glob('*.mcap'):
                if path.name not in self.seen:
                    self.seen[path.name] = path.stat().st_size
            if self._process.poll() is not None:
                tail = self._output.read_text(errors='replace')[-500:]
                self.failures.append(f'ended with status {self._process.returncode}: {tail}')
                self._wait_until_gone()
                self._process = self._start(_NEVER)
            time.sleep(0.1)

    def until_a_bag(self) -> None:
        """Wait for another bag."""
        deadline, before = time.monotonic() + _PROGRESS_TIMEOUT_S, len(self.seen)
        while len(self.seen) == before:
            self.look_for(0.1)
            if time.monotonic() > deadline:
                self.failures.append(f'no bag came for {_PROGRESS_TIMEOUT_S:.0f} s')
                return

    def restart(self, number: signal.Signals) -> None:
        """End the command by a signal, and start it again once its nodes are gone."""
        self._end(number)
        self._process = self._start(_NEVER)

    def _end(self, number: signal.Signals) -> None:
        self.processes()
        self._process.send_signal(number)
        self._process.wait(_GONE_TIMEOUT_S)
        self._wait_until_gone()

    def _wait_until_gone(self) -> None:
        deadline = time.monotonic() + _GONE_TIMEOUT_S
        while left := [pid for pid in self._nodes if _is_node(pid)]:
            if time.monotonic() > deadline:
                self.failures.append(f'nodes without their command did not end: {left}')
                for pid in left:
                    _send(pid, signal.SIGKILL)
                break
            time.sleep(0.1)
        self._nodes.clear()

    def finish(self) -> int:
        """Kill the command, go on with the task's stop rule until the end; return the status."""
        self._end(signal.SIGKILL)
        own = read_file(shipped_file(self._task)).get('trainer', {})
        self._process = self._start(f'trainer.stop.evaluations={own.get("stop.evaluations", 1)}')
        try:
            return self._process.wait(_SOLVE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.failures.append(f'not solved within {_SOLVE_TIMEOUT_S:.0f} s')
            return -1

    @property
    def tracebacks(self) -> int:
        """Tracebacks in all that the run printed."""
        logs = [self._output, *self.folder.log.glob('*.log')]
        return sum(path.read_bytes().count(b'Traceback (most recent') for path in logs)

    def close(self) -> None:
        """End the processes that run."""
        if self._process.poll() is None:
            self._end(signal.SIGINT)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ''


def _is_node(pid: int) -> bool:
    return 'her_ros.nodes.' in _read(Path(f'/proc/{pid}/cmdline'))
