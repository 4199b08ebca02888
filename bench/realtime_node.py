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
Measure the response time of the policy node as a process, at 25 requests per second.

``realtime.py`` has its commands, ``node`` and ``soak``.
"""

from collections.abc import Iterator, Sequence
import contextlib
import gc
import json
import multiprocessing
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import NamedTuple

from her_ros.nodes.node import run
from her_ros.nodes.policy import PolicyNode
from her_ros.nodes.qos import LOCK_STEP
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CloudDecoder, encode_cloud, stamp_of
from her_ros.wire.rows import action_dtype, Rows, step_dtype
from her_ros.wire.topics import ACTION, STEP
import numpy as np
from numpy.typing import NDArray
from options import above, Options
import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import PointCloud2
from table import print_figures, print_table

TASK = TASKS['FetchPush']
MODEL = Path(__file__).parents[1] / 'models' / TASK.name / 'policy.onnx'
PERIOD_NS = round(1e9 * TASK.control_period_s)
# Two episodes, before anything is measured.
WARM_UP = 2 * (TASK.episode_length + 1)
PERCENTILES = (50, 99, 99.9, 100)
COLUMNS = ('p50', 'p99', 'p99.9', 'max')
CORE = max(os.sched_getaffinity(0))
PUNCTUAL = {
    'realtime.collect_between_steps': True,
    'realtime.lock_memory': True,
    'realtime.scheduler_priority': 50,
    'realtime.cpu_affinity': [CORE],
}
# The partner is to measure, not to be measured.
PARTNER_PRIORITY = 60


class Answer(NamedTuple):
    """Nanoseconds, wall time: when it was asked, published and received; 0: never."""

    asked: int
    published: int
    received: int


class Robot:
    """Asks in every period and notes the answers; lives in this process."""

    def __init__(self) -> None:
        rclpy.init(args=[])
        self._node = rclpy.create_node('robot')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._publisher = self._node.create_publisher(PointCloud2, STEP, LOCK_STEP)
        self._node.create_subscription(PointCloud2, ACTION, self._take, LOCK_STEP, raw=True)
        self._decoder = CloudDecoder(action_dtype(TASK))
        self._rows = states(TASK.episode_length + 1)
        self._asked, self._published, self._received = 0, 0, 0
        self._identity = (0, 0)

    def _take(self, cdr: bytes) -> None:
        received = time.time_ns()
        row = self._decoder.decode([cdr])[0][0]
        is_answer = (int(row['episode']), int(row['step'])) == self._identity
        if is_answer and row['policy_version'] and not self._received:
            self._published, self._received = stamp_of(cdr), received

    def ask(self, periods: int) -> Iterator[Answer]:
        """Ask so many times; last states of episodes, which get no answer, are left out."""
        begin = time.monotonic_ns() + PERIOD_NS
        for period in range(periods):
            row = self._rows[period % len(self._rows)].reshape(1)
            row['episode'] = 1 + period // len(self._rows)
            self._wait_until(begin + period * PERIOD_NS)
            self._published = self._received = 0
            self._identity = (int(row['episode'][0]), int(row['step'][0]))
            self._asked = time.time_ns()
            self._publisher.publish(encode_cloud(row, self._asked))
            self._wait_until(begin + (period + 1) * PERIOD_NS)
            if not row['truncated'][0]:
                yield Answer(self._asked, self._published, self._received)

    def _wait_until(self, deadline_ns: int) -> None:
        while (left_ns := deadline_ns - time.monotonic_ns()) > 0:
            self._executor.spin_once(timeout_sec=left_ns / 1e9)

    def meet(self, process: 'subprocess.Popen[str]') -> bool:
        """Wait until the node is there; tell whether it came."""
        deadline = time.monotonic() + 30.0
        while not (
            self._publisher.get_subscription_count() and self._node.count_publishers(ACTION)
        ):
            if process.poll() is not None or time.monotonic() > deadline:
                return False
            self._executor.spin_once(timeout_sec=0.1)
        return True


def states(count: int) -> Rows:
    """Make an episode in the middle of the workspace."""
    generator = np.random.default_rng(0)
    rows = np.zeros(count, step_dtype(TASK))
    rows['session'], rows['step'] = 1, np.arange(count)
    rows['observation'] = generator.normal(0.0, 0.05, rows['observation'].shape)
    rows['observation'][:, :3] += (1.3, 0.75, 0.6)
    rows['achieved_goal'] = rows['observation'][:, 3:6]
    rows['desired_goal'] = rows['achieved_goal'] + generator.normal(0.0, 0.1, (count, 3))
    rows['truncated'][-1] = 1
    return rows


def resident_mib(process_id: int) -> float:
    """Return the memory that a process has in RAM, MiB."""
    status = Path(f'/proc/{process_id}/status').read_text()
    return int(status.partition('VmRSS:')[2].split()[0]) / 1024


@contextlib.contextmanager
def policy(module: Sequence[str], values: dict[str, object]) -> 'Iterator[subprocess.Popen[str]]':
    """Run a policy node as a process of its own."""
    command = [sys.executable, *module, '--ros-args']
    for name, value in {'task': TASK.name, 'model': str(MODEL), **values}.items():
        command += ['-p', f'{name}:={value if isinstance(value, str) else json.dumps(value)}']
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def spin() -> None:
    os.sched_setaffinity(0, {CORE})
    while True:
        pass


@contextlib.contextmanager
def busy(is_busy: bool) -> Iterator[None]:
    """Let a process that does nothing but spin have the core that a pinned node runs on."""
    process = multiprocessing.get_context('spawn').Process(target=spin, daemon=True)
    if is_busy:
        process.start()
    try:
        yield
    finally:
        if is_busy:
            process.terminate()


def prepared() -> Robot:
    os.environ.update(graph_environment())
    with contextlib.suppress(PermissionError):
        # What it starts, the node among them, begins under the normal scheduler.
        scheduler = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, scheduler, os.sched_param(PARTNER_PRIORITY))
    return Robot()


def node(seconds: float, only: str) -> None:
    """Ask a node for so long, per variant, and print how punctual it was."""
    robot, periods = prepared(), WARM_UP + round(seconds * 1e9 / PERIOD_NS)
    rows: dict[str, list[list[object]]] = {'published': [], 'received': [], 'intervals': []}
    memory, figures = [], {}
    for place, is_busy in (('idle', False), ('busy core', True)):
        for kind, values in (('plain', {}), ('real time', PUNCTUAL)):
            name = f'{place}, {kind}'
            if only not in name:
                continue
            with busy(is_busy), policy(('-m', 'her_ros.nodes.policy'), values) as process:
                if not robot.meet(process):
                    print(f'{name}: not measured, see the line above')
                    continue
                answers, begin_mib = [], 0.0
                for number, answer in enumerate(robot.ask(periods)):
                    begin_mib = begin_mib or (number >= WARM_UP) * resident_mib(process.pid)
                    answers.append(answer)
                memory.append((name, begin_mib, resident_mib(process.pid)))
            times = np.array(answers[WARM_UP:], np.int64)
            missed = int((times[:, 2] == 0).sum())
            there = times[times[:, 2] > 0]
            latency = {
                'published': there[:, 1] - there[:, 0],
                'received': there[:, 2] - there[:, 0],
            }
            for title, values_ns in latency.items():
                rows[title].append([name, *milliseconds(values_ns), missed, len(times)])
            gaps = np.abs(np.diff(there[:, 1]) - np.diff(there[:, 0]))
            rows['intervals'].append([name, *milliseconds(gaps)])
            key = name.replace(', ', '_').replace(' ', '_')
            figures[f'node_{key}_missed'] = missed
            p50, p99, *_ = milliseconds(latency['received'])
            figures |= {f'node_{key}_p50_ms': p50, f'node_{key}_p99_ms': p99}
    missing = ('missed', 'of')
    print_table('ms from stamp to publication', (*COLUMNS, *missing), rows['published'])
    print_table('ms from stamp to arrival', (*COLUMNS, *missing), rows['received'])
    print_table('ms of jitter, answer to answer', COLUMNS, rows['intervals'])
    print_table('MiB in RAM', ('at start', 'at end'), memory)
    print_figures(**figures)


def milliseconds(values_ns: NDArray[np.int64]) -> list[float]:
    if not len(values_ns):
        return [float('nan')] * len(PERCENTILES)
    return (np.percentile(values_ns, PERCENTILES) / 1e6).tolist()


def soak(minutes: float, interval_s: float) -> None:
    """Ask a node for so long, and print what memory it has, again and again."""
    robot = prepared()
    itself = (str(Path(__file__)), str(interval_s))
    with policy(itself, {'realtime.collect_between_steps': True}) as process:
        assert process.stdout is not None
        if not robot.meet(process):
            return
        os.set_blocking(process.stdout.fileno(), False)
        reports: list[list[float]] = []
        rest = ''
        for _ in robot.ask(round(60e9 * minutes / PERIOD_NS)):
            # A line may be there in part.
            with contextlib.suppress(BlockingIOError):
                rest += os.read(process.stdout.fileno(), 1 << 16).decode()
            *lines, rest = rest.split('\n')
            for line in lines:
                reports.append(json.loads(line))
                resident, objects, blocks = reports[-1]
                print(f'{resident:.2f} MiB, {objects:,} objects, {blocks:,} blocks', flush=True)
    growth = np.diff([reports[0], reports[-1]], axis=0)[0].tolist()
    names = ('soak_growth_mib', 'soak_growth_objects', 'soak_growth_blocks')
    print_figures(**dict(zip(names, growth, strict=True)))


def soaked(interval_s: float) -> None:
    """Run a policy node that says what memory it has."""

    def make() -> PolicyNode:
        made = PolicyNode()
        made.create_timer(interval_s, tell)
        return made

    def tell() -> None:
        report = [resident_mib(os.getpid()), len(gc.get_objects()), sys.getallocatedblocks()]
        print(json.dumps(report), flush=True)

    run(make)


if __name__ == '__main__':
    parser = Options(__doc__)
    parser.add_argument('interval', type=above(0.0), help='of reports, seconds')
    # What follows is ROS's own.
    soaked(parser.parse_known_args()[0].interval)
