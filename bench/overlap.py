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
Compare the wall time of a run to that of its simulation and its learning alone.

The run is ``her-ros train --task FetchPush --new``, whole, with one evaluation at its end and
uncompiled updates: compiling takes a third core for a while, and how much of the learning it
spares depends on when it is finished. Its wall clock lasts from the first to the last recorded
step, by the stamps of the messages. How busy the nodes were is what the kernel has counted.

Simulation work is the CPU time of this run's env steps in one process that does nothing else: the
same episodes, stepped again by the recorded actions. Learning work is the same for the updates
made until the last step, on the replay buffer that the run had at each time. Both are measured in
turn once the run is over, and divided by the cores they had, one each: the larger is how long a
run would last whose parts overlap fully and cost nothing. While there are too few steps to learn
from, nothing can overlap; how long that is stands in the table. Other work on the machine makes
the run longer, not the larger work; how much there was is printed too.

Run: ``python bench/overlap.py [--env-steps 24000]``
"""

from collections.abc import Callable, Sequence
import contextlib
from functools import partial
from itertools import pairwise
import os
from pathlib import Path
from statistics import median
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from diagnostic_msgs.msg import DiagnosticArray
from her_ros.bags.reader import read_bag
from her_ros.config.files import read_run_file
from her_ros.config.parameters.nodes import SimEnvParameters, TrainerParameters
from her_ros.config.schema import configured
from her_ros.episodes.episode import Episode
from her_ros.learning.learner import Learner, set_up_torch
from her_ros.nodes.qos import STATUS
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.runtime.process import die_with_parent
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.seeds import integer_seed, SIM_ENV_ROLE
from her_ros.sim.fetch import FetchBatch
from her_ros.wire.topics import DIAGNOSTICS
import numpy as np
from options import DOMAIN, Options, whole
import rclpy
from rclpy.executors import SingleThreadedExecutor
from table import print_figures, print_table, seconds_of_others
from topics import sent, TASK

NAMESPACE = 'bench_overlap'
LIMIT_S = 600.0
# More than FetchPush takes before its first update.
LEAST_ENV_STEPS = 4000
# The trainer makes so many updates at once; and so many times that, per rollout, are measured.
UPDATES, CHUNKS = 8, 5


class Series:
    """A count that grows, at the times it was seen."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._counts: list[float] = []

    def add(self, at: float, count: float) -> None:
        """Note a count."""
        self._times.append(at)
        self._counts.append(count)

    def at(self, when: float) -> float:
        """Return the count at a time, seconds since the epoch."""
        return float(np.interp(when, self._times, self._counts))


class Watched:
    """A run, from its start to its end; CPU time by node, and the updates made."""

    def __init__(self, command: Sequence[str]) -> None:
        self.cpu: dict[str, Series] = {}
        #: CPU time of everything but this process
        self.machine = Series()
        self.updates = Series()
        node = rclpy.create_node('bench', start_parameter_services=False)
        node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_status, STATUS)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        deadline, look_at = time.monotonic() + LIMIT_S, 0.0
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise TimeoutError(f'{" ".join(command)}: not finished after {LIMIT_S} s')
                executor.spin_once(timeout_sec=0.5)
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + 0.5
                    self._look(process.pid)
        finally:
            # It stops its nodes, and they die with it at the latest.
            process.terminate()
            process.wait()
            executor.shutdown()
            node.destroy_node()

    def _on_status(self, message: DiagnosticArray) -> None:
        stamp = message.header.stamp
        for status in message.status:
            if status.name == f'/{NAMESPACE}/trainer':
                values = {item.key: item.value for item in status.values}
                self.updates.add(stamp.sec + 1e-9 * stamp.nanosec, int(values['updates']))

    def _look(self, pid: int) -> None:
        self.machine.add(time.time(), seconds_of_others())
        for entry in Path('/proc').glob('[0-9]*'):
            with contextlib.suppress(OSError):
                # A command may hold anything, so the fields are counted from its end.
                fields = (entry / 'stat').read_text().rpartition(')')[2].split()
                parent, user, system = (int(fields[i]) for i in (1, 11, 12))
                if pid not in (parent, int(entry.name)):
                    continue
                words = (entry / 'cmdline').read_text().split('\0')
                modules = [w.removeprefix('her_ros.nodes.') for w in words if '.nodes.' in w]
                name = modules[0] if modules else 'her-ros train'
                seconds = (user + system) / os.sysconf('SC_CLK_TCK')
                self.cpu.setdefault(name, Series()).add(time.time(), seconds)


class Recorded(NamedTuple):
    """A recorded rollout: when its first and its last step were sent, and its episodes."""

    first: float
    last: float
    episodes: list[Episode]


def recorded(path: Path) -> Recorded:
    """Read a bag; its episodes in the order of their environments."""
    steps, _ = sent(path)
    stamps = np.concatenate(list(steps.values()))
    episodes = sorted(read_bag(path, TASK).episodes, key=lambda each: each.rows['env'][0])
    return Recorded(float(stamps.min()), float(stamps.max()), episodes)


def worked(function: Callable[[], object]) -> float:
    """Return how much CPU time a call takes, seconds, in all threads."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


class Alone(NamedTuple):
    """CPU seconds of each part of a run that is measured alone."""

    reset: float
    rollout: float
    update: float


def alone(
    rollouts: Sequence[Recorded], env: SimEnvParameters, trainer: TrainerParameters
) -> Alone:
    """Simulate the rollouts again and learn from them, in turn."""
    set_up_torch(trainer.threads)
    seed = integer_seed(env.seed, SIM_ENV_ROLE, env.worker)
    batch = FetchBatch(TASK, [seed + i for i in range(env.num_envs)], env.threads)
    learner = Learner(TASK, trainer)
    times: dict[str, list[float]] = {'reset': [], 'rollout': [], 'update': []}
    for rollout in rollouts:
        actions = np.stack([episode.action for episode in rollout.episodes], 1)
        times['reset'].append(worked(batch.reset))
        moving = worked(lambda actions=actions: [batch.step(each) for each in actions])
        times['rollout'].append(times['reset'][-1] + moving)
        ends = [episode.achieved_goal[-1] for episode in rollout.episodes]
        assert (batch.state().achieved_goal == ends).all(), 'not the same work'
        learner.ingest(rollout.episodes)
        if learner.env_steps > trainer.warm_up_steps:
            for _ in range(CHUNKS):
                times['update'].append(worked(lambda: learner.update(UPDATES)) / UPDATES)
    return Alone(**{name: median(each) for name, each in times.items()})


def trained(folder: Path, env_steps: int) -> tuple[Watched, RunFolder]:
    """Watch a run that ends after so many env steps or a little more."""
    command = [sys.executable, '-m', 'her_ros.cli.main', 'train', '--task', TASK.name]
    command += ['--new', '--runs', str(folder), '--namespace', NAMESPACE]
    for override in (
        f'trainer.stop.env_steps={env_steps}',
        f'trainer.evaluation_interval={1 << 40}',
        'trainer.compile_after=0',
        'trainer.device=cpu',
        'evaluator.episodes=1',
    ):
        command += ['--set', override]
    rclpy.init(args=[])
    try:
        run = Watched(command)
    finally:
        rclpy.try_shutdown()
    run_folder = RunFolder(folder / TASK.name / 'run_001')
    if not run_folder.result.exists():
        raise RuntimeError(f'{" ".join(command)}: ended without a result')
    return run, run_folder


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--env-steps', type=whole(LEAST_ENV_STEPS), default=24_000)
    parser.add_argument('--domain', type=DOMAIN, default=92, help='ROS domain')
    options = parser.parse_args()
    os.environ['ROS_DOMAIN_ID'] = str(options.domain)
    os.environ.update(graph_environment())
    with tempfile.TemporaryDirectory() as name:
        run, folder = trained(Path(name), options.env_steps)
        values = read_run_file(folder.params)
        env = configured(SimEnvParameters, 'sim_env', values['sim_env'])
        trainer = configured(TrainerParameters, 'trainer', values['trainer'])
        rollouts = sorted(recorded(path) for path in folder.bags.glob('*.mcap'))
    parts = alone(rollouts, env, trainer)
    first, last = rollouts[0].first, rollouts[-1].last
    counts = np.cumsum([sum(map(len, rollout.episodes)) for rollout in rollouts])
    env_steps, updates = int(counts[-1]), run.updates.at(last)
    simulation = parts.rollout * len(rollouts) / env.threads
    learning = parts.update * updates / trainer.threads
    wall, larger = last - first, max(simulation, learning)
    warm_up = rollouts[np.searchsorted(counts, trainer.warm_up_steps)].last - first
    # A rollout's first half is sent as soon as it is reset.
    pauses = [after.first - before.last for before, after in pairwise(rollouts)]
    waited = sum(max(0.0, pause - parts.reset / 2) for pause in pauses)
    print_table(
        f'{env_steps} env steps, {updates:.0f} updates',
        ('seconds', 'of the larger', 'ms each'),
        [
            ('simulation alone', simulation, simulation / larger, 1e3 * simulation / env_steps),
            ('learning alone', learning, learning / larger, 1e3 * parts.update),
            ('the run, first to last step', wall, wall / larger, ''),
            ('  of it, too few steps to learn from', warm_up, warm_up / larger, ''),
            ('  of it, sim_env waits for the trainer', waited, waited / larger, ''),
        ],
    )  # fmt: skip
    busy = {name: (cpu.at(last) - cpu.at(first)) / wall for name, cpu in run.cpu.items()}
    of_run = sum(busy.values())
    others = (run.machine.at(last) - run.machine.at(first)) / wall - of_run
    print_table(
        'cores kept busy', ('',),
        [*busy.items(), ('the run', of_run), ('what else ran meanwhile', others)],
    )  # fmt: skip
    print_figures(
        overlap_vs_larger=wall / larger,
        overlap_wall_s=wall,
        overlap_simulation_s=simulation,
        overlap_learning_s=learning,
        overlap_warm_up_s=warm_up,
        overlap_env_waits=waited / wall,
        overlap_cores_busy=of_run,
        overlap_cores_of_others=others,
    )


if __name__ == '__main__':
    main()
