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

"""``her-ros publish``: send a policy to a node that accepts policies from a topic."""

from pathlib import Path

from her_ros.nodes.messages import policy_message
from her_ros.nodes.qos import LATCHED
from her_ros.orchestration.sender import send
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.policy.signature import read_signature
from her_ros.runtime.ros_environment import checked_topic
from rich.console import Console


def publish(model: Path, topic: str, timeout_s: float) -> None:
    """
    Publish a policy with its signature, if there is one, and wait for delivery.

    :raises HerRosError: if the file is no policy, or no subscriber receives it in time
    """
    checked_topic(topic)
    policy = OnnxPolicy.load(model)
    message = policy_message(model.read_bytes(), read_signature(model))
    question = (
        'is a policy node configured there, with accept_policies: true? --topic takes another'
        ' topic'
    )
    send(message, topic, LATCHED, timeout_s, question)
    Console().print(f'{topic}: {policy.describe()}', soft_wrap=True)
