"""The policy as one ONNX graph, with normalisation and clipping inside."""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from her_ros.learning.normalizer import Normalizer
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.contract import INPUTS, METADATA_KEY, OUTPUT, PolicyContract

# Widely served: onnxruntime reads both from 1.14 on.
_OPSET, _IR_VERSION = 17, 8


class PolicyGraph:
    """Builds the graph once; new weights only replace its constants.

    :param shapes: shapes of weight and bias of every layer in turn
    :param relative_goals: show the network where the goal lies from what is achieved
    """

    def __init__(
        self, task: GoalTask, shapes: Sequence[tuple[int, ...]], relative_goals: bool = False
    ) -> None:
        self._layer_names = [f'{kind}_{i // 2}' for i, kind in _kinds(len(shapes))]
        nodes = [
            *_normalized('observation'),
            helper.make_node('Sub', ['desired_goal', 'achieved_goal'], ['goal'])
            if relative_goals
            else helper.make_node('Identity', ['desired_goal'], ['goal']),
            *_normalized('goal'),
            helper.make_node(
                'Concat',
                ['observation_normalized', 'goal_normalized'],
                ['hidden_0'],
                axis=1,
            ),
            *_perceptron(len(shapes) // 2),
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
        layers: Sequence[Tensor],
        observation: Normalizer,
        goal: Normalizer,
        contract: PolicyContract,
    ) -> bytes:
        """Return the ONNX file that holds these weights and statistics."""
        constants = {
            **_normalizer_constants('observation', observation),
            **_normalizer_constants('goal', goal),
            **dict(zip(self._layer_names, map(_array, layers), strict=True)),
        }
        del self._model.graph.initializer[:]
        self._model.graph.initializer.extend(
            numpy_helper.from_array(array, name) for name, array in constants.items()
        )
        helper.set_model_props(self._model, {METADATA_KEY: contract.to_json()})
        return self._model.SerializeToString()


def _kinds(count: int) -> list[tuple[int, str]]:
    return [(i, 'bias' if i % 2 else 'weight') for i in range(count)]


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


def _perceptron(count: int) -> list[onnx.NodeProto]:
    nodes = []
    for i in range(count):
        inputs = [f'hidden_{i}', f'weight_{i}', f'bias_{i}']
        nodes.append(helper.make_node('Gemm', inputs, [f'linear_{i}'], transB=1))
        last = i == count - 1
        result = OUTPUT if last else f'hidden_{i + 1}'
        nodes.append(helper.make_node('Tanh' if last else 'Relu', [f'linear_{i}'], [result]))
    return nodes


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy()
