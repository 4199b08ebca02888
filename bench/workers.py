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
Workers that join a run from other machines: env steps per second, and what the network carries.

The machines are network namespaces of this one, on a switch that delays every frame
(``bench/delayed_network.py``); so they share its cores. The trainer makes no updates and so
never holds collection back; the shipped policy acts. CPU time is that of the nodes of each kind.
Needs root.

Run: ``python bench/workers.py [--counts 1 2 4] [--delays-ms 0 1 20] [--seconds 10] [--recorders]
[--real-time]``

With ``--recorders`` the machines of the workers have no run folder: the recorders are beside the
trainer, and record ``step`` from the network. With ``--real-time`` each worker steps its
environments at 25 Hz, so that the cores are not the limit.
"""

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, ExitStack
from functools import partial
import os
from pathlib import Path
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from campaign.processes import claimed_domain
from delayed_network import Network, network
from her_ros.config.files import read_run_file, shipped_model
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.orchestration.graph import FIRST_JOINED, training_nodes
from her_ros.orchestration.prepare import prepare_run, Run
from her_ros.orchestration.worker import write_join_file
from her_ros.runtime.process import die_with_parent
from her_ros.tasks.registry import task_named
from options import at_least, Options, whole
from table import print_figures, print_table

TASK = 'FetchPush'
NAMESPACE = 'workers'
KINDS = ('sim_env', 'policy', 'recorder', 'trainer')
# Rollouts of each worker before the measurement.
_WARM_UP = 2
_PATIENCE_S = 180.0
_NAME = re.compile(r'\d{8}T\d{6}_w(\d{3})_')


class Measured(NamedTuple):
    """One row of the table."""

    workers: int
    delay_ms: float
    steps_per_s: float
    #: bytes per env step, all that the machines of the workers send, with all headers
    bytes_per_step: float
    #: microseconds per env step, of the nodes of each kind
    cpu_us: dict[str, float]


def measure(workers: int, delay_ms: float, options: Namespace, folder: Path) -> Measured:
    """Let workers collect for some seconds."""
    seconds, recorders = options.seconds, options.recorders
    run = prepared(folder, options.real_time)
    with ExitStack() as stack:
        net = stack.enter_context(network(workers + 1, delay_ms / 1000.0))
        os.environ['ROS_DOMAIN_ID'] = str(stack.enter_context(claimed_domain()))
        write_join_file(run, NAMESPACE)
        nodes = training_nodes(NAMESPACE, 0, str(run.folder.path), workers if recorders else 0)
        for spec in nodes:
            if spec.name != 'evaluator':
                stack.enter_context(started(net, 0, spec.command(run.folder.params), folder))
        for number in range(workers):
            join = joinable(run, folder / f'machine_{number}') if recorders else run.folder.path
            command = [sys.executable, '-P', '-m', 'her_ros.cli.main', 'worker', '--join', join]
            stack.enter_context(started(net, number + 1, command, folder))
            if recorders:  # each takes the first that is free
                await_rollouts(run, number + 1, 1)
        await_rollouts(run, workers, _WARM_UP)
        begin = Seen.now(run, net)
        time.sleep(seconds)
        end = Seen.now(run, net)
    steps = (end.steps - begin.steps) or 1
    return Measured(
        workers,
        delay_ms,
        steps / (end.at - begin.at),
        (end.sent - begin.sent) / steps,
        {kind: (end.cpu[kind] - begin.cpu[kind]) / steps * 1e6 for kind in KINDS},
    )


class Seen(NamedTuple):
    """What was there at a moment."""

    #: monotonic seconds
    at: float
    #: env steps recorded
    steps: int
    #: bytes that the machines of the workers sent
    sent: int
    #: CPU time of the nodes of each kind, seconds
    cpu: Counter[str]

    @classmethod
    def now(cls, run: Run, net: Network) -> 'Seen':
        """Look now."""
        num_envs = read_run_file(run.folder.params)['sim_env']['num_envs']
        rows = num_envs * task_named(TASK).episode_length
        count = sum(rollouts(run).values())
        return cls(time.monotonic(), count * rows, sum(net.sent[1:]), cpu_s())


def prepared(folder: Path, real_time: bool) -> Run:
    """Prepare a run whose trainer only reads bags and publishes the shipped policy."""
    overrides = (
        f'trainer.start_from={shipped_model(TASK)}', 'trainer.updates_per_step=0.0',
        'trainer.stop.env_steps=1000000000', 'trainer.evaluation_interval=1000000000',
        f'sim_env.real_time={str(real_time).lower()}', 'trainer.compile_after=0',
    )  # fmt: skip
    return prepare_run(TASK, folder / 'runs', new=True, overrides=overrides)


def joinable(run: Run, folder: Path) -> Path:
    """Return a folder with a copy of ``join.json``, as on a machine without the run folder."""
    folder.mkdir(parents=True)
    shutil.copy(run.folder.join, folder)
    return folder


@contextmanager
def started(net: Network, machine: int, command: Sequence[object], folder: Path) -> Iterator[None]:
    """Run a program on a machine."""
    with (folder / 'output').open('ab') as output:
        process = subprocess.Popen(
            [*net.prefix(machine), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **graph_environment(folder)},
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def rollouts(run: Run) -> Counter[int]:
    """Return the number of finished rollouts of each worker."""
    matches = (_NAME.match(path.name) for path in run.folder.bags.glob('*.mcap'))
    return Counter(int(match[1]) for match in matches if match)


def await_rollouts(run: Run, workers: int, count: int) -> None:
    """
    Wait for rollouts of the first workers that have joined.

    :raises TimeoutError: naming what was seen
    """
    deadline = time.monotonic() + _PATIENCE_S
    wanted = range(FIRST_JOINED, FIRST_JOINED + workers)
    while any(rollouts(run)[each] < count for each in wanted):
        if time.monotonic() > deadline:
            seen = dict(rollouts(run))
            raise TimeoutError(f'{count} rollouts of {workers} workers: {seen} so far')
        time.sleep(0.05)


def cpu_s() -> Counter[str]:
    """Return the CPU time of the nodes of each kind, of all descendants of this process."""
    parents, commands, used = {}, {}, {}
    tick = os.sysconf('SC_CLK_TCK')
    for path in Path('/proc').glob('[0-9]*'):
        try:
            fields = (path / 'stat').read_text().rpartition(')')[2].split()
            commands[int(path.name)] = (path / 'cmdline').read_bytes().split(b'\0')
        except OSError:  # it has ended
            continue
        parents[int(path.name)] = int(fields[1])
        used[int(path.name)] = (int(fields[11]) + int(fields[12])) / tick
    found: Counter[str] = Counter()
    for pid, words in commands.items():
        ancestor = pid
        while ancestor in parents and ancestor != os.getpid():
            ancestor = parents[ancestor]
        kind = next((each for each in KINDS if f'her_ros.nodes.{each}'.encode() in words), '')
        if kind and ancestor == os.getpid():
            found[kind] += used[pid]
    return found


def main() -> None:
    """Measure every number of workers with every delay."""
    parser = Options(__doc__)
    parser.add_argument('--counts', type=whole(1, 8), nargs='+', default=[1, 2, 4])
    parser.add_argument('--delays-ms', type=at_least(0.0), nargs='+', default=[0.0, 1.0, 20.0])
    parser.add_argument('--seconds', type=at_least(2.0), default=10.0)
    parser.add_argument('--recorders', action='store_true', help='without a shared run folder')
    parser.add_argument('--real-time', action='store_true', help='environments at 25 Hz')
    options = parser.parse_args()
    # What was started, and the namespaces, are removed at the end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in ('FASTRTPS_DEFAULT_PROFILES_FILE', 'ROS_STATIC_PEERS', 'ROS_DISCOVERY_SERVER'):
        os.environ.pop(name, None)
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'SUBNET'
    rows = []
    with tempfile.TemporaryDirectory() as parent:
        for delay_ms in options.delays_ms:
            for count in options.counts:
                folder = Path(parent, f'{delay_ms:g}_{count}')
                folder.mkdir()
                rows.append(measure(count, delay_ms, options, folder))
                print(rows[-1], file=sys.stderr)
    columns = ['delay, ms', 'steps/s', 'bytes per step', *(f'{kind}, µs' for kind in KINDS)]
    print_table(
        'workers',
        columns,
        [
            [
                row.workers,
                row.delay_ms,
                row.steps_per_s,
                row.bytes_per_step,
                *(row.cpu_us[kind] for kind in KINDS),
            ]
            for row in rows
        ],
    )
    print_figures(
        **{f'workers_{r.workers}_{r.delay_ms:g}ms_steps_per_s': r.steps_per_s for r in rows}
    )


if __name__ == '__main__':
    main()
