"""Cut the link between two machines; runs on one of them, see ``campaign/links.py``.

Run: ``python -m campaign.link_cases SCALE FOLDER HERE THERE INTERFACE``
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from campaign.events import Account
from campaign.figures import Figure, Scale, or_gave_up
from campaign.links import Link
from campaign.processes import Child, Observer, claimed_domain, running_nodes
from campaign.reports import Reports
from her_ros.bags.reader import read_facts
from her_ros.cli.graph import deployment_nodes, training_nodes, worker_nodes
from her_ros.cli.params import shipped_model
from her_ros.core.run_folder import RunFolder
from her_ros.core.topics import DIAGNOSTICS, GOAL, GRIPPER_POSE, TWIST

_TASK = 'FetchReach'
# Fast DDS forgets a participant that it has not heard for 20 s (the default lease): one cut is
# shorter than that, the long one is longer, so that the machines have to find each other anew.
_TRAINING_CUTS_S = {Scale.SMALL: (), Scale.SHORT: (10.0,), Scale.LONG: (10.0, 40.0)}
_DEPLOYMENT_CUTS_S = {Scale.SMALL: (1.5,), Scale.SHORT: (3.0, 10.0), Scale.LONG: (3.0, 10.0, 40.0)}

# A period without an answer is noticed at its end, and an answer may have come just before the
# cut: two control periods of 40 ms. The rest is for a machine that is busy with all the nodes.
_ZERO_LIMIT_S = 0.2
# The simulated gripper stands within 0.3 s of the last command (docs/robot.md).
_STANDSTILL_LIMIT_S = _ZERO_LIMIT_S + 0.3
# Fast DDS announces participants every 3 s, and some announcements meet no listener yet;
# diagnostics come every second.
_HEARD_LIMIT_S = 10.0
# The trainer says every second whether it wants rollouts; then one comes, perhaps after an
# evaluation that is under way.
_BAGS_LIMIT_S = _HEARD_LIMIT_S + 10.0
_SLOW = ('robot_bridge.full_action_speed_mps=0.05', 'robot_bridge.episode_steps=2000')
_GOALS = ((1.45, 0.85, 0.65), (1.40, 0.70, 0.50))
# A tenth of the speed of a full action above.
_STANDING_MPS = 0.005
# After the policy is heard again: longer than anything that was held back is on its way.
_STILL_S = 2.0
_POLL_S = 0.05
_PATIENCE_S = 60.0
# The environment and the recorder of this worker are beside the trainer, its policy is not.
_SPLIT_WORKER = '/run/worker_1'
_FAR_WORKER = '/run/worker_2'
# The cuts may last longer than FetchReach's run, which ends after 20,000 environment steps.
_ENDLESS = ('trainer.stop_evaluations=1000', 'trainer.max_env_steps=10000000')
# Stands for a report that has not come.
_SILENT = {'waits_for': 'a trainer on another machine'}


def main() -> None:
    scale, folder = Scale(sys.argv[1]), Path(sys.argv[2])
    link = Link(*sys.argv[3:])
    figures = []
    with claimed_domain() as domain:
        for measure, cuts_s in ((_deployment, _DEPLOYMENT_CUTS_S), (_training, _TRAINING_CUTS_S)):
            if cuts_s[scale]:
                own_folder = folder / measure.__name__.strip('_')
                figures += or_gave_up(
                    f'links_{own_folder.name}',
                    partial(measure, cuts_s[scale], own_folder, domain, link),
                )
    print(json.dumps([[each.key, each.value, each.limit] for each in figures]))


def _set(link: Link, state: str) -> float:
    """Set the link up or down; return when, monotonic seconds."""
    begin = time.monotonic()
    command = ['ip', '-n', link.here, 'link', 'set', link.interface, state]
    subprocess.run(command, check=True, timeout=10.0)
    return begin


def _there(link: Link) -> tuple[str, ...]:
    return ('ip', 'netns', 'exec', link.there)


def _deployment(cuts_s: Sequence[float], folder: Path, domain: int, link: Link) -> list[Figure]:
    """Cut a policy off the bridge and the simulated robot while the arm moves."""
    specs = deployment_nodes('robot', str(shipped_model(_TASK)), True)
    far = [spec for spec in specs if spec.name == 'policy']
    near = [spec for spec in specs if spec.name != 'policy']
    with (
        running_nodes(far, _TASK, (), folder / 'far', domain, prefix=_there(link)) as policy,
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
        failures = _failures([*policy, *others])
    zero_s, standstill_s, heard_s = np.max(results, axis=0)[:3].tolist()
    return [
        Figure('links_deployment_cuts', len(cuts_s)),
        Figure('links_zero_command_after_s', round(zero_s, 3), _ZERO_LIMIT_S),
        Figure('links_standstill_after_s', round(standstill_s, 3), _STANDSTILL_LIMIT_S),
        Figure('links_policy_heard_after_s', round(heard_s, 2), _HEARD_LIMIT_S),
        Figure('links_motions_without_a_goal', int(sum(each[3] for each in results)), 0),
        Figure('links_new_goals_not_reached', int(sum(each[4] for each in results)), 0),
        Figure('links_deployment_nodes_failed', failures, 0),
    ]


def _cut_arm(arm: '_Arm', cut_s: float, link: Link) -> tuple[float, ...]:
    """Cut the link in an episode; see that the arm stops, stays there, and takes a new goal.

    :return: seconds from the cut to the zero command and to standstill, and from the return of
        the link until the policy is heard; whether the arm moved, or did not give up its episode,
        before it had a new goal; whether it missed that goal
    """
    arm.go(_GOALS[0])
    arm.until_acting()
    arm.spin(0.5)
    cut_at = _set(link, 'down')
    arm.spin(cut_s)
    zero_at, still_at = arm.zero_at, arm.moved_at
    up_at = _set(link, 'up')
    arm.until(lambda: arm.policy_heard_at > up_at, 'diagnostics of the policy')
    heard_s = arm.policy_heard_at - up_at
    # Long enough for what was held back to arrive.
    arm.spin(_STILL_S)
    moved = arm.zero_at != zero_at or arm.moved_at != still_at
    latched = arm.goal_state == 'given up' and arm.bridge['waits_for'] == 'a goal'
    arm.go(_GOALS[1])
    arm.until(lambda: arm.goal_state not in ('accepted', 'acting'), 'the end of the episode')
    reached = arm.goal_state == 'reached'
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
        """What has become of the last goal, as the bridge says."""
        stamp = self._goal.header.stamp
        is_last = self.bridge.get('goal_stamp_ns') == f'{stamp.sec * 10**9 + stamp.nanosec}'
        return self.bridge['goal_state'] if is_last else 'accepted'

    def go(self, place: tuple[float, float, float]) -> None:
        """Send a goal as soon as one is waited for."""
        self.until(lambda: self.bridge.get('waits_for') == 'a goal', 'a bridge that is ready')
        self.until(lambda: self.policy_heard_at and self._goals.get_subscription_count(), 'nodes')
        point = self._goal.point
        point.x, point.y, point.z = place
        self._goal.header.stamp = self.node.get_clock().now().to_msg()
        self._goals.publish(self._goal)

    def until_acting(self) -> None:
        """Wait until an episode moves the arm."""
        self.until(
            lambda: self.bridge['state'] == 'acting' and self._is_commanded, 'an arm that moves'
        )


def _training(cuts_s: Sequence[float], folder: Path, domain: int, link: Link) -> list[Figure]:
    """Cut a worker, and the policy node of another worker, off the trainer."""
    run = RunFolder(folder / 'run')
    run.create()
    specs = training_nodes('run', 2, str(run.path))
    far = [spec for spec in specs if spec.full_name == f'{_SPLIT_WORKER}/policy']
    near = [spec for spec in specs if spec not in far]
    far += worker_nodes('/run', 2, str(run.path), explore=True)
    with (
        running_nodes(near, _TASK, _ENDLESS, folder / 'near', domain) as own,
        running_nodes(far, _TASK, (), folder / 'far', domain, prefix=_there(link)) as others,
    ):
        observer = Observer(domain)
        reports = Reports(observer)
        try:
            results = [_cut_training(run, observer, reports, each, link) for each in cuts_s]
        finally:
            observer.close()
        failures = _failures([*own, *others])
    account = Account.of(run, _TASK, {})
    for problem in account.problems:
        print(f'links: {problem}', file=sys.stderr)
    times_s = {key: max(each[key] for each in results) for key in results[0]}
    return [
        Figure('links_training_cuts', len(cuts_s)),
        Figure('links_trainer_heard_after_s', times_s['trainer'], _HEARD_LIMIT_S),
        Figure('links_bags_again_after_s', times_s['bag'], _BAGS_LIMIT_S),
        Figure('links_newer_policy_after_s', times_s['newer policy'], _BAGS_LIMIT_S),
        Figure('links_split_worker_bags_again_after_s', times_s['split bag'], _BAGS_LIMIT_S),
        Figure('links_bags_lost', account.lost, 0),
        Figure('links_episodes_recorded_twice', account.recorded_twice, 0),
        Figure('links_episodes_miscounted', account.miscounted, 0),
        Figure('links_training_nodes_failed', failures, 0),
    ]


def _cut_training(
    run: RunFolder, observer: Observer, reports: Reports, cut_s: float, link: Link
) -> dict[str, float]:
    """Cut the link; measure how long each thing takes to come again once the link is back.

    :return: seconds after the return of the link; what has not come counts as ``_PATIENCE_S``
    """
    far_env = f'{_FAR_WORKER}/fetch_env'
    for worker in (1, 2):
        observer.until(lambda w=worker: _newest(run, w)[1] > 0, f'bags of worker {worker}')
    observer.until(lambda: '/run/trainer' in reports.values, 'diagnostics of the trainer')
    _set(link, 'down')
    observer.spin(cut_s)
    (split_bags, _), (bags, version) = _newest(run, 1), _newest(run, 2)
    owed = reports.values['/run/trainer']['updates_owed']
    reports.values.pop(far_env, None)
    up_at = _set(link, 'up')
    conditions: dict[str, Callable[[], bool]] = {
        'trainer': lambda: 'trainer on' not in reports.values.get(far_env, _SILENT)['waits_for'],
        'bag': lambda: _newest(run, 2)[0] > bags,
        'newer policy': lambda: _newest(run, 2)[1] > version,
        'split bag': lambda: _newest(run, 1)[0] > split_bags,
    }
    times_s = dict.fromkeys(conditions, _PATIENCE_S)
    waited_for = set(conditions)
    while waited_for and time.monotonic() < up_at + _PATIENCE_S:
        observer.spin(_POLL_S)
        for key in [each for each in waited_for if conditions[each]()]:
            times_s[key] = round(time.monotonic() - up_at, 2)
            waited_for.remove(key)
    print(
        f'links: cut of {cut_s:g} s, the trainer owed {owed} updates; seconds after the link: '
        + ', '.join(f'{key} {seconds:.2f}' for key, seconds in times_s.items())
        + (f'; NOT SEEN: {", ".join(sorted(waited_for))}' if waited_for else ''),
        file=sys.stderr,
    )
    return times_s


def _newest(run: RunFolder, worker: int) -> tuple[int, int]:
    """Return how many bags a worker has made, and the policy version of the last."""
    names = sorted(path.name for path in run.bags.glob(f'*_w{worker:03}_*.mcap'))
    if not names:
        return 0, 0
    return len(names), int(read_facts(run.bags / names[-1])['policy_version'].split()[-1])


def _failures(children: Sequence[Child]) -> int:
    """Count nodes that have ended or printed a traceback, and print their last lines."""
    failed = [each for each in children if not each.running or each.tracebacks]
    for child in failed:
        print(f'links: {child.name}: {child.log.read_text()[-2000:]}', file=sys.stderr)
    return len(failed)


if __name__ == '__main__':
    main()
