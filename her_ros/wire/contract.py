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

"""The contract in the ONNX metadata of a policy file: the task and format it was made for."""

from collections.abc import Mapping
import dataclasses
from dataclasses import dataclass
import json
import math

from her_ros.runtime.errors import HerRosError, one_line
from her_ros.tasks.arm import FETCH_PREFIX
from her_ros.tasks.goal_task import GoalTask

#: metadata key of an ONNX policy
METADATA_KEY = 'her_ros.contract'
#: graph inputs, float32, shape (n, size); the one output is ``action``, float32, shape (n, A)
INPUTS = ('observation', 'achieved_goal', 'desired_goal')
OUTPUT = 'action'
#: format number, increased when policies of an older format can no longer be read
FORMAT = 1
# Largest number of values in a field or an action; tasks have a few dozen.
_MAX_SIZE = 1 << 16


class ContractError(HerRosError):
    """A policy file without a contract, or with one that does not fit."""

    usual_cure = 'use a policy.onnx that her_ros exported'


@dataclass(frozen=True)
class PolicyContract:
    """
    Sizes, order, limits and origin of a policy; a version is its number plus the file's hash.

    Actions lie in [action_low, action_high] in every component.
    """

    task: str
    observation_fields: tuple[tuple[str, int], ...]
    goal_size: int
    action_size: int
    action_low: float
    action_high: float
    control_period_s: float
    goal_tolerance_m: float
    version: int
    provenance: Mapping[str, str]
    #: arm that it was trained on, and the arm's workspace, see
    #: :class:`~her_ros.tasks.goal_task.GoalTask`; empty for tasks that name no arm
    arm: str = ''
    workspace: tuple[float, ...] = ()
    format: int = FORMAT  # noqa: A003

    @classmethod
    def of(cls, task: GoalTask, version: int, provenance: Mapping[str, str]) -> 'PolicyContract':
        """Make the contract of a policy for a task."""
        return cls(
            task=task.name,
            observation_fields=task.observation_fields,
            goal_size=task.goal_size,
            action_size=task.action_size,
            action_low=-1.0,
            action_high=1.0,
            control_period_s=task.control_period_s,
            goal_tolerance_m=task.goal_tolerance_m,
            version=version,
            provenance=dict(provenance),
            arm=task.arm_name,
            workspace=task.workspace,
        )

    def to_json(self) -> str:
        """
        Return the contract as JSON, for the ONNX metadata.

        Without an arm or a workspace these are left out: earlier versions know neither.
        """
        added = {'arm', 'workspace'}
        values = dataclasses.asdict(self)
        return json.dumps(
            {name: value for name, value in values.items() if value or name not in added}
        )

    @classmethod
    def from_json(cls, text: str) -> 'PolicyContract':
        """
        Read a contract.

        :raises ContractError: if the text is no contract of a known format
        """
        try:
            values = json.loads(text)
            # Another format may have other fields, so it is checked first.
            if (found := {'format': FORMAT, **values}['format']) != FORMAT:
                raise ContractError(
                    f'the policy contract has format {found}', f'this version reads {FORMAT}'
                )
            fields = tuple((str(name), int(size)) for name, size in values['observation_fields'])
            workspace = tuple(values.get('workspace', ()))
            read = {**values, 'observation_fields': fields, 'workspace': workspace}
            contract = cls(**read)
            _check_values(contract)
        except RecursionError:
            raise ContractError('the policy contract cannot be read: it is nested') from None
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise ContractError(f'the policy contract cannot be read: {one_line(error)}') from None
        return contract

    @property
    def trained_on(self) -> str:
        """Return the arm that the policy was trained on, in words."""
        return f'arm {self.arm}' if self.arm else 'the Fetch'

    def is_of_other_arm(self, task: GoalTask) -> bool:
        """Tell whether the policy was trained for the same task on another arm."""
        same_goals = {name.removeprefix(FETCH_PREFIX) for name in (self.task, task.name)}
        on_arms = bool(task.arm) and len(same_goals) == 1
        return on_arms and (self.arm, self.task) != (task.arm_name, task.name)

    def is_of_other_workspace(self, task: GoalTask) -> bool:
        """
        Tell whether the policy was trained in another workspace of the task's arm.

        False if the workspace of either is not known.
        """
        known = bool(self.workspace and task.workspace) and not self.is_of_other_arm(task)
        return known and self.workspace != task.workspace

    def check_fits(self, task: GoalTask, accept_arm: bool = False) -> None:
        """
        Check that the policy was made for a task.

        :param accept_arm: whether it may have been trained on another arm, or in another
            workspace of the arm
        :raises ContractError: naming the first difference
        """
        expected = PolicyContract.of(task, self.version, self.provenance)
        # A policy of another arm may act: the arm itself keeps within its own workspace.
        ignored = {'workspace'}
        if self.is_of_other_arm(task):
            if not accept_arm:
                raise ContractError(
                    f'the policy was trained on {self.trained_on}, not on arm {task.arm_name}',
                    'act with one of this arm, or accept the other by --accept-arm or the'
                    ' parameter accept_arm',
                )
            ignored |= {'arm', 'task'}
        elif self.is_of_other_workspace(task) and not accept_arm:
            raise ContractError(
                f'the policy was trained on an arm {self.arm} with another workspace:'
                f' {list(self.workspace)}, not {list(task.workspace)}',
                'give the file of the other arm another name, or accept the policy by'
                ' --accept-arm or the parameter accept_arm',
            )
        for field in dataclasses.fields(self):
            found, wanted = getattr(self, field.name), getattr(expected, field.name)
            if found != wanted and field.name not in ignored:
                raise ContractError(
                    f'the policy was made for {self.task}: its {field.name} is {found!r},'
                    f' {task.name} needs {wanted!r}',
                    'use one that was trained for it',
                )


def _check_values(contract: PolicyContract) -> None:
    """
    Check types and ranges, as a file may hold anything.

    :raises ValueError: naming the field, its value and its type
    """
    sizes = {
        **{f'size of {name}': size for name, size in contract.observation_fields},
        'size of the observation': sum(size for _, size in contract.observation_fields),
        'goal_size': contract.goal_size,
        'action_size': contract.action_size,
    }
    for name, size in sizes.items():
        if type(size) is not int or not 0 < size <= _MAX_SIZE:
            raise ValueError(
                f'{name} is {size!r} ({type(size).__name__}), not an int in [1, {_MAX_SIZE}]'
            )
    for name in ('action_low', 'action_high', 'control_period_s', 'goal_tolerance_m'):
        value = getattr(contract, name)
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ValueError(f'{name} is {value!r} ({type(value).__name__}), not a finite number')
    if not contract.action_low < contract.action_high:
        raise ValueError(f'action_low {contract.action_low} is not below {contract.action_high}')
    # Rows carry it as uint32.
    if type(contract.version) is not int or not 0 <= contract.version < 1 << 32:
        raise ValueError(f'version is {contract.version!r} ({type(contract.version).__name__})')
    if not isinstance(contract.task, str):
        raise ValueError(f'task is {contract.task!r} ({type(contract.task).__name__})')
    if not isinstance(contract.arm, str):
        raise ValueError(f'arm is {contract.arm!r} ({type(contract.arm).__name__})')
    if not all(type(each) in (int, float) and math.isfinite(each) for each in contract.workspace):
        raise ValueError(f'workspace is {contract.workspace!r}, not finite numbers')
    if not isinstance(contract.provenance, dict):
        raise ValueError(f'provenance is {contract.provenance!r}')
