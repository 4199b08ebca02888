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
Cut the link between two machines; runs on one of them, see ``campaign/links.py``.

Run: ``python -m campaign.link_cases SCALE FOLDER HERE THERE INTERFACE``
"""

from collections.abc import Sequence
from functools import partial
import json
from pathlib import Path
import sys
import time
from typing import Any

from campaign.figures import Figure, or_gave_up, Scale
from campaign.link_training import measure_training
from campaign.links import HEARD_LIMIT_S, Link
from campaign.processes import claimed_domain, Observer, print_failed, running_nodes
from her_ros.config.files import shipped_model
from her_ros.orchestration.graph import deployment_nodes
from her_ros.runtime.states import GoalStatus, RobotState, WaitsFor
from her_ros.wire.topics import DIAGNOSTICS, GOAL, GRIPPER_POSE, TWIST
import numpy as np

_TASK = 'FetchReach'
# Fast DDS forgets a participant that it has not heard for 20 s (the default lease), so some cuts
# are shorter and some are longer. In a cut of about 20 s one machine may forget the other, but not
# the other way round.
_TRAINING_CUTS_S = {Scale.SMALL: (), Scale.SHORT: (10.0,), Scale.LONG: (10.0, 20.0, 40.0)}
_DEPLOYMENT_CUTS_S = {
    Scale.SMALL: (1.5,),
    Scale.SHORT: (3.0, 10.0),
    Scale.LONG: (3.0, 10.0, 20.0, 40.0),
}

# A period without an answer is noticed at its end, and an answer may have come just before the
# cut: two control periods of 40 ms. The rest is for a machine that is busy with all the nodes.
_ZERO_LIMIT_S = 0.2
# The simulated gripper stands within 0.3 s of the last command (docs/explanation/safety.md).
_STANDSTILL_LIMIT_S = _ZERO_LIMIT_S + 0.3
_SLOW = ('robot_bridge.command.full_action_speed_mps=0.05', 'robot_bridge.episode_steps=2000')
_GOALS = ((1.45, 0.85, 0.65), (1.40, 0.70, 0.50))
# A tenth of the speed of a full action above.
_STANDING_MPS = 0.005
# After the policy is heard again: longer than anything that was held back is on its way.
_STILL_S = 2.0


def main() -> None:
    scale, folder = Scale(sys.argv[1]), Path(sys.argv[2])
    link = Link(*sys.argv[3:])
    figures = []
    with claimed_domain() as domain:
        for name, measure, cuts_s in (
            ('deployment', _measure_deployment, _DEPLOYMENT_CUTS_S[scale]),
            ('training', measure_training, _TRAINING_CUTS_S[scale]),
        ):
            if cuts_s:
                figures += or_gave_up(
                    f'links_{name}', partial(measure, cuts_s, folder / name, domain, link)
                )
    print(json.dumps([[each.key, each.value, each.limit] for each in figures]))


def _measure_deployment(
    cuts_s: Sequence[float], folder: Path, domain: int, link: Link
) -> list[Figure]:
    """Cut a policy off the bridge and the simulated robot while the arm moves."""
    specs = deployment_nodes('robot', str(shipped_model(_TASK)), True)
    far = [spec for spec in specs if spec.name == 'policy']
    near = [spec for spec in specs if spec.name != 'policy']
    with (
        running_nodes(far, _TASK, (), folder / 'far', domain, prefix=link.far_prefix) as policy,
        running_nodes(near, _TASK, _SLOW, folder / 'near', domain) as others,
    ):
        arm = _Arm(domain)
        try:
            results = [_cut_arm(arm, seconds, link) for seconds in cuts_s]
        except TimeoutError:
            print(f'links: the bridge reports {arm.bridge}', file=sys.stderr)
            raise
        finally:
            arm.close()
            failures = print_failed('links', [*policy, *others])
    zero_s, standstill_s, heard_s = np.max(results, axis=0)[:3].tolist()
    return [
        Figure('links_deployment_cuts', len(cuts_s)),
        Figure('links_zero_command_after_s', round(zero_s, 3), _ZERO_LIMIT_S),
        Figure('links_standstill_after_s', round(standstill_s, 3), _STANDSTILL_LIMIT_S),
        Figure('links_policy_heard_after_s', round(heard_s, 2), HEARD_LIMIT_S),
        Figure('links_motions_without_a_goal', int(sum(each[3] for each in results)), 0),
        Figure('links_new_goals_not_reached', int(sum(each[4] for each in results)), 0),
        Figure('links_deployment_nodes_failed', failures, 0),
    ]


def _cut_arm(arm: '_Arm', cut_s: float, link: Link) -> tuple[float, ...]:
    """
    Cut the link in an episode; see that the arm stops, stays there, and takes a new goal.

    :return: seconds from the cut to the zero command and to standstill, and from the return of
        the link until the policy is heard; whether the arm moved, or did not give up its episode,
        before it had a new goal; whether it missed that goal
    """
    arm.go(_GOALS[0])
    arm.until_acting()
    arm.spin(0.5)
    cut_at = link.set('down')
    arm.spin(cut_s)
    zero_at, still_at = arm.zero_at, arm.moved_at
    up_at = link.set('up')
    arm.until(lambda: arm.policy_heard_at > up_at, 'diagnostics of the policy')
    heard_s = arm.policy_heard_at - up_at
    # Long enough for what was held back to arrive.
    arm.spin(_STILL_S)
    moved = arm.zero_at != zero_at or arm.moved_at != still_at
    latched = arm.goal_state == GoalStatus.GIVEN_UP and arm.bridge['waits_for'] == WaitsFor.GOAL
    arm.go(_GOALS[1])
    under_way = (GoalStatus.ACCEPTED, GoalStatus.ACTING)
    arm.until(lambda: arm.goal_state not in under_way, 'the end of the episode')
    reached = arm.goal_state == GoalStatus.REACHED
    print(
        f'links: cut of {cut_s:g} s: zero after {zero_at - cut_at:.3f} s, standstill after'
        f' {still_at - cut_at:.3f} s; the policy heard {heard_s:.2f} s after the link; then'
        f' {arm.goal_state}{"" if latched else "; NOT LATCHED"}',
        file=sys.stderr,
    )
    return zero_at - cut_at, still_at - cut_at, heard_s, moved or not latched, not reached


class _Arm(Observer):
    """Sends goals; hears what the arm is commanded, how it moves and what the nodes report."""

    def __init__(self, domain: int) -> None:
        from diagnostic_msgs.msg import DiagnosticArray
        from geometry_msgs.msg import PointStamped, PoseStamped, TwistStamped
        from her_ros.nodes.qos import COMMAND, ROBOT, SCENE, STATUS

        super().__init__(domain)
        node = self.node
        node.create_subscription(TwistStamped, f'/robot/{TWIST}', self._on_twist, ROBOT)
        node.create_subscription(PoseStamped, f'/robot/{GRIPPER_POSE}', self._on_gripper, SCENE)
        node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_status, STATUS)
        self._goals = node.create_publisher(PointStamped, f'/robot/{GOAL}', COMMAND)
        self._goal = PointStamped()
        self._goal.header.frame_id = 'world'
        self.bridge: dict[str, str] = {}
        self.policy_heard_at = 0.0
        #: when the last command to stand still began, and the last motion was measured; 0: never
        self.zero_at = self.moved_at = 0.0
        self._is_commanded = False
        self._gripper = (0.0, np.zeros(3))

    def _on_twist(self, message: Any) -> None:
        linear = message.twist.linear
        is_commanded = any((linear.x, linear.y, linear.z))
        if self._is_commanded and not is_commanded:
            self.zero_at = time.monotonic()
        self._is_commanded = is_commanded

    def _on_gripper(self, message: Any) -> None:
        before_s, before = self._gripper
        stamp, place = message.header.stamp, message.pose.position
        now_s, now = stamp.sec + stamp.nanosec / 1e9, np.array([place.x, place.y, place.z])
        self._gripper = now_s, now
        if np.linalg.norm(now - before) > _STANDING_MPS * (now_s - before_s):
            self.moved_at = time.monotonic()

    def _on_status(self, message: Any) -> None:
        for status in message.status:
            if status.name == '/robot/policy':
                self.policy_heard_at = time.monotonic()
            elif status.name == '/robot/robot_bridge':
                self.bridge = {item.key: item.value for item in status.values}

    @property
    def goal_state(self) -> str:
        """State of the last goal, from the bridge."""
        stamp = self._goal.header.stamp
        is_last = self.bridge.get('goal_stamp_ns') == f'{stamp.sec * 10**9 + stamp.nanosec}'
        return self.bridge['goal_state'] if is_last else GoalStatus.ACCEPTED

    def go(self, place: tuple[float, float, float]) -> None:
        """Send a goal as soon as one is waited for."""
        self.until(lambda: self.bridge.get('waits_for') == WaitsFor.GOAL, 'a bridge that is ready')
        self.until(lambda: self.policy_heard_at and self._goals.get_subscription_count(), 'nodes')
        point = self._goal.point
        point.x, point.y, point.z = place
        self._goal.header.stamp = self.node.get_clock().now().to_msg()
        self._goals.publish(self._goal)

    def until_acting(self) -> None:
        """Wait until an episode moves the arm."""
        self.until(
            lambda: self.bridge['state'] == RobotState.ACTING and self._is_commanded,
            'an arm that moves',
        )


if __name__ == '__main__':
    main()
