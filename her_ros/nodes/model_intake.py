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

"""Accept models for the policy node by parameter or ``policy`` topic, and swap on request."""

from collections.abc import Callable
from functools import partial
from typing import Any

from her_ros.config.parameters.policy import PolicyParameters
from her_ros.nodes.guarded_node import GuardedNode, ONE_BY_ONE_S
from her_ros.nodes.messages import policy_of, run_of
from her_ros.nodes.qos import LATCHED
from her_ros.policy.models import Models
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.policy.policy_server import PolicyServer
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.topics import POLICY
from rcl_interfaces.msg import SetParametersResult
from std_msgs.msg import UInt8MultiArray
from std_srvs.srv import Trigger

_MODEL, _SHA256 = 'model', 'model_sha256'
_ARM = 'arm'


class ModelIntake:
    """
    Passes verified policies to a policy server; a bad one is refused, the old one stays.

    Initially closed. While it is closed, any parameter value is accepted: opening verifies it.
    """

    def __init__(self, node: GuardedNode, task: GoalTask, parameters: PolicyParameters) -> None:
        self._node = node
        self._task = task
        self._parameters = parameters
        self._server: PolicyServer | None = None  # while open
        self._leave: list[Callable[[], object]] = []
        #: present problems by origin; cleared by the next valid policy from that origin
        self.problems: dict[str, str] = {}
        self._run = RunFolder(parameters.run_dir).identity if parameters.run_dir else ''
        #: number of refused policies of other runs
        self.foreign = 0
        node.add_on_set_parameters_callback(self._on_parameters)

    def open(self, server: PolicyServer) -> None:  # noqa: A003
        """
        Offer the model named by the parameters, then each new one.

        :raises HerRosError: if the model is invalid, or a required model is missing
        """
        p, node = self._parameters, self._node
        self._models = Models(self._task, p.verify_key, p.accept_arm)
        model, expected_sha256 = self._value(_MODEL), self._value(_SHA256)
        if model or not (p.accept_policies or p.exploration_enabled):
            self._offer(server, self._models.from_file(model, expected_sha256))
        if p.accept_policies:
            policies = node.create_subscription(
                UInt8MultiArray, POLICY, self._on_policy, LATCHED, pause_s=ONE_BY_ONE_S
            )
            self._leave.append(partial(node.destroy_subscription, policies))
        if p.deployment:
            swap = node.create_service(Trigger, '~/swap_now', self._on_swap)
            self._leave.append(partial(node.destroy_service, swap))
        self._server = server
        self.problems.clear()

    def close(self) -> None:
        """Close topic and service; the server gets no further policies."""
        for leave in self._leave:
            leave()
        self._server, self._leave = None, []

    def unused_policies(self) -> str:
        """Return a text if policies are published while the node acts at random, else empty."""
        p, node = self._parameters, self._node
        random = p.exploration_enabled and self._server is not None and not self._server.has_policy
        topic = node.resolve_topic_name(POLICY)
        if not random or p.accept_policies or not node.count_publishers(topic):
            return ''
        return (
            f'acts at random, and takes no policies from {topic}: accept_policies is false;'
            ' set it behind --params-file'
        )

    def refuse(self, error: Exception, pause_s: float = ONE_BY_ONE_S) -> None:
        """Log an error and add it to the diagnostics."""
        self.problems[_MODEL] = str(error)
        self._node.log.error(_MODEL, error, pause_s)

    def _value(self, name: str) -> str:
        return str(self._node.get_parameter(name).value)

    def _offer(self, server: PolicyServer, policy: OnnxPolicy) -> None:
        self._node.get_logger().info(policy.describe())
        contract, task = policy.contract, self._task
        if contract.is_of_other_arm(task):
            self._node.log.warning(
                _ARM,
                f'the policy was trained on {contract.trained_on}, and acts on arm'
                f' {task.arm_name}',
            )
        elif contract.is_of_other_workspace(task):
            self._node.log.warning(
                _ARM,
                f'the policy was trained in another workspace of arm {task.arm_name}:'
                f' {list(contract.workspace)}, and acts in {list(task.workspace)}',
            )
        server.offer(policy)

    def _on_parameters(self, parameters: list[Any]) -> SetParametersResult:
        given = {parameter.name: parameter.value for parameter in parameters}
        if _MODEL in given and self._server is not None:
            expected_sha256 = given.get(_SHA256, self._value(_SHA256))
            try:
                policy = self._models.from_file(given[_MODEL], expected_sha256)
            except HerRosError as error:
                self.refuse(error)
                return SetParametersResult(successful=False, reason=str(error))
            self._offer(self._server, policy)
            self.problems.pop(_MODEL, None)
        return SetParametersResult(successful=True)

    def _on_policy(self, message: UInt8MultiArray) -> None:
        run = run_of(message)
        if self._run and run not in ('', self._run):
            self.foreign += 1
        elif self._server is not None:
            self._offer(self._server, self._models.from_topic(*policy_of(message)))

    def _on_swap(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = 'no policy waits; set the parameter model first'
        if self._server is not None and self._server.swap():
            policy = self._server.policy
            response.success, response.message = True, policy.describe() if policy else ''
        return response
