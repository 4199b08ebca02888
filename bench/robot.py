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
Measure the success of a policy on the simulated robot, and the effect of each fault on it.

``compare`` evaluates a shipped policy over the same start states (a) in the batched simulation,
also behind the safety filter, (b) over ``step`` and ``action`` in lock-step (start states of its
own), and (c) through the whole robot path in real time: simulated_robot, robot_bridge and policy,
each a process. Options disturb (c). Success is that of the last of 50 steps, as everywhere.

With ``--arm`` the policy that comes for the task acts on that arm, whatever it was trained on.

Run: ``python bench/robot.py --task FetchPush [--set simulated_robot.disturb=latency_periods]``, or
``python bench/robot.py --task Push --arm franka_panda --set robot_bridge.command.output=twist``.
``--card README.md`` adds the result to a model card.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
import os
from pathlib import Path
import shlex
import sys
import tempfile
import time
from typing import Any

from card_section import with_section
from her_ros.analysis.evaluate import wilson_interval
from her_ros.config.files import shipped_model, to_yaml
from her_ros.config.parameters.policy import PolicyParameters
from her_ros.config.schema import configured
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.orchestration.deploy import deployment_values
from her_ros.orchestration.graph import deployment_nodes, NodeSpec, simulation_nodes
from her_ros.orchestration.prepare import arm_overrides
from her_ros.orchestration.supervisor import Supervisor
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.policy.safety.filter import SafetyFilter
from her_ros.robot.simulated.robot import start_seed
from her_ros.runtime.files import write_whole
from her_ros.sim.registry import simulation_of
from her_ros.sim.rollout import Rollout
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.wire.cloud import CloudDecoder
from her_ros.wire.rows import Rows, step_dtype
import numpy as np
from options import Options, whole
from table import print_figures, print_table

NAMESPACE = 'robot_bench'
PATIENCE_S = 30.0


def in_batch(task: GoalTask, policy: OnnxPolicy, seeds: list[int], safety: Any) -> list[bool]:
    """Evaluate in the simulation of the training, at most behind the safety filter."""
    rollout = Rollout(task, simulation_of(task, seeds, 2), session=0)
    rows = rollout.start(seeds=seeds)
    filtered = None if safety is None else SafetyFilter(task, safety)
    while not rollout.finished:
        actions = policy.act(rows['observation'], rows['achieved_goal'], rows['desired_goal'])
        if filtered is not None:
            actions = filtered.apply(rows, actions)
        rollout.accept_all(actions, policy.version)
        rows = rollout.advance()
    return [bool(success) for success in rows['is_success']]


class Driver:
    """A node of the benchmark's own: sends goals, listens to states."""

    def __init__(self, task: GoalTask) -> None:
        from her_ros.nodes.qos import RECORDING
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from sensor_msgs.msg import PointCloud2

        rclpy.init()
        self.node = rclpy.create_node('driver')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._decoder = CloudDecoder(step_dtype(task))
        self.ended: list[Rows] = []
        self.started = 0
        for topic in (f'/{NAMESPACE}/step', f'/{NAMESPACE}/worker_0/step'):
            self.node.create_subscription(PointCloud2, topic, self._take, RECORDING, raw=True)

    def _take(self, cdr: bytes) -> None:
        rows = self._decoder.decode([cdr])[0]
        self.started += int((rows['step'] == 0).sum())
        if rows['truncated'].all():
            self.ended.append(rows.copy())

    def end_for(self, goal: np.ndarray) -> Rows | None:
        """Return the last row of an episode for a goal, once it has ended."""
        for rows in self.ended:
            if np.allclose(rows['desired_goal'][0], goal, atol=1e-6):
                return rows
        return None

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Spin until something holds."""
        if not self.spin_until(condition, PATIENCE_S):
            raise SystemExit(f'{what}: not within {PATIENCE_S:g} s')

    def spin_until(self, condition: Callable[[], Any], seconds: float) -> bool:
        """Listen until something holds, at most for so long; tell whether it does."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._executor.spin_once(timeout_sec=0.02)
        return True

    def spin(self, seconds: float) -> None:
        """Listen for so long."""
        self.spin_until(lambda: False, seconds)


@contextmanager
def running(specs: list[NodeSpec], task: str, overrides: list[str]) -> Iterator[Path]:
    """Run nodes as the commands do; yield the folder of their logs."""
    values = deployment_values(task, 'simulated', None, overrides)[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / 'params.yaml').write_text(to_yaml(values))
        supervisor = Supervisor(specs, folder / 'params.yaml', folder / 'log', print)
        try:
            yield folder / 'log'
        finally:
            supervisor.stop()


def in_lock_step(
    driver: Driver, task: GoalTask, model: Path, episodes: int, overrides: list[str]
) -> list[bool]:
    """Evaluate over topics, the simulation waiting for each action."""
    overrides = [*overrides, f'sim_env.num_envs={episodes}', 'sim_env.threads=2']
    driver.ended.clear()
    with running(simulation_nodes(NAMESPACE, str(model), ''), task.name, overrides):
        # Environments move in two halves, whose ends are two messages.
        driver.until(lambda: sum(map(len, driver.ended)) >= episodes, 'the end of a rollout')
    rows = np.concatenate(driver.ended)[:episodes]
    return [bool(success) for success in rows['is_success']]


def on_robot(
    driver: Driver,
    task: GoalTask,
    model: Path,
    goals: np.ndarray,
    overrides: list[str],
    to_complete: int,
) -> tuple[list[bool], int]:
    """
    Evaluate through the whole robot path, in real time.

    :param goals: of the episodes, until as many as asked for are complete
    :return: successes, and the number of episodes that the bridge gave up, for want of inputs
    """
    from geometry_msgs.msg import PointStamped
    from her_ros.nodes.qos import COMMAND
    from std_srvs.srv import Trigger

    # The robot is put at home by its reset.
    fixed = ['robot_bridge.success_steps=0']
    period_s = task.control_period_s
    specs = [
        replace(spec, parameters={**spec.parameters, 'home': False})
        if spec.name == 'robot_bridge'
        else spec
        for spec in deployment_nodes(NAMESPACE, str(model), autostart=True)
    ]
    results, given_up = [], 0
    with running(specs, task.name, [*fixed, *overrides]):
        sender = driver.node.create_publisher(PointStamped, f'/{NAMESPACE}/goal', COMMAND)
        client = driver.node.create_client(Trigger, f'/{NAMESPACE}/simulated_robot/reset')
        driver.until(client.service_is_ready, 'the simulated robot')
        driver.until(sender.get_subscription_count, 'the bridge')
        driver.spin(2.0)
        for goal in goals:
            future = client.call_async(Trigger.Request())
            driver.until(future.done, 'a reset of the robot')
            driver.spin(0.6)  # until nothing is left of how things moved before
            driver.ended.clear()
            message = PointStamped()
            message.header.frame_id = 'world'
            message.point.x, message.point.y, message.point.z = goal.tolist()
            sender.publish(message)
            # An episode that the bridge gives up has no end.
            driver.spin_until(
                lambda goal=goal: driver.end_for(goal), 2 * task.episode_length * period_s
            )
            end = driver.end_for(goal)
            if end is None:
                given_up += 1
            else:
                results.append(bool(end['is_success'][0]))
            if len(results) == to_complete:
                break
    driver.node.destroy_publisher(sender)
    driver.node.destroy_client(client)
    return results, given_up


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--task', default='FetchPush')
    parser.add_argument('--arm', default='', help='an arm that is described')
    parser.add_argument('--model', type=Path, help='policy.onnx; otherwise the shipped one')
    parser.add_argument('--episodes', type=whole(1), default=100)
    parser.add_argument('--set', dest='overrides', action='append', default=[])
    parser.add_argument('--only', choices=['batch', 'robot'], help='only (a), or (a) and (c)')
    parser.add_argument(
        '--spare',
        type=whole(0),
        default=0,
        help='times as many episodes, for the place of those given up on a busy machine',
    )
    parser.add_argument('--card', type=Path, help='model card (README.md) to add the result to')
    options = parser.parse_args()
    os.environ.update(graph_environment())
    task = task_named(options.task, options.arm)
    model = options.model or shipped_model(options.task)
    policy = OnnxPolicy.load(model, task, accept_arm=True)
    # The robot starts by itself from seed 0, and is reset before each episode.
    seeds = [start_seed(0, k) for k in range(1, options.episodes + 1)]
    overrides = [*arm_overrides(options.arm, accept=bool(task.arm)), *options.overrides]
    values = deployment_values(task.name, 'simulated', None, overrides)[0]
    safety = configured(PolicyParameters, 'policy', values['policy'])
    results = {
        'a_batch': in_batch(task, policy, seeds, None),
        'a_batch_filtered': in_batch(task, policy, seeds, safety),
    }
    counts = {}
    if options.only != 'batch':
        driver = Driver(task)
        if options.only is None:
            results['b_lock_step'] = in_lock_step(driver, task, model, options.episodes, overrides)
        more = [start_seed(0, k) for k in range(1, (1 + options.spare) * options.episodes + 1)]
        goals = simulation_of(task, more).reset(seeds=more).desired_goal
        found, given_up = on_robot(driver, task, model, goals, overrides, options.episodes)
        # Without others in their place, those that were given up failed.
        results['c_robot'] = [*found, *[False] * (options.episodes - len(found))]
        counts['c_robot_given_up'] = given_up
    rows = []
    for name, found in results.items():
        low, high = wilson_interval(sum(found), len(found))
        rows.append((name, len(found), float(np.mean(found)), f'{low:.3f} to {high:.3f}'))
    title = ' '.join([task.name, options.arm, *options.overrides])
    print_table(title, ('episodes', 'success', '95 % interval'), rows)
    successes = {f'{name}_success': float(np.mean(found)) for name, found in results.items()}
    print_figures(**successes, **counts)
    if options.card is not None:
        command = shlex.join(['python', *sys.orig_argv[1:]])
        given_up = counts.get('c_robot_given_up', 0)
        card = with_section(options.card.read_text(), command, rows, given_up)
        write_whole(options.card, card.encode())


if __name__ == '__main__':
    main()
