"""An exported policy, ready to act."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from her_ros.core.contract import INPUTS, METADATA_KEY, OUTPUT, ContractError, PolicyContract
from her_ros.core.errors import HerRosError
from her_ros.core.files import sha256
from her_ros.core.task import GoalTask


class PolicyError(HerRosError):
    """A policy file that is damaged, or made for something else."""


class OnnxPolicy:
    """Deterministic actions from an ONNX file whose metadata carries its contract.

    :param content: the file's bytes
    :param origin: where they came from, to name it in errors
    :param task: the task it must have been made for; None: any
    :raises PolicyError: if the bytes are no policy
    :raises ContractError: if the policy was made for another task
    """

    def __init__(self, content: bytes, origin: str, task: GoalTask | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # A spinning thread would steal the core that the simulation or the robot needs.
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
            raise PolicyError(f'{origin}: not a readable ONNX file ({_reason(error)})') from None
        if METADATA_KEY not in metadata:
            raise PolicyError(f'{origin}: an ONNX file, but not a policy exported by her_ros')
        try:
            self.contract = PolicyContract.from_json(metadata[METADATA_KEY])
            if task is not None:
                self.contract.check_fits(task)
        except ContractError as error:
            raise ContractError(f'{origin}: {error}') from None
        self.sha256 = sha256(content)
        self._origin = origin
        self._try()

    @classmethod
    def load(cls, path: Path, task: GoalTask | None = None) -> 'OnnxPolicy':
        """Read a policy file.

        :raises PolicyError: if there is no such file, or it is no policy
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PolicyError(f'{path}: cannot be read ({error.strerror})') from None
        return cls(content, str(path), task)

    def _try(self) -> None:
        """Act once, as a graph that breaks its contract shows only when it runs."""
        contract = self.contract
        observation_size = sum(size for _, size in contract.observation_fields)
        sizes = (observation_size, contract.goal_size, contract.goal_size)
        try:
            shape = self.act(*(np.zeros((1, size)) for size in sizes)).shape
        except PolicyError:
            raise
        except Exception as error:  # onnxruntime's own types again
            raise PolicyError(
                f'{self._origin}: its graph is not what its contract says ({_reason(error)})'
            ) from None
        if shape != (1, contract.action_size):
            raise PolicyError(
                f'{self._origin}: its graph gives actions of shape {shape},'
                f' its contract says (1, {contract.action_size})'
            )

    @property
    def version(self) -> int:
        """The number of the version."""
        return self.contract.version

    def act(
        self,
        observation: NDArray[np.floating],
        achieved_goal: NDArray[np.floating],
        desired_goal: NDArray[np.floating],
    ) -> NDArray[np.float32]:
        """Return actions in [-1, 1], shape (n, A).

        :param observation: shape (n, O), in the order of the contract's observation_fields
        :param achieved_goal: metres, world frame, shape (n, G)
        :param desired_goal: metres, world frame, shape (n, G)
        :raises PolicyError: if an action is not finite
        """
        values = (observation, achieved_goal, desired_goal)
        feed = {
            name: np.ascontiguousarray(value, np.float32)
            for name, value in zip(INPUTS, values, strict=True)
        }
        actions: NDArray[np.float32] = self._session.run([OUTPUT], feed)[0]
        if not np.isfinite(actions).all():
            raise PolicyError(f'{self._origin}: its actions are not finite; it is damaged')
        # onnxruntime's tanh can pass 1 by a rounding.
        return np.clip(actions, self.contract.action_low, self.contract.action_high)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
