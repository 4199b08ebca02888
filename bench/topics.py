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
Topics: lock-step over DDS between real processes, beside the same work in one process.

``sim_env`` and ``policy`` run as ``make train`` starts them, the policy an ONNX file. The peer
is the simulation and the policy called in turn within one process, one simulation thread: what
topics that cost nothing would reach. The limit adds to its steps the round trip of an echo, two
processes that send each other messages of the same sizes and do nothing else (``echo.py``).

Graphs that are not being measured are paused. Rates come from the environments' own diagnostics,
once per second, so that nothing else is sent; the times of single steps from the stamps of
recorded messages, and so only with a recorder.

Run: ``python bench/topics.py [--rounds 5] [--seconds 4] [--domain 90]``
"""

from collections.abc import Callable, Mapping
from functools import partial
import json
import os
from pathlib import Path
from statistics import median
import struct
import subprocess
import sys
import tempfile
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from her_ros.config.files import complete, read_file, shipped_file, to_yaml, with_overrides
from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.learner import Learner
from her_ros.nodes.qos import STATUS
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.orchestration.graph import simulation_nodes
from her_ros.orchestration.supervisor import Supervisor
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.policy.policy_server import PolicyServer
from her_ros.runtime.process import die_with_parent
from her_ros.runtime.run_folder import RunFolder
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.rollout import Rollout
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CloudDecoder, encode_cloud
from her_ros.wire.rows import action_dtype, step_dtype
from her_ros.wire.topics import DIAGNOSTICS
import numpy as np
from numpy.typing import NDArray
from options import at_least, DOMAIN, Options, whole
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rosbags.rosbag2 import Reader
from std_srvs.srv import SetBool
from table import print_figures, print_table

TASK = TASKS['FetchPush']
# LOCALHOST brings shared memory, whatever else is set.
TRANSPORTS = {
    'UDP, as started': {},
    'shared memory': {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'},
}
PATIENCE_S = 30.0


class Watcher:
    """Listens to what the graphs say about themselves, and pauses them."""

    def __init__(self) -> None:
        self.node = rclpy.create_node('bench', start_parameter_services=False)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        #: wall time, seconds, and env steps so far, by the name of the sim_env
        self.steps: dict[str, list[tuple[float, int]]] = {}
        self.node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_status, STATUS)

    def _on_status(self, message: DiagnosticArray) -> None:
        stamp = message.header.stamp
        for status in message.status:
            values = {item.key: item.value for item in status.values}
            if 'env_steps' in values and status.name.endswith('sim_env'):
                entry = (stamp.sec + 1e-9 * stamp.nanosec, int(values['env_steps']))
                self.steps.setdefault(status.name, []).append(entry)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Listen until a condition holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f'{what}: not within {PATIENCE_S} s')
            self._executor.spin_once(timeout_sec=0.5)

    def pause(self, node: str, paused: bool) -> None:
        """Pause a ``sim_env``, or let it go on."""
        client = self.node.create_client(SetBool, f'{node}/pause')
        self.until(client.service_is_ready, f'{node}/pause')
        future = client.call_async(SetBool.Request(data=paused))
        self.until(future.done, f'an answer of {node}/pause')
        self.node.destroy_client(client)

    def rate(self, node: str, seconds: float) -> float:
        """Return env steps per second over so long, from one report of the node to another."""
        self.steps[node] = []
        # The first report that comes may have begun before we did.
        entries = self.steps[node]
        self.until(
            lambda: len(entries) > 2 and entries[-1][0] - entries[1][0] >= seconds - 0.01,
            f'{node}: diagnostics',
        )
        (begin, first), (end, last) = entries[1], entries[-1]
        return (last - first) / (end - begin)


class Graph:
    """``sim_env`` and ``policy`` in processes of their own; paused until it is measured."""

    def __init__(
        self, watcher: Watcher, folder: Path, model: Path, num_envs: int, record: bool
    ) -> None:
        name = f'{"recorded" if record else "plain"}_{num_envs}'
        self._watcher, self._node = watcher, f'/{name}/worker_0/sim_env'
        self.bags = RunFolder(folder / name)
        self.bags.create()
        overrides = [f'sim_env.num_envs={num_envs}', 'sim_env.threads=1']
        params = folder / f'{name}.yaml'
        values = with_overrides(read_file(shipped_file(TASK.name)), overrides)
        params.write_text(to_yaml(complete(values)))
        nodes = simulation_nodes(name, str(model), str(self.bags.path))
        if not record:
            nodes = [node for node in nodes if node.name != 'recorder']
        (folder / 'log').mkdir(exist_ok=True)
        self._supervisor = Supervisor(nodes, params, folder / 'log', print)
        watcher.until(lambda: watcher.steps.get(self._node), f'{name}: its first steps')
        watcher.pause(self._node, True)

    def rate(self, seconds: float) -> float:
        """Return env steps per second, over so many seconds or a little more."""
        self._watcher.pause(self._node, False)
        rate = self._watcher.rate(self._node, seconds)
        self._watcher.pause(self._node, True)
        self._supervisor.poll()
        return rate

    def close(self) -> None:
        """Stop the processes."""
        self._supervisor.stop()


class InProcess:
    """The same simulation and the same policy, called in turn; messages on request."""

    def __init__(self, model: Path, num_envs: int) -> None:
        batch = FetchBatch(TASK, list(range(num_envs)), threads=1)
        self._rollout = Rollout(TASK, batch, session=1)
        self._server = PolicyServer(TASK, None, np.random.default_rng(0))
        self._server.offer(OnnxPolicy.load(model, TASK))
        self._num_envs = num_envs
        self.parts: dict[str, list[float]] = {}

    def rate(self, seconds: float) -> float:
        """Return env steps per second."""
        begin, steps = time.perf_counter(), 0
        rows = self._rollout.start()
        while (now := time.perf_counter()) - begin < seconds:
            self._rollout.accept(self._server.answer(rows))
            rows = self._rollout.advance()
            steps += self._num_envs
            if self._rollout.finished:
                rows = self._rollout.start()
        return steps / (now - begin)

    def time_parts(self, rollouts: int) -> dict[str, float]:
        """Return the median time of what a step consists of, messages included, ms."""
        decoders = CloudDecoder(step_dtype(TASK)), CloudDecoder(action_dtype(TASK))
        times: list[tuple[float, ...]] = []
        for _ in range(rollouts):
            rows = self._rollout.start()
            while not self._rollout.finished:
                marks = [time.perf_counter()]
                cdr = encode_cloud(rows, time.time_ns())
                marks.append(time.perf_counter())
                states = decoders[0].decode([cdr])[0]
                marks.append(time.perf_counter())
                answers = self._server.answer(states)
                marks.append(time.perf_counter())
                cdr = encode_cloud(answers, time.time_ns())
                marks.append(time.perf_counter())
                answers = decoders[1].decode([cdr])[0]
                marks.append(time.perf_counter())
                self._rollout.accept(answers)
                marks.append(time.perf_counter())
                rows = self._rollout.advance()
                marks.append(time.perf_counter())
                times.append(tuple(np.diff(marks)))
        names = (
            'encode step', 'decode step', 'infer', 'encode action', 'decode action', 'accept',
            'simulate',
        )  # fmt: skip
        return dict(zip(names, (1e3 * np.median(times, 0)).tolist(), strict=True))


def sent(path: Path) -> tuple[dict[int, NDArray], dict[int, NDArray]]:
    """Return when steps and actions were sent, seconds, by the first env of a message."""
    times: dict[str, dict[int, list[float]]] = {'step': {}, 'action': {}}
    decoders = {
        'step': CloudDecoder(step_dtype(TASK)),
        'action': CloudDecoder(action_dtype(TASK)),
    }
    with Reader(path) as reader:
        for connection, _, cdr in reader.messages():
            name = connection.topic.rsplit('/', 1)[1]
            env = int(decoders[name].decode([cdr])[0]['env'][0])
            sec, nanosec = struct.unpack_from('<iI', cdr, 4)
            times[name].setdefault(env, []).append(sec + 1e-9 * nanosec)
    steps, actions = (
        {env: np.array(each) for env, each in found.items()} for found in times.values()
    )
    return steps, actions


def gaps(graph: Graph) -> dict[str, NDArray]:
    """Return how long single steps took, ms: to the action, from there on, and in all."""
    there, back, whole = [], [], []
    for path in sorted(graph.bags.bags.glob('*.mcap')):
        steps_by_env, actions_by_env = sent(path)
        for env, steps in steps_by_env.items():
            actions = actions_by_env.get(env, np.zeros(0))
            if len(actions) != len(steps) - 1 or (np.diff(steps) > 0.3).any():
                continue  # paused within, or a state was sent again
            there.append(actions - steps[:-1])
            back.append(steps[1:] - actions)
            whole.append(np.diff(steps))
    return {
        'step to action': 1e3 * np.concatenate(there),
        'action to next step': 1e3 * np.concatenate(back),
        'step to step': 1e3 * np.concatenate(whole),
    }


def measure(
    watcher: Watcher, folder: Path, model: Path, num_envs: int, rounds: int, seconds: float
) -> dict[str, float]:
    """Compare on one number of environments; print, and return the figures."""
    alone = InProcess(model, num_envs)
    plain = Graph(watcher, folder, model, num_envs, record=False)
    recorded = Graph(watcher, folder, model, num_envs, record=True)
    rates: dict[str, list[float]] = {'in process': [], 'topics': [], 'topics, recorded': []}
    try:
        for _ in range(rounds):
            rates['in process'].append(alone.rate(seconds))
            rates['topics'].append(plain.rate(seconds))
            rates['topics, recorded'].append(recorded.rate(seconds))
    finally:
        plain.close()
        recorded.close()
    period = {name: 1e3 * num_envs / median(each) for name, each in rates.items()}
    # Round by round, so that a change of the machine's speed in between does not count.
    paired = {
        name: median(rate / other for rate, other in zip(each, rates['topics'], strict=True))
        for name, each in rates.items()
    }
    alone_ms = period['in process']
    period['in process and an echo'] = alone_ms + echo(num_envs, alone_ms)[0]
    print_table(
        f'N = {num_envs}',
        ('env steps/s', 'of in process', 'ms per step', 'ms added'),
        [
            (name, 1e3 * num_envs / ms, alone_ms / ms, ms, ms - alone_ms)
            for name, ms in period.items()
        ],
    )  # fmt: skip
    parts = alone.time_parts(rollouts=4)
    print_table(f'N = {num_envs}, in one process', ('ms',), list(parts.items()))
    found = gaps(recorded)
    print_table(
        f'N = {num_envs}, recorded', ('p50 ms', 'p99 ms'),
        [(name, *np.percentile(each, (50, 99)).tolist()) for name, each in found.items()],
    )  # fmt: skip
    trip = found['step to step'] - parts['simulate'] - parts['infer']
    return {
        'vs_inprocess': 1 / paired['in process'],
        'vs_limit': period['in process and an echo'] / period['topics'],
        'added_ms': period['topics'] - alone_ms,
        'record_cost': 1 - paired['topics, recorded'],
        'round_trip_p50_ms': float(np.percentile(trip, 50)),
        'round_trip_p99_ms': float(np.percentile(trip, 99)),
    }


def echo(num_envs: int, work_ms: float, **environment: str) -> tuple[float, float]:
    """Return p50 and p99 of the round trip between two processes that do nothing else, ms."""
    ends = [
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name('echo.py')), end, str(num_envs), '1000',
             str(work_ms)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        for end in ('answer', 'ask')
    ]  # fmt: skip
    try:
        times = json.loads(ends[1].communicate(timeout=60.0)[0])
    finally:
        for end in ends:
            end.kill()
            end.wait()
    p50, p99 = np.percentile(times, (50, 99)).tolist()
    return p50, p99


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--rounds', type=whole(1), default=5)
    parser.add_argument(
        '--seconds', type=at_least(1.0), default=4.0, help='per contestant and round'
    )
    parser.add_argument('--domain', type=DOMAIN, default=90, help='ROS domain')
    options = parser.parse_args()
    os.environ['ROS_DOMAIN_ID'] = str(options.domain)
    os.environ.update(graph_environment())
    learner = Learner(TASK, LearnerParameters(device='cpu'))
    figures: dict[int, Mapping[str, float]] = {}
    rows = []
    for name, transport in TRANSPORTS.items():
        for work_ms in (0.0, 5.0):
            found = echo(16, work_ms, **transport)
            rows.append((f'{name}, {work_ms:.0f} ms of work before', *found))
    print_table('echo, ms', ('p50', 'p99'), rows)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / 'policy.onnx'
        model.write_bytes(learner.policy(1, {}))
        rclpy.init(args=[])
        watcher = Watcher()
        try:
            for num_envs in (16, 1):
                figures[num_envs] = measure(
                    watcher, folder, model, num_envs, options.rounds, options.seconds
                )
        finally:
            watcher.node.destroy_node()
            rclpy.try_shutdown()
    print_figures(
        topics_vs_inprocess_n16=figures[16]['vs_inprocess'],
        topics_vs_limit_n16=figures[16]['vs_limit'],
        topics_added_ms_n1=figures[1]['added_ms'],
        topics_round_trip_p50_ms=figures[1]['round_trip_p50_ms'],
        topics_round_trip_p99_ms=figures[1]['round_trip_p99_ms'],
        bags_record_cost=figures[16]['record_cost'],
    )


if __name__ == '__main__':
    main()
