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
Punctuality: how late a control loop wakes up, and how long an answer takes.

``loop``: in one process, ``OnnxPolicy.act`` and the safety filter on one state, 1,000 times a
second, at deadlines that do not move when one is missed. What a node can ask for is added step by
step: garbage collected between steps, memory locked, SCHED_FIFO, one core. Each variant runs in
processes of its own, and they take turns. ``--busy`` lets others compete for the cores.

``node``: the policy node as a process, at 25 Hz over DDS, idle and beside a busy core, without
and with all that it can ask for. ``soak``: its memory, again and again; measured from inside.

Run: ``python bench/realtime.py loop [--seconds 20] [--rounds 4] [--busy 0]``,
``python bench/realtime.py node [--seconds 600]``, ``python bench/realtime.py soak [--minutes 60]``
"""

from collections.abc import Iterator
from contextlib import contextmanager
import multiprocessing
import os
from pathlib import Path
import time
from typing import Any, NamedTuple

from her_ros.config.parameters.policy import RealTimeParameters, SafetyParameters
from her_ros.policy import realtime
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.policy.safety.filter import SafetyFilter
from her_ros.tasks.registry import TASKS
import numpy as np
from numpy.typing import NDArray
from options import above, at_least, Options, whole
import realtime_node
from table import print_figures, print_table

TASK = TASKS['FetchPush']
MODEL = Path(__file__).parents[1] / 'models' / TASK.name / 'policy.onnx'
PERIOD_NS = 1_000_000
WARM_UP = 500
PERCENTILES = (50, 99, 99.9, 100)
COLUMNS = ('p50', 'p99', 'p99.9', 'max')
# A process of its own each time: what one has locked or frozen, the next one has not.
PROCESSES = multiprocessing.get_context('spawn')


def variants() -> dict[str, dict[str, Any]]:
    """Return parameters, each variant with those of the ones before."""
    steps: dict[str, dict[str, Any]] = {
        'plain': {},
        '+ gc between steps': {'realtime_collect_between_steps': True},
        '+ locked memory': {'realtime_lock_memory': True},
        '+ SCHED_FIFO': {'realtime_scheduler_priority': 50},
        '+ one core': {'realtime_cpu_affinity': (max(os.sched_getaffinity(0)),)},
    }
    so_far: dict[str, Any] = {}
    return {name: dict(so_far := {**so_far, **more}) for name, more in steps.items()}


class Times(NamedTuple):
    """Nanoseconds of each period: from its deadline to waking up, to act, to filter."""

    late: NDArray[np.int64]
    act: NDArray[np.int64]
    filter: NDArray[np.int64]  # noqa: A003


def measure(values: dict[str, Any], seconds: float) -> Times:
    """Run the loop in this process, for so long."""
    policy = OnnxPolicy.load(MODEL, TASK)
    safety = SafetyFilter(TASK, SafetyParameters())
    rows = realtime_node.states(TASK.episode_length)
    parameters = RealTimeParameters(**values)
    realtime.apply(parameters)
    collector = realtime.GarbageCollector() if parameters.realtime_collect_between_steps else None
    if collector:
        collector.freeze()
    count = WARM_UP + round(seconds * 1e9 / PERIOD_NS)
    stamps = np.zeros((4, count), np.int64)
    begin = time.monotonic_ns() + PERIOD_NS
    for i in range(count):
        place = i % len(rows)
        row = rows[place:][:1]
        deadline = begin + i * PERIOD_NS
        time.sleep(max(deadline - time.monotonic_ns(), 0) / 1e9)
        woken = time.monotonic_ns()
        actions = policy.act(row['observation'], row['achieved_goal'], row['desired_goal'])
        acted = time.monotonic_ns()
        safety.apply(row, actions)
        stamps[:, i] = deadline, woken, acted, time.monotonic_ns()
        if collector:
            collector.between_steps()
    return Times(*np.diff(stamps[:, WARM_UP:], axis=0))


def spin() -> None:
    while True:
        pass


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Let so many processes compete for the cores."""
    spinning = [PROCESSES.Process(target=spin, daemon=True) for _ in range(count)]
    for process in spinning:
        process.start()
    try:
        yield
    finally:
        for process in spinning:
            process.terminate()


def loop(seconds: float, rounds: int, busy_processes: int) -> None:
    times: dict[str, list[Times]] = {}
    refused: dict[str, str] = {}
    with busy(busy_processes):
        for _ in range(rounds):
            for name, values in variants().items():
                try:
                    with PROCESSES.Pool(1) as pool:
                        one = pool.apply(measure, (values, seconds / rounds))
                    times.setdefault(name, []).append(one)
                except realtime.RealTimeError as error:
                    refused[name] = str(error)
    report({name: Times(*np.concatenate(each, 1)) for name, each in times.items()})
    for name, reason in refused.items():
        print(f'{name}: not measured: {reason}')


def microseconds(values: NDArray[np.int64]) -> list[float]:
    return (np.percentile(values, PERCENTILES) / 1e3).tolist()


def missed(times: Times) -> int:
    """Count the periods whose answer came after the next one had begun."""
    return int((sum(times) > PERIOD_NS).sum())


def report(times: dict[str, Times]) -> None:
    print_table(
        'µs from deadline to waking up',
        (*COLUMNS, 'missed', 'of'),
        [(name, *microseconds(t.late), missed(t), len(t.late)) for name, t in times.items()],
    )
    work = {name: each.act + each.filter for name, each in times.items()}
    for title, parts in (
        ('µs to act and filter', work),
        ('µs to filter', {name: each.filter for name, each in times.items()}),
    ):
        print_table(title, COLUMNS, [(name, *microseconds(t)) for name, t in parts.items()])
    first, *_, last = variants()
    figures: dict[str, float] = {}
    for prefix, name in (('plain', first), ('all', last)):
        if name not in times:
            continue
        for part, values in (('late', times[name].late), ('work', work[name])):
            for column, value in zip(COLUMNS, microseconds(values), strict=True):
                figures[f'loop_{prefix}_{part}_{column.replace(".", "")}_us'] = value
        figures[f'loop_{prefix}_missed'] = missed(times[name])
    print_figures(**figures)


def main() -> None:
    parser = Options(__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    command = commands.add_parser('loop', help='act and filter at 1,000 Hz, in process')
    command.add_argument('--seconds', type=at_least(1.0), default=20.0, help='of each variant')
    command.add_argument(
        '--rounds', type=whole(1), default=4, help='in which the variants take turns'
    )
    command.add_argument(
        '--busy', type=whole(0), default=0, help='processes that do nothing but spin'
    )
    command = commands.add_parser('node', help='the policy node at 25 Hz')
    command.add_argument('--seconds', type=at_least(1.0), default=600.0, help='of each variant')
    command.add_argument('--only', default='', help='variants whose names contain this')
    command = commands.add_parser('soak', help='the memory of the policy node at 25 Hz')
    command.add_argument('--minutes', type=above(0.0), default=60.0)
    command.add_argument('--interval', type=above(0.0), default=60.0, help='of reports, seconds')
    arguments = parser.parse_args()
    if arguments.command == 'node':
        realtime_node.node(arguments.seconds, arguments.only)
        return
    if arguments.command == 'soak':
        if 60.0 * arguments.minutes < 2.0 * arguments.interval:
            parser.error('--minutes: too short for two reports; lower --interval as well')
        realtime_node.soak(arguments.minutes, arguments.interval)
        return
    loop(arguments.seconds, arguments.rounds, arguments.busy)


if __name__ == '__main__':
    main()
