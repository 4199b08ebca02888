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
Start and stop ``her-ros deploy`` and ``train`` by every signal, on a busy machine.

Each case starts a command in a session of its own, waits until the arm moves (``deploy``) or the
trainer reports (``train``), and ends the command by SIGINT, SIGTERM, SIGHUP or SIGKILL.
"""

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
import itertools
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import Any, NamedTuple

from campaign.figures import Fault, Figure, Scale
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.runtime.states import WaitsFor
import numpy as np

# Cases of (deploy, train); signals take turns.
_CASES = {Scale.SMALL: (4, 0), Scale.SHORT: (4, 4), Scale.LONG: (160, 140)}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
# The supervisor kills after 8 s, and a node without launcher ends itself after 10 s.
_LONGEST_STOP_S = 8.0
# From the signal to the last command to move.
_LONGEST_MOTION_S = 1.0
_START_TIMEOUT_S, _GONE_TIMEOUT_S = 60.0, 20.0
_MARK = 'HER_ROS_CAMPAIGN_CASE'
_SLOW = (
    'robot_bridge.command.full_action_speed_mps=0.02', 'robot_bridge.episode_steps=2000',
    'robot_bridge.success_steps=0',
)  # fmt: skip


def run(scale: Scale, folder: Path) -> list[Figure]:
    """Return the times to stop, and what was left or moved at the end."""
    commands = [
        name for name, n in zip(('deploy', 'train'), _CASES[scale], strict=True) for _ in range(n)
    ]
    results, failures = [], []
    with _load(0 if scale is Scale.SMALL else 2), _Spy() as spy:
        for index, (command, number) in enumerate(zip(commands, itertools.cycle(_SIGNALS))):
            result = _case(command, number, folder / str(index), spy)
            results.append(result)
            failures += [(index, command, number.name, each) for each in result.faults]
    for failed in failures:
        print('signals: case {}, {} by {}: {}'.format(*failed), file=sys.stderr)
    kinds = [failure[3].kind for failure in failures]
    p50, p99, longest = np.percentile([each.stop_s for each in results], [50, 99, 100])
    motion_s = max(each.motion_s for each in results)
    return [
        Figure('signals_cases', len(results)),
        Figure('signals_processes_left', kinds.count('left'), 0),
        Figure('signals_moving_at_the_end', kinds.count('moving'), 0),
        Figure('signals_never_started', kinds.count('start'), 0),
        Figure('signals_wrong_status', kinds.count('status'), 0),
        Figure('signals_tracebacks', kinds.count('traceback'), 0),
        Figure('signals_motion_max_s', round(motion_s, 2), _LONGEST_MOTION_S),
        Figure('signals_stop_p50_s', round(float(p50), 2)),
        Figure('signals_stop_p99_s', round(float(p99), 2)),
        Figure('signals_stop_max_s', round(float(longest), 2), _LONGEST_STOP_S),
    ]


class _Result(NamedTuple):
    """Result of a signal to a command."""

    #: from the signal to the end of the last process, seconds
    stop_s: float
    #: from the signal to the last command to move, seconds; 0: there was none
    motion_s: float
    faults: list[Fault]


def _case(command: str, number: signal.Signals, folder: Path, spy: '_Spy') -> _Result:
    """Start a command, and end it by a signal."""
    folder.mkdir()
    mark, output = f'{_MARK}={folder}', folder / 'output'
    process = _start(command, folder, output)
    started = spy.until_moving() if command == 'deploy' else spy.until_training()
    begin = time.monotonic()
    process.send_signal(number)
    while (left := _marked(mark)) and time.monotonic() - begin < _GONE_TIMEOUT_S:
        process.poll()
        spy.spin(0.05)
    stop_s = time.monotonic() - begin
    spy.spin(0.2)
    failures = [] if started else [Fault('start', output.read_text()[-500:])]
    if left:
        failures.append(Fault('left', str(left)))
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    if command == 'deploy' and spy.speed != 0.0:
        failures.append(Fault('moving', f'the last command is {spy.speed:.4f} m/s'))
    status = process.wait(_GONE_TIMEOUT_S)
    killed, ended = -number, 0 if command == 'deploy' else 128 + number
    if status != (killed if number == signal.SIGKILL else ended):
        failures.append(Fault('status', str(status)))
    logs = [output, *folder.glob('run/**/*.log')]
    if any('Traceback' in log.read_text(errors='replace') for log in logs):
        failures.append(Fault('traceback', f'in {folder}'))
    return _Result(stop_s, max(spy.moved_at_s - begin, 0.0), failures)


def _start(command: str, folder: Path, output: Path) -> 'subprocess.Popen[bytes]':
    own = ['--task', 'FetchReach']
    if command == 'deploy':
        own += ['--folder', str(folder / 'run')]
        own += itertools.chain.from_iterable(('--set', each) for each in _SLOW)
    else:
        own += ['--runs', str(folder / 'run')]
    with output.open('wb') as file:
        return subprocess.Popen(
            [sys.executable, '-P', '-m', 'her_ros.cli.main', command, *own],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, _MARK: str(folder)},
            start_new_session=True,
        )


def _marked(mark: str) -> list[int]:
    """List the processes that live with a mark in their environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            entries = Path('/proc', pid, 'environ').read_bytes().split(b'\0')
        except OSError:
            continue
        if mark.encode() in entries:
            found.append(int(pid))
    return found


@contextmanager
def _load(processes: int) -> Iterator[None]:
    """Keep cores busy with niced processes."""
    code = 'import os\nos.nice(10)\nwhile True: pass'
    with ExitStack() as stack:
        for _ in range(processes):
            spinning = subprocess.Popen([sys.executable, '-c', code])
            stack.callback(spinning.wait)
            stack.callback(spinning.kill)
        yield


class _Spy:
    """Hears the commands of the arm and the diagnostics, and sends goals."""

    def __enter__(self) -> '_Spy':
        os.environ.update(graph_environment())
        from diagnostic_msgs.msg import DiagnosticArray
        from geometry_msgs.msg import PointStamped, TwistStamped
        from her_ros.nodes.qos import COMMAND, ROBOT, STATUS
        from her_ros.wire.topics import DIAGNOSTICS, GOAL, TWIST
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor

        self._context = Context()
        rclpy.init(args=[], context=self._context)
        self._node = rclpy.create_node('her_ros_campaign', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._node.create_subscription(TwistStamped, f'/robot/{TWIST}', self._on_twist, ROBOT)
        self._node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_status, STATUS)
        self._goals = self._node.create_publisher(PointStamped, f'/robot/{GOAL}', COMMAND)
        self._goal = PointStamped()
        self._goal.header.frame_id = 'world'
        place = self._goal.point
        place.x, place.y, place.z = 1.45, 0.85, 0.65
        self.speed, self._learns, self._waits = 0.0, False, False
        #: time of the last command to the arm
        self.moved_at_s = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _on_twist(self, message: Any) -> None:
        linear = message.twist.linear
        self.speed = float(np.linalg.norm([linear.x, linear.y, linear.z]))
        if self.speed > 0.0:
            self.moved_at_s = time.monotonic()

    def _on_status(self, message: Any) -> None:
        for status in message.status:
            values = {item.key: item.value for item in status.values}
            self._learns |= status.name.endswith('/trainer')
            self._waits |= values.get('waits_for') == WaitsFor.GOAL

    def spin(self, seconds: float) -> None:
        """Listen for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def until_moving(self) -> bool:
        """Send goals until the arm gets a command."""
        self.speed, self._waits = 0.0, False
        end, sent_at = time.monotonic() + _START_TIMEOUT_S, 0.0
        while self.speed < 0.005 and time.monotonic() < end:
            if self._waits and time.monotonic() - sent_at > 2.0:
                self._goals.publish(self._goal)
                sent_at = time.monotonic()
            self.spin(0.05)
        return self.speed >= 0.005

    def until_training(self) -> bool:
        """Wait until a trainer reports."""
        self._learns = False
        end = time.monotonic() + _START_TIMEOUT_S
        while not self._learns and time.monotonic() < end:
            self.spin(0.05)
        return self._learns
