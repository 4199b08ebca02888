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

"""The ``evaluator`` node: evaluates the policy versions that the trainer requests."""

import os
import time

from her_ros.arms.registry import with_workspace
from her_ros.bags.rollout import run_metadata
from her_ros.bags.writer import remove_unfinished, write_rollout
from her_ros.config.parameters.nodes import EvaluatorParameters
from her_ros.nodes.guarded_node import GuardedNode, ONE_BY_ONE_S
from her_ros.nodes.messages import bytes_of, run_of
from her_ros.nodes.node import Diagnostics, read_parameters, run
from her_ros.nodes.qos import HINT, LATCHED
from her_ros.nodes.rivalry import Rivalry
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.states import WaitsFor
from her_ros.sim.evaluate import evaluation_steps
from her_ros.tasks.disturbances import parse_disturbances
from her_ros.tasks.registry import task_named
from her_ros.wire.topics import EVALUATION_POLICY, EVALUATION_STEP, ROLLOUT_RECORDED
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String, UInt8MultiArray


class EvaluatorNode(GuardedNode):
    """Runs deterministic episodes with one policy version and writes them to a bag."""

    def __init__(self) -> None:
        super().__init__('evaluator')
        self._config = read_parameters(self, EvaluatorParameters)
        if not self._config.run_dir:
            raise HerRosError('evaluator: run_dir is empty', 'it says where the bags go')
        self._folder = RunFolder(self._config.run_dir)
        self._folder.require()
        self._role = self._folder.hold('evaluator')
        remove_unfinished(self._folder.evaluation)
        self._disturbances = parse_disturbances(self._config.disturb)
        self._task = with_workspace(task_named(self._config.task, self._config.arm))
        self._wanted: OnnxPolicy | None = None
        self._done = 0
        self._foreign = 0
        self._trainers = Rivalry(
            self, EVALUATION_POLICY, 'another run asks for evaluations, which are not made'
        )
        self._hints = self.create_publisher(String, ROLLOUT_RECORDED, HINT)
        self.create_subscription(
            UInt8MultiArray, EVALUATION_POLICY, self._on_policy, LATCHED, pause_s=ONE_BY_ONE_S
        )
        self._diagnostics = Diagnostics(self, self._status)

    def _on_policy(self, message: UInt8MultiArray) -> None:
        if self._folder.identity and run_of(message) not in ('', self._folder.identity):
            self._foreign += 1
            return
        self._wanted = OnnxPolicy(bytes_of(message), EVALUATION_POLICY, self._task)

    def work(self) -> int:
        """Evaluate every requested policy version until ROS shuts down."""
        os.nice(5)  # simulation and learning have priority over evaluations
        executor = SingleThreadedExecutor()
        executor.add_node(self)
        while self.context.ok():
            if self._wanted is None:
                executor.spin_once(timeout_sec=0.5)
            else:
                self._evaluate(self._wanted, executor)
        return 0

    def _evaluate(self, policy: OnnxPolicy, executor: SingleThreadedExecutor) -> None:
        bag = self._folder.evaluation_bag(policy.version, policy.sha256)
        if not bag.exists():
            messages = []
            steps = evaluation_steps(
                self._task, policy.act, policy.version, self._config, self._disturbances
            )
            for rows in steps:
                messages.append(rows)
                executor.spin_once(timeout_sec=0)
                if self._wanted is not policy:
                    return
            metadata = run_metadata(
                self._task, policy_version=policy.version, policy_sha256=policy.sha256
            )
            topic = self.resolve_topic_name(EVALUATION_STEP)
            write_rollout(
                bag.parent, bag.stem, metadata, messages, topic, time.time_ns(),
                self._task.control_period_s,
            )  # fmt: skip
        self._done += 1
        self._wanted = None
        self._hints.publish(String(data=bag.name))

    def _status(self) -> dict[str, object]:
        version = self._wanted.version if self._wanted else 0
        waits = WaitsFor.NOTHING if version else WaitsFor.POLICY_TO_EVALUATE
        does = f'waits for {waits}' if waits else f'evaluates version {version}'
        problem = self._trainers.trouble(self._foreign)
        return {
            'message': problem or does,
            'level': b'\x01' if problem else b'\x00',
            'waits_for': waits,
            'evaluations': self._done,
        }


def main() -> None:
    """Run the node."""
    run(EvaluatorNode, EvaluatorNode.work, EvaluatorParameters)


if __name__ == '__main__':
    main()
