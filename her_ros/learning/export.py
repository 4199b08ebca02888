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

"""The policy as one ONNX graph, with normalisation and clipping inside."""

from collections.abc import Mapping, Sequence

from her_ros.learning.agents.networks import STATE
from her_ros.learning.normalizer import Normalizer
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.contract import INPUTS, METADATA_KEY, OUTPUT, PolicyContract
import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, numpy_helper, TensorProto
from torch import Tensor

# Widely served: onnxruntime reads both from 1.14 on.
_OPSET, _IR_VERSION = 17, 8


class PolicyGraph:
    """
    Builds the graph once; new weights only replace its constants.

    :param policy: nodes from :data:`~her_ros.learning.agents.networks.STATE` to the action
    :param relative_goals: show the network where the goal lies from what is achieved
    """

    def __init__(
        self, task: GoalTask, policy: Sequence[onnx.NodeProto], relative_goals: bool = False
    ) -> None:
        # What nodes take and none of them gives.
        given = {STATE, *(name for node in policy for name in node.output)}
        self._constants = {name for node in policy for name in node.input} - given
        nodes = [
            *_normalized('observation'),
            helper.make_node('Sub', ['desired_goal', 'achieved_goal'], ['goal'])
            if relative_goals
            else helper.make_node('Identity', ['desired_goal'], ['goal']),
            *_normalized('goal'),
            helper.make_node(
                'Concat',
                ['observation_normalized', 'goal_normalized'],
                [STATE],
                axis=1,
            ),
            *policy,
        ]
        sizes = (task.observation_size, task.goal_size, task.goal_size)
        graph = helper.make_graph(
            nodes,
            'her_ros_policy',
            [_value(name, size) for name, size in zip(INPUTS, sizes, strict=True)],
            [_value(OUTPUT, task.action_size)],
        )
        self._model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid('', _OPSET)],
            ir_version=_IR_VERSION,
            producer_name='her_ros',
        )

    def to_bytes(
        self,
        policy: Mapping[str, Tensor],
        observation: Normalizer,
        goal: Normalizer,
        contract: PolicyContract,
    ) -> bytes:
        """
        Return the ONNX file that holds these weights and statistics.

        :param policy: constants of the policy's nodes by name
        :raises ValueError: if they are not those that the nodes take
        """
        if {*policy} != self._constants:
            raise ValueError(
                f'constants of the policy are {sorted(policy)}; its nodes take'
                f' {sorted(self._constants)}'
            )
        constants = {
            **_normalizer_constants('observation', observation),
            **_normalizer_constants('goal', goal),
            **{name: _array(value) for name, value in policy.items()},
        }
        del self._model.graph.initializer[:]
        self._model.graph.initializer.extend(
            numpy_helper.from_array(array, name) for name, array in constants.items()
        )
        helper.set_model_props(self._model, {METADATA_KEY: contract.to_json()})
        return self._model.SerializeToString()


def _value(name: str, size: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ['n', size])


def _normalized(name: str) -> list[onnx.NodeProto]:
    """clip((clip(x, ±raw) - mean) / std, ±c), as in :class:`Normalizer`."""
    steps = (
        ('Clip', ['low', 'high'], 'clipped'),
        ('Sub', ['mean'], 'centred'),
        ('Div', ['std'], 'scaled'),
        ('Clip', ['normalized_low', 'normalized_high'], 'normalized'),
    )
    nodes, value = [], name
    for operator, constants, result in steps:
        inputs = [value, *(f'{name}_{constant}' for constant in constants)]
        value = f'{name}_{result}'
        nodes.append(helper.make_node(operator, inputs, [value]))
    return nodes


def _normalizer_constants(name: str, normalizer: Normalizer) -> dict[str, NDArray[np.float32]]:
    return {
        f'{name}_low': np.array(-normalizer.raw_clip, np.float32),
        f'{name}_high': np.array(normalizer.raw_clip, np.float32),
        f'{name}_mean': _array(normalizer.mean),
        f'{name}_std': _array(normalizer.std),
        f'{name}_normalized_low': np.array(-normalizer.clip, np.float32),
        f'{name}_normalized_high': np.array(normalizer.clip, np.float32),
    }


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy()
