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

"""Start a training from a trained policy: its weights and the statistics of its normalisers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.learner import Learner
from her_ros.learning.training.checkpoint import CheckpointError, load_checkpoint
from her_ros.learning.training.checkpoint_form import check_form
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.files import require_regular
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.contract import ContractError, METADATA_KEY, PolicyContract
import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import numpy_helper, TensorProto
import torch
from torch import Tensor

# States for which the buffer of a learner has room that learns nothing.
_NO_ROWS = 1000
# Statistics of a policy file count like this many states where it does not tell how many it saw.
_STATES = 10_000


class WarmStartError(HerRosError):
    """A policy file or a run that a training cannot start from."""

    usual_cure = 'name a policy.onnx or a run folder of her_ros'


def check_start(task: GoalTask, parameters: LearnerParameters) -> None:
    """
    Check on the CPU, in little memory, that :func:`warm_start` will succeed.

    :raises WarmStartError: if it will not
    """
    if parameters.start_from:
        small = replace(parameters, device='cpu', replay_capacity=_NO_ROWS, priority_kind='none')
        warm_start(Learner(task, small))


def warm_start(learner: Learner) -> None:
    """
    Load the weights and normalisers that the parameter ``start_from`` names, if it does.

    A policy file gives the actor; a run folder also gives the critics and all target networks. Its
    actor is the one that it exports: the average, if it has one. Optimisers start anew. Statistics
    are merged with those that the learner has already.

    :raises WarmStartError: if the policy cannot be read, or does not fit the learner
    """
    if not learner.parameters.start_from:
        return
    source = Path(learner.parameters.start_from)
    if source.is_dir():
        _load_run(learner, RunFolder(source))
    elif source.suffix == '.onnx':
        policy = _read_policy(source)
        policy.check_fits(learner)
        learner.agent.load_policy(policy.constants)
        for name, normalizer in learner.normalizers.items():
            statistics = policy.statistics(name)
            normalizer.merge(*(each.to(learner.device) for each in statistics))
    else:
        raise WarmStartError(
            'neither a run folder nor an .onnx file', 'name one of these', source=source
        )


def _load_run(learner: Learner, run: RunFolder) -> None:
    """Load all networks and normalisers of a run's checkpoint."""
    for path in (run.policy, run.checkpoint):
        if not path.exists():
            raise WarmStartError(
                f'has no {path.name}', 'wait for its first evaluation', source=run.path
            )
    _read_policy(run.policy).check_fits(learner)
    state = _networks_of(run, learner)
    learner.agent.load_networks(state)
    for name, normalizer in learner.normalizers.items():
        statistics = state['normalizers'][name]
        normalizer.merge(
            *(statistics[key].to(learner.device) for key in ('count', 'mean', 'squares'))
        )


def _networks_of(run: RunFolder, learner: Learner) -> dict[str, Any]:
    """Read the networks and normalisers of a run's checkpoint, and check that they fit."""
    try:
        found = load_checkpoint(run.checkpoint).get('learner')
    except CheckpointError as error:
        cure = f'start from {run.policy}, or from another run'
        raise WarmStartError(error.problem, cure, source=error.source) from None
    found = found if isinstance(found, dict) else {}
    agent = found.get('agent')
    agent = agent if isinstance(agent, dict) else {}
    own = learner.agent.state_dict()
    form: dict[str, Any] = {kind: own[kind] for kind in ('online', 'target')}
    if 'average' in agent:  # then that is the actor, whether or not the learner averages too
        form['average'] = {'actor': own['online']['actor']}
    state: dict[str, Any] = {kind: agent.get(kind) for kind in form}
    state['normalizers'] = found.get('normalizers')
    form['normalizers'] = {name: n.state_dict() for name, n in learner.normalizers.items()}
    try:
        check_form(run.checkpoint, state, form)
    except CheckpointError as error:
        raise WarmStartError(
            error.problem,
            f'set trainer.agent, trainer.critic.count and trainer.critic.layer_norm as in'
            f' {run.params}, or start from {run.policy}',
            source=error.source,
        ) from None
    return state


@dataclass(frozen=True)
class _PolicyFile:
    """Content of a policy file that a training can start from."""

    path: Path
    contract: PolicyContract
    #: constants of the graph by name
    constants: Mapping[str, Tensor]
    #: whether the networks see where the goal lies from what is achieved
    relative_goals: bool

    def check_fits(self, learner: Learner) -> None:
        """
        Check that the learner's policy has the same inputs, layers and outputs.

        A policy of another arm fits, since it is to be trained.

        :raises WarmStartError: naming the first difference
        """
        try:
            self.contract.check_fits(learner.task, accept_arm=True)
        except ContractError as error:
            raise WarmStartError.of(error, self.path) from None
        if self.relative_goals != learner.parameters.relative_goals:
            raise WarmStartError(
                f'trained with relative_goals: {str(self.relative_goals).lower()}',
                'set trainer.relative_goals to it',
                source=self.path,
            )
        own = {name: tuple(value.shape) for name, value in learner.policy_constants().items()}
        found = {
            name: tuple(value.shape)
            for name, value in self.constants.items()
            if not name.startswith(('observation_', 'goal_'))
        }
        if own != found:
            sizes = [shape[0] for name, shape in found.items() if name.startswith('weight_')]
            raise WarmStartError(
                f'its layers have {sizes[:-1]} units, trainer.hidden_sizes is'
                f' {list(learner.parameters.hidden_sizes)}',
                'set trainer.hidden_sizes to the same',
                source=self.path,
            )
        for name, normalizer in learner.normalizers.items():
            for constant in ('mean', 'std'):
                values = self.constants.get(f'{name}_{constant}')
                if values is None or values.shape != normalizer.mean.shape:
                    raise WarmStartError(f'has no {constant} of {name}s', source=self.path)

    def statistics(self, name: str) -> tuple[Tensor, Tensor, Tensor]:
        """Return the statistics of a normaliser: count, mean and sum of squared deviations."""
        seen = self.contract.provenance.get('env_steps', '')
        count = int(seen) if seen.isdecimal() and int(seen) else _STATES
        mean, std = (self.constants[f'{name}_{each}'].double() for each in ('mean', 'std'))
        return torch.tensor(count, dtype=torch.float64), mean, std**2 * count


def _read_policy(path: Path) -> _PolicyFile:
    """
    Read a policy file.

    :raises WarmStartError: if it cannot be read, or is no policy of this package
    """
    try:
        require_regular(path)
        model = onnx.load_model_from_string(path.read_bytes())
        constants = {each.name: _tensor(_array(each)) for each in model.graph.initializer}
    except (HerRosError, OSError) as error:
        reason = getattr(error, 'strerror', '') or getattr(error, 'problem', '')
        raise WarmStartError(f'cannot be read ({reason})', source=path) from None
    except Exception as error:  # onnx and protobuf raise types of their own for damage
        raise WarmStartError(
            f'not a readable ONNX file ({one_line(error)})', source=path
        ) from None
    metadata = {each.key: each.value for each in model.metadata_props}
    if METADATA_KEY not in metadata:
        raise WarmStartError('an ONNX file, but not a policy exported by her_ros', source=path)
    try:
        contract = PolicyContract.from_json(metadata[METADATA_KEY])
    except ContractError as error:
        raise WarmStartError.of(error, path) from None
    is_relative = any(node.op_type == 'Sub' and 'goal' in node.output for node in model.graph.node)
    return _PolicyFile(path, contract, constants, is_relative)


def _array(constant: TensorProto) -> NDArray[np.generic]:
    if constant.data_location == TensorProto.EXTERNAL:
        raise ValueError('its weights are in another file')
    return numpy_helper.to_array(constant)


def _tensor(array: NDArray[np.generic]) -> Tensor:
    if array.dtype != np.float32 or not np.isfinite(array).all():
        raise ValueError('its constants are not finite float32 numbers')
    return torch.from_numpy(array.copy())
