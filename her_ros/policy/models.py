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

"""Load policies from files and from the ``policy`` topic, and verify each before it acts."""

from pathlib import Path

from her_ros.policy.onnx_policy import OnnxPolicy, PolicyError
from her_ros.policy.signature import load_key, verify
from her_ros.tasks.goal_task import GoalTask

# The first answers are slow, because they allocate memory.
_WARM_UPS = 20


class Models:
    """
    Loads and verifies policies, and warms them up.

    :param verify_key: file of the public key that policies must be signed with; empty to accept
        unsigned ones
    :param accept_arm: whether policies may have been trained on another arm
    :raises HerRosError: if there is no such key
    """

    def __init__(self, task: GoalTask, verify_key: str, accept_arm: bool = False) -> None:
        self._task, self._accept_arm = task, accept_arm
        self._key = load_key(Path(verify_key)) if verify_key else None

    def from_file(self, model: str, expected_sha256: str) -> OnnxPolicy:
        """
        Read a policy from a file.

        :param expected_sha256: SHA-256 that the file must have; empty for any
        :raises HerRosError: if the file cannot be read or verified
        """
        if not model:
            raise PolicyError('model is empty', 'name the ONNX file to act with')
        policy = OnnxPolicy.load(
            Path(model), self._task, expected_sha256, self._key, self._accept_arm
        )
        policy.warm_up(_WARM_UPS)
        return policy

    def from_topic(self, content: bytes, signature: bytes) -> OnnxPolicy:
        """
        Read a policy from a message.

        :raises HerRosError: if it cannot be verified
        """
        origin = 'policy topic'
        if self._key is not None:
            verify(content, signature, self._key, origin)
        policy = OnnxPolicy(content, origin, self._task, self._accept_arm)
        policy.warm_up(_WARM_UPS)
        return policy
