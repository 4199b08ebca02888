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

"""Run an exported ONNX policy."""

from pathlib import Path
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from her_ros.policy.errors import PolicyError
from her_ros.policy.onnx_check import check_onnx, MAX_BYTES
from her_ros.policy.signature import read_regular, read_signature, verify
from her_ros.runtime.files import sha256
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.contract import ContractError, INPUTS, METADATA_KEY, OUTPUT, PolicyContract
import numpy as np
from numpy.typing import NDArray
import onnxruntime

__all__ = ['OnnxPolicy', 'PolicyError']

# Errors of onnxruntime about a file that needs a newer onnxruntime.
_TOO_NEW = (
    re.compile(r'(?P<what>Opset) (?P<found>\d+) is .* till opset (?P<known>\d+)'),
    re.compile(r'(?P<what>IR version): (?P<found>\d+), max .* version: (?P<known>\d+)'),
)


class OnnxPolicy:
    """
    Deterministic actions from an ONNX file whose metadata carries its contract.

    :param content: bytes of the file
    :param origin: source of the bytes, named in errors
    :param task: the task that it must have been made for; None for any
    :param accept_arm: whether it may have been trained on another arm
    :raises PolicyError: if the bytes are no policy
    :raises ContractError: if the policy was made for another task
    """

    def __init__(
        self,
        content: bytes,
        origin: str,
        task: GoalTask | None = None,
        accept_arm: bool = False,
    ) -> None:
        try:
            check_onnx(content)
        except PolicyError as error:
            raise PolicyError.of(error, origin) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # A spinning thread would occupy a core that the simulation or the robot needs.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                content,
                options,
                providers=['CPUExecutionProvider'],
                enable_fallback=0,  # it would print, and fail a second time
            )
            metadata = self._session.get_modelmeta().custom_metadata_map
        except Exception as error:  # onnxruntime raises its own types for each kind of damage
            raise PolicyError(*_unreadable(error), source=origin) from None
        if METADATA_KEY not in metadata:
            raise PolicyError('an ONNX file, but not a policy exported by her_ros', source=origin)
        try:
            self.contract = PolicyContract.from_json(metadata[METADATA_KEY])
            if task is not None:
                self.contract.check_fits(task, accept_arm)
        except ContractError as error:
            raise ContractError.of(error, origin) from None
        self.sha256 = sha256(content)
        self._origin = origin
        self._try()

    @classmethod
    def load(
        cls,
        path: Path,
        task: GoalTask | None = None,
        expected_sha256: str = '',
        key: Ed25519PublicKey | None = None,
        accept_arm: bool = False,
    ) -> 'OnnxPolicy':
        """
        Read and verify a policy file; it is parsed only after it was verified.

        :param expected_sha256: hexadecimal; empty for any
        :param key: public key of the signature beside the file; None to require no signature
        :param accept_arm: whether it may have been trained on another arm
        :raises PolicyError: if the file cannot be read, or does not pass verification
        :raises ContractError: if the policy was made for another task
        """
        try:
            content = read_regular(path, MAX_BYTES)
        except FileNotFoundError as error:
            raise PolicyError(
                f'cannot be read ({error.strerror})', 'name a file that exists', path
            ) from None
        if expected_sha256 and (found := sha256(content)) != expected_sha256.strip().lower():
            raise PolicyError(
                f'its SHA-256 is {found}, {expected_sha256} is asked for',
                'take the file of that version, unaltered, or correct the SHA-256 asked for',
                path,
            )
        if key is not None:
            verify(content, read_signature(path), key, str(path))
        return cls(content, str(path), task, accept_arm)

    def _try(self) -> None:
        """Act on one state and on two, to find a graph that breaks its contract."""
        for count in (1, 2):
            self.act(*(np.repeat(zeros, count, axis=0) for zeros in self._zeros()))

    def _zeros(self) -> tuple[NDArray[np.float64], ...]:
        observation_size = sum(size for _, size in self.contract.observation_fields)
        sizes = (observation_size, self.contract.goal_size, self.contract.goal_size)
        return tuple(np.zeros((1, size)) for size in sizes)

    def warm_up(self, times: int) -> None:
        """Act on zeros, so that code and memory are ready for the first real state."""
        for _ in range(times):
            self.act(*self._zeros())

    def describe(self) -> str:
        """Return task, version, digest and provenance in one line."""
        contract = self.contract
        arm = f' on arm {contract.arm}' if contract.arm else ''
        provenance = ', '.join(f'{key} {value}' for key, value in contract.provenance.items())
        line = (
            f'{self._origin}: {contract.task}{arm}, version {contract.version}, SHA-256'
            f' {self.sha256[:12]}, control period {contract.control_period_s} s'
            f' ({provenance or "of unknown provenance"})'
        )
        return ' '.join(line.split())  # the provenance may hold line breaks

    @property
    def version(self) -> int:
        """Return the number of the version."""
        return self.contract.version

    def act(
        self,
        observation: NDArray[np.floating],
        achieved_goal: NDArray[np.floating],
        desired_goal: NDArray[np.floating],
    ) -> NDArray[np.float32]:
        """
        Return actions in [-1, 1], shape (n, A).

        :param observation: shape (n, O), in the order of the contract's observation_fields
        :param achieved_goal: metres, world frame, shape (n, G)
        :param desired_goal: metres, world frame, shape (n, G)
        :raises PolicyError: if the graph fails, or its actions are not finite, of another type or
            of another shape
        """
        values = (observation, achieved_goal, desired_goal)
        with np.errstate(over='ignore'):  # the graph clips infinity as any other large value
            feed = {
                name: np.ascontiguousarray(value, np.float32)
                for name, value in zip(INPUTS, values, strict=True)
            }
        try:
            actions: NDArray[np.float32] = self._session.run([OUTPUT], feed)[0]
        except Exception as error:  # onnxruntime's own types again
            raise PolicyError(
                f'its graph is not what its contract says ({_reason(error)})', source=self._origin
            ) from None
        wanted = (len(observation), self.contract.action_size)
        if actions.dtype != np.float32 or actions.shape != wanted:
            raise PolicyError(
                f'its graph gives actions as {actions.dtype} of shape {actions.shape}, its'
                f' contract says float32 of shape {wanted}',
                source=self._origin,
            )
        if not np.isfinite(actions).all():
            raise PolicyError('its actions are not finite; it is damaged', source=self._origin)
        # onnxruntime's tanh can exceed 1 by rounding.
        return np.clip(actions, self.contract.action_low, self.contract.action_high)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _unreadable(error: Exception) -> tuple[str, str]:
    """Return problem and cure of a file that onnxruntime does not load."""
    for pattern in _TOO_NEW:
        if found := pattern.search(str(error)):
            return (
                f'made for {found["what"]} {found["found"]} of ONNX, and onnxruntime'
                f' {onnxruntime.__version__} here reads up to {found["known"]}',
                'export it so, or install a newer onnxruntime',
            )
    return f'not a readable ONNX file ({_reason(error)})', ''
