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

"""The ``trainer`` node: reads finished bags, trains, and publishes policies."""

from contextlib import ExitStack
import time
from typing import Any

from her_ros.arms.registry import with_workspace
from her_ros.bags.reader import read_bag
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.config.schema import values_of
from her_ros.learning.acceleration.ranks import choose_gpu, ranks_of_environment
from her_ros.learning.learner import device_named, set_up_torch
from her_ros.learning.training.evaluation import status_of
from her_ros.learning.training.online import EvaluationDamaged, Training
from her_ros.learning.training.scalars import ScalarLog
from her_ros.nodes.guarded_node import GuardedNode
from her_ros.nodes.hints import Hints
from her_ros.nodes.messages import run_of, run_policy_message
from her_ros.nodes.node import Diagnostics, read_parameters, run
from her_ros.nodes.qos import HINT, LATCHED
from her_ros.nodes.rivalry import Rivalry
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.states import WaitsFor
from her_ros.tasks.registry import task_named
from her_ros.wire.topics import COLLECTION_ENABLED, EVALUATION_POLICY, POLICY, ROLLOUT_RECORDED
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import Bool, String, UInt8MultiArray

# Time of learning between two polls of the topics, seconds.
_SLICE_S = 0.05
# Shortest interval between two policies, seconds; ignored when no updates are owed.
_PUBLISH_INTERVAL_S = 0.25
_HEARTBEAT_S = 1.0
# Interval of a repeated warning, seconds.
_REPEAT_S = 60.0


class TrainerNode(GuardedNode):
    """Learns from the run's bags, publishes policies, requests rollouts, and ends the run."""

    def __init__(self) -> None:
        super().__init__('trainer')
        p = self._config = read_parameters(self, TrainerParameters)
        if not p.run_dir:
            raise HerRosError('trainer: run_dir is empty', 'it says where the bags are')
        folder = RunFolder(p.run_dir)
        folder.require()
        self._role = folder.hold('trainer')
        folder.remove_leftovers()
        task = with_workspace(task_named(p.task, p.arm))
        set_up_torch(p.threads)
        hyperparameters = {k: v for k, v in values_of(p).items() if k != 'run_dir'}
        self._scalars = ScalarLog(folder.tensorboard, hyperparameters)
        self._held = ExitStack()
        ranks = self._held.enter_context(ranks_of_environment())
        choose_gpu(ranks, device_named(p.device))
        self._training = Training(
            task, p, folder, lambda path: read_bag(path, task).episodes, self._scalars.add, ranks
        )
        if self._training.resume():
            resumed = self._training.learner
            self.get_logger().info(
                f'resumed at {resumed.env_steps} env steps, {resumed.updates} updates'
            )
        self._hints = Hints(self._training.has_seen)
        self._policies = self.create_publisher(UInt8MultiArray, POLICY, LATCHED)
        self._candidates = self.create_publisher(UInt8MultiArray, EVALUATION_POLICY, LATCHED)
        self._collection_enabled = self.create_publisher(Bool, COLLECTION_ENABLED, LATCHED)
        self.create_subscription(String, ROLLOUT_RECORDED, self._on_hint, HINT)
        self.create_subscription(UInt8MultiArray, POLICY, self._on_policy, LATCHED)
        self._run = folder.identity
        self._foreign = 0
        self._trainers = Rivalry(self, POLICY, 'somebody else sends policies to this run')
        self._asked: tuple[float, bool] = (0.0, False)
        self._published_at, self._published_updates = 0.0, -1
        self._saved_at = self._reported_at = time.monotonic()
        learner = self._training.learner
        self._reported = (learner.env_steps, learner.updates)
        self._refused = 0
        self._diagnostics = Diagnostics(self, self._status)

    def _on_hint(self, message: String) -> None:
        """Wake up; the bags are found in the folder."""
        self._hints.heard(one_line(message.data))

    def _on_policy(self, message: UInt8MultiArray) -> None:
        self._foreign += run_of(message) != self._run

    def work(self) -> int:
        """Train until the stop rule ends the run."""
        executor = SingleThreadedExecutor()
        executor.add_node(self)
        training = self._training
        if training.candidate_policy is not None:
            self._publish(self._candidates, training.candidate_policy[1])
        while training.outcome is None:
            busy = self._cycle()
            executor.spin_once(timeout_sec=0.0 if busy else 0.1)
        result = training.finish()
        self._diagnostics.publish()
        self.get_logger().info(
            f'{result["outcome"]}: success {result["success_rate"]:.2f} after'
            f' {result["env_steps"]} env steps and {result["updates"]} updates'
        )
        return 0

    def _cycle(self) -> bool:
        """Do all pending work; return whether there was any."""
        training = self._training
        read = training.ingest_new_bags()
        self._report_refused()
        made = training.update(_SLICE_S)
        if news := training.compile_when_due():
            self.get_logger().info(news)
        self._publish_policy(at_rest=not training.updates_owed)
        if training.begin_evaluation() and training.candidate_policy is not None:
            self._publish(self._candidates, training.candidate_policy[1])
        evaluated = self._end_evaluation()
        # At the end of the run, further rollouts would not be used.
        self._ask(training.wants_collection and training.outcome is None)
        if time.monotonic() - self._saved_at > self._config.checkpoint_interval_s:
            training.save()
            self._saved_at = time.monotonic()
        return bool(read or made or evaluated)

    def _end_evaluation(self) -> bool:
        """Read a finished evaluation; return whether there was one."""
        training = self._training
        try:
            evaluation = training.end_evaluation()
        except EvaluationDamaged as error:
            self.get_logger().warning(f'not evaluated: {error}')
            if training.candidate_policy is not None:
                self._publish(self._candidates, training.candidate_policy[1])
            return False
        if evaluation is None:
            return False
        self.get_logger().info(
            f'version {evaluation.version}: success {evaluation.success_rate:.2f} in'
            f' {evaluation.episodes} episodes, at {evaluation.env_steps} env steps'
        )
        return True

    def _publish_policy(self, at_rest: bool) -> None:
        now, updates = time.monotonic(), self._training.learner.updates
        due = at_rest or now - self._published_at >= _PUBLISH_INTERVAL_S
        # Before the first update there is only a policy to act with if one was loaded.
        has_policy = updates > 0 or bool(self._config.start_from)
        if not due or updates == self._published_updates or not has_policy:
            return
        self._publish(self._policies, self._training.policy()[1])
        self._published_at, self._published_updates = now, updates

    def _publish(self, publisher: Any, content: bytes) -> None:
        publisher.publish(run_policy_message(content, self._run))

    def _ask(self, collect: bool) -> None:
        now = time.monotonic()
        if collect != self._asked[1] or now - self._asked[0] >= _HEARTBEAT_S:
            self._asked = (now, collect)
            self._collection_enabled.publish(Bool(data=collect))

    def _report_refused(self) -> None:
        refused = self._training.refused
        known = self._refused
        for reason in list(refused.values())[known:]:
            self.get_logger().warning(f'not learned from: {reason}')
        self._refused = len(refused)

    def _waits_for(self) -> WaitsFor:
        if self._training.updates_owed:
            return WaitsFor.NOTHING
        return WaitsFor.BAGS if self._training.wants_collection else WaitsFor.EVALUATION

    def _status(self) -> dict[str, object]:
        learner, now = self._training.learner, time.monotonic()
        seconds = max(now - self._reported_at, 1e-9)
        steps, updates = self._reported
        self._reported_at, self._reported = now, (learner.env_steps, learner.updates)
        speeds = {
            'env_steps_per_s': round((learner.env_steps - steps) / seconds, 1),
            'updates_per_s': round((learner.updates - updates) / seconds, 1),
        }
        for name, speed in speeds.items():
            self._scalars.add(f'speed/{name}', speed, learner.env_steps)
        waits = self._waits_for()
        if elsewhere := self._hints.trouble():
            self.log.warning('bags elsewhere', elsewhere, _REPEAT_S)
        problems = [self._trainers.trouble(self._foreign), elsewhere]
        problem = '; '.join(filter(None, problems))
        return {
            'message': problem or (f'waits for {waits}' if waits else 'learning'),
            'level': b'\x01' if problem else b'\x00',
            'waits_for': waits,
            'episodes': learner.episodes,
            'env_steps': learner.env_steps,
            'updates': learner.updates,
            'updates_owed': self._training.updates_owed,
            **speeds,
            **status_of(self._training.evaluations, self._config.stop_success_rate),
            'bags_refused': len(self._training.refused),
            'wall_s': round(self._training.trained_s, 1),
        }

    def close(self) -> None:
        """Save the checkpoint and close the logs."""
        if self._training.outcome is None:
            self._training.save()
        self._training.close()
        self._scalars.close()
        self._held.close()


def main() -> None:
    """Run the node."""
    run(TrainerNode, TrainerNode.work, TrainerParameters)


if __name__ == '__main__':
    main()
