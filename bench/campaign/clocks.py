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
Steps of ±1 h in the wall clock of each node, in an episode and in training.

Each node has a clock of its own (see :mod:`campaign.stepped_clock`). In a deployment a clock is
stepped in the middle of an episode, and back when the episode is over; then another goal must be
reached. In training the nodes are stepped one after the other (:mod:`campaign.clocks_training`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
import re
import sys
import time
from typing import Any

from campaign.clocks_training import step_training
from campaign.figures import Fault, Figure, Scale
from campaign.processes import Child, claimed_domain, Observer, running_nodes
from campaign.reports import Reports
from campaign.stepped_clock import ClockError, SteppedClocks
from her_ros.config.files import shipped_model
from her_ros.orchestration.graph import deployment_nodes
from her_ros.runtime.states import GoalStatus, WaitsFor
import numpy as np

_TASK, _NAMESPACE = 'FetchReach', '/robot'
_STEP_S = 3600
# Stepped nodes of a deployment, and directions.
_CASES: dict[Scale, Sequence[tuple[str, int]]] = {
    Scale.SMALL: [('simulated_robot', -_STEP_S)],
    Scale.SHORT: [('policy', -_STEP_S), ('robot_bridge', _STEP_S), ('simulated_robot', -_STEP_S)],
    Scale.LONG: [
        (name, sign * _STEP_S)
        for name in ('policy', 'robot_bridge', 'simulated_robot')
        for sign in (1, -1)
        for _ in range(5)
    ],
}
# Slow enough that a step comes in the middle of the way.
_SLOW = ('robot_bridge.command.full_action_speed_mps=0.1', 'robot_bridge.episode_steps=500')
_GOALS = ((1.44, 0.85, 0.60), (1.26, 0.66, 0.48))
_MOVING_MPS, _AT_REST_RADPS = 0.02, 0.05
_END_TIMEOUT_S, _STANDSTILL_S = 15.0, 1.0
# How a line tells the size of the step.
_SIZE = re.compile(r'\b(3599|3600|3601)\.\d+ s')


def run(scale: Scale, folder: Path) -> list[Figure]:
    """Return the effects of the steps; only a reason if there is no C compiler."""
    try:
        clocks = SteppedClocks(folder / 'clocks')
    except ClockError as error:
        print(f'clocks: skipped: {error}', file=sys.stderr)
        return []
    figures = _step_deployment(clocks, _CASES[scale], folder / 'deployment')
    if scale is not Scale.SMALL:
        is_long = scale is Scale.LONG
        figures += step_training(clocks, folder / 'training', _STEP_S, is_long)
    return figures


def _step_deployment(
    clocks: SteppedClocks, cases: Sequence[tuple[str, int]], folder: Path
) -> list[Figure]:
    specs = deployment_nodes(_NAMESPACE, str(shipped_model(_TASK)), True)
    results = []
    with (
        claimed_domain() as domain,
        running_nodes(specs, _TASK, _SLOW, folder, domain, clocks.environment) as children,
        _operator(domain) as operator,
    ):
        operator.reports.until_all({child.name for child in children})
        for index, (name, offset_s) in enumerate(cases):
            result = _step_in_episode(operator, clocks, name, offset_s, children)
            results.append(result)
            for fault in result.faults:
                print(f'clocks: case {index}, {name} by {offset_s} s: {fault}', file=sys.stderr)
        ended = [child.name for child in children if not child.running]
        tracebacks = sum(child.tracebacks for child in children)
        silence_s = operator.reports.longest_silence_s
    kinds = [fault.kind for result in results for fault in result.faults]
    return [
        Figure('clocks_steps_in_episodes', len(results)),
        Figure('clocks_unsafe_endings', kinds.count('unsafe'), 0),
        Figure('clocks_unexplained_endings', kinds.count('unexplained'), 0),
        Figure('clocks_goals_missed_after', kinds.count('after'), 0),
        Figure('clocks_nodes_ended', len(ended), 0),
        Figure('clocks_tracebacks', tracebacks, 0),
        Figure('clocks_standstill_max_s', max(r.standstill_s for r in results), _STANDSTILL_S),
        Figure('clocks_longest_silence_s', silence_s, 3.0),
    ]


@dataclass(frozen=True)
class _Result:
    """Result of a clock step in an episode."""

    #: from the step to the last movement, seconds; 0: the goal was reached all the same
    standstill_s: float
    faults: Sequence[Fault]


def _step_in_episode(
    operator: '_Operator', clocks: SteppedClocks, name: str, offset_s: int, children: list[Child]
) -> _Result:
    faults = []
    operator.send_goal(_GOALS[0])
    operator.until_moving()
    sizes = [child.log.stat().st_size for child in children]
    begin = operator.reports.forget()
    clocks.set(f'{_NAMESPACE}/{name}', offset_s)
    operator.until_goal_ends()
    state, reason = operator.goal_state, operator.goal_result
    operator.spin(0.7)  # longer than the bridge tells a robot to stand still
    if operator.speed != 0.0 or operator.is_turning:
        faults.append(Fault('unsafe', f'{operator.speed:.3f} m/s commanded after the episode'))
    said = ' '.join(operator.reports.messages)
    for child, size in zip(children, sizes, strict=True):
        said += child.log.read_bytes()[size:].decode(errors='replace')
    if state != GoalStatus.REACHED and not _SIZE.search(said):
        faults.append(Fault('unexplained', f'{state}: {reason}'))
    standstill_s = 0.0 if state == GoalStatus.REACHED else max(operator.turned_at_s - begin, 0.0)
    clocks.set(f'{_NAMESPACE}/{name}', 0)
    operator.spin(0.5)
    operator.send_goal(_GOALS[1])
    operator.until_goal_ends()
    if operator.goal_state != GoalStatus.REACHED:
        faults.append(Fault('after', f'{operator.goal_state}: {operator.goal_result}'))
    return _Result(standstill_s, faults)


@contextmanager
def _operator(domain: int) -> Iterator['_Operator']:
    observer = Observer(domain)
    try:
        yield _Operator(observer)
    finally:
        observer.close()


class _Operator:
    """Sends goals, and watches the arm: its commands, and whether it moves."""

    def __init__(self, observer: Observer) -> None:
        from geometry_msgs.msg import PointStamped, TwistStamped
        from her_ros.nodes.qos import COMMAND, ROBOT, SENSOR
        from her_ros.wire.topics import GOAL, JOINT_STATES, TWIST
        from sensor_msgs.msg import JointState

        self._observer = observer
        self.reports = Reports(observer)
        node = observer.node
        self._goals = node.create_publisher(PointStamped, f'{_NAMESPACE}/{GOAL}', COMMAND)
        node.create_subscription(TwistStamped, f'{_NAMESPACE}/{TWIST}', self._on_twist, ROBOT)
        node.create_subscription(
            JointState, f'{_NAMESPACE}/{JOINT_STATES}', self._on_joints, SENSOR
        )
        self._message = PointStamped()
        self._message.header.frame_id = 'world'
        self._stamp_ns = 0
        self.speed, self.is_turning, self.turned_at_s = 0.0, False, 0.0

    def _on_twist(self, message: Any) -> None:
        linear = message.twist.linear
        self.speed = float(np.linalg.norm([linear.x, linear.y, linear.z]))

    def _on_joints(self, message: Any) -> None:
        self.is_turning = bool(np.abs(message.velocity).max(initial=0.0) > _AT_REST_RADPS)
        if self.is_turning:
            self.turned_at_s = time.monotonic()

    def spin(self, seconds: float) -> None:
        """Listen for so long."""
        self._observer.spin(seconds)

    def send_goal(self, position: Sequence[float]) -> None:
        """Send a goal once the bridge waits for one."""
        from her_ros.nodes.messages import time_message

        bridge = f'{_NAMESPACE}/robot_bridge'
        self.reports.forget()
        self._observer.until(
            lambda: self.reports.values[bridge].get('waits_for') == WaitsFor.GOAL, 'the bridge'
        )
        self._stamp_ns = time.time_ns()
        self._message.header.stamp = time_message(self._stamp_ns)
        place = self._message.point
        place.x, place.y, place.z = position
        self._goals.publish(self._message)

    @property
    def _event(self) -> tuple[str, str]:
        values = self.reports.values[f'{_NAMESPACE}/robot_bridge']
        if values.get('goal_stamp_ns') != str(self._stamp_ns):
            return '', ''
        return values['goal_state'], values['goal_result']

    @property
    def goal_state(self) -> str:
        """State of the last goal."""
        return self._event[0]

    @property
    def goal_result(self) -> str:
        """Reason of that state."""
        return self._event[1]

    def until_moving(self) -> None:
        """Wait until the episode of the goal moves the arm."""
        self._observer.until(
            lambda: self.goal_state == GoalStatus.ACTING and self.speed > _MOVING_MPS, 'an episode'
        )
        self.spin(0.3)

    def until_goal_ends(self) -> None:
        """Wait for what becomes of the last goal."""
        under_way = (GoalStatus.NONE, GoalStatus.ACCEPTED, GoalStatus.ACTING)
        self._observer.until(lambda: self.goal_state not in under_way, 'end', _END_TIMEOUT_S)
