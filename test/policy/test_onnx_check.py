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

from contextlib import suppress
from pathlib import Path
import time
import tracemalloc

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.learner import Learner
from her_ros.policy.errors import PolicyError
from her_ros.policy.onnx_check import check_onnx
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.tasks.registry import task_named
from her_ros.wire.contract import ContractError, METADATA_KEY
from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest

MODELS = sorted(Path(__file__).parents[2].glob('models/*/policy.onnx'))


@pytest.fixture
def model(policy_bytes):
    return onnx.load_from_string(policy_bytes())


def refusal(model):
    """Return why a file is refused; it must not reach onnxruntime for it."""
    content = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(PolicyError) as caught:
        check_onnx(content)
    with pytest.raises(PolicyError, match=r'^topic: '):
        OnnxPolicy(content, 'topic')
    return str(caught.value)


@pytest.mark.parametrize('path', MODELS, ids=lambda path: path.parent.name)
def test_shipped_models_pass(path):
    check_onnx(path.read_bytes())


@pytest.mark.parametrize('agent', ['ddpg', 'td3', 'sac'])
@pytest.mark.parametrize('task', ['FetchPush', 'gym:PointMaze_UMaze-v3'])
@pytest.mark.parametrize('more', [{}, {'relative_goals': True, 'critic_layer_norm': True}])
def test_exports_of_all_agents_pass(agent, task, more):
    parameters = LearnerParameters(
        agent=agent, hidden_sizes=(8, 8, 8), replay_capacity=100, device='cpu', **more
    )
    content = Learner(task_named(task), parameters).policy(3, {})
    check_onnx(content)
    assert OnnxPolicy(content, 'here').version == 3


def test_operators_of_another_domain_are_refused(model):
    """One of com.microsoft ended the process with SIGSEGV."""
    model.graph.node[0].domain = 'com.microsoft'
    assert refusal(model) == (
        "its operator Clip is of the domain 'com.microsoft'; only standard ones may act"
    )


def test_operator_sets_of_another_domain_are_refused(model):
    model.opset_import.append(helper.make_opsetid('com.microsoft', 1))
    assert "an operator set is of the domain 'com.microsoft'" in refusal(model)


@pytest.mark.parametrize('operator', ['Loop', 'If', 'Scan', 'RandomNormal', 'Gelu', 'Tile', ''])
def test_other_operators_are_refused(model, operator):
    model.graph.node[1].op_type = operator
    assert f'the operator {operator!r}' in refusal(model)


def test_a_graph_within_a_node_is_refused(model):
    attribute = helper.make_attribute('axis', model.graph)
    model.graph.node[0].attribute.append(attribute)
    assert 'control flow' in refusal(model)


@pytest.mark.parametrize('name', ['to', None])
def test_other_attributes_are_refused(model, name):
    attribute = helper.make_attribute('to', 1)
    if name is None:
        attribute.ClearField('name')
    model.graph.node[0].attribute.append(attribute)
    assert f'has the attribute {name or ""!r}' in refusal(model)


def test_functions_are_refused(model):
    model.functions.append(helper.make_function('', 'Tanh', ['x'], ['x'], [], []))
    assert 'functions' in refusal(model)


def test_external_data_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weight = model.graph.initializer[-2]
    (tmp_path / 'weights').write_bytes(weight.raw_data)
    onnx.external_data_helper.set_external_data(weight, 'weights')
    weight.ClearField('raw_data')
    assert 'external data' in refusal(model)


@pytest.mark.parametrize('kind', [np.float64, np.int64])
def test_constants_of_another_type_are_refused_by_name(model, kind):
    constant = model.graph.initializer[2]
    values = numpy_helper.to_array(constant).astype(kind)
    constant.CopyFrom(numpy_helper.from_array(values, 'observation_mean'))
    expected = f"'observation_mean' is of type {np.dtype(kind).name}; it must be float32"
    assert expected in refusal(model)


def test_an_output_of_another_type_is_refused_by_name(model):
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    assert refusal(model) == "its graph has 'action' of type float64; it must be float32"


def test_constants_larger_than_their_bytes_are_refused(model):
    model.graph.initializer[0].dims[:] = [1 << 40]
    assert 'has the shape [1099511627776] and 4 bytes' in refusal(model)


def test_a_graph_that_doubles_its_width_is_refused(model):
    node = model.graph.node
    for index in range(60):
        inputs = [f'wide_{index}' if index else 'observation'] * 2
        node.insert(index, helper.make_node('Concat', inputs, [f'wide_{index + 1}'], axis=1))
    assert 'more than one Concat' in refusal(model)


def test_an_outer_product_of_constants_is_refused(model):
    for name, shape in (('column', (4, 1)), ('row', (1, 4))):
        values = np.ones(shape, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    model.graph.node.insert(0, helper.make_node('Sub', ['column', 'row'], ['square']))
    assert "the input 'column' of 2 dimensions" in refusal(model)


def test_a_product_that_grows_with_the_square_of_the_batch_is_refused(model):
    node = helper.make_node('Gemm', ['observation', 'observation'], ['square'], transB=1)
    model.graph.node.insert(0, node)
    assert 'Gemm must multiply values by a constant' in refusal(model)


def test_a_constant_read_twice_is_refused(model):
    node = helper.make_node('Sub', ['observation', 'observation_mean'], ['again'])
    model.graph.node.append(node)
    assert "the constant 'observation_mean' more than once" in refusal(model)


def test_too_many_operators_are_refused(model):
    nodes = [helper.make_node('Relu', ['observation'], [f'x{i}']) for i in range(300)]
    model.graph.node.extend(nodes)
    assert 'operators; at most 256' in refusal(model)


def test_millions_of_fields_take_neither_time_nor_memory():
    graph = b'\x0a\0' * 2_000_000  # nodes without anything in them
    size = len(graph)
    length = bytes([*((size >> shift & 0x7F) | 0x80 for shift in (0, 7, 14)), size >> 21])
    content = b'\x3a' + length + graph
    begin = time.perf_counter()
    assert 'more than 10000 fields' in refusal(content)
    assert time.perf_counter() - begin < 1.0
    tracemalloc.start()
    refusal(content)
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


@pytest.mark.parametrize('depth', [100, 60_000])
def test_a_nested_contract_is_refused_in_one_line(model, depth):
    helper.set_model_props(model, {METADATA_KEY: '[' * depth + ']' * (depth // 20)})
    with pytest.raises(
        ContractError, match=r'^topic: the policy contract cannot be read'
    ) as caught:
        OnnxPolicy(model.SerializeToString(), 'topic')
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('action_size', '"4"'),
        ('action_size', '4.0'),
        ('goal_size', 'true'),
        ('goal_size', '1000000000000'),
        ('action_high', 'NaN'),
        ('action_low', '"-1"'),
        ('control_period_s', 'null'),
    ],
)
def test_contract_values_of_another_type_are_named_with_it(policy_bytes, name, value):
    """Two that print alike once gave: gives (1, 4), its contract says (1, 4)."""
    model = onnx.load_from_string(policy_bytes())
    (text,) = [each.value for each in model.metadata_props]
    head, _, tail = text.partition(f'"{name}": ')
    begin = min(tail.index(end) for end in ',}' if end in tail)
    rest = tail[begin:]
    helper.set_model_props(model, {METADATA_KEY: f'{head}"{name}": {value}{rest}'})
    with pytest.raises(ContractError, match=f'{name} is .*(str|float|bool|int|NoneType)'):
        OnnxPolicy(model.SerializeToString(), 'topic')


CONTENT = Path(MODELS[0]).read_bytes() if MODELS else b''


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=500),
        st.lists(st.tuples(st.integers(0, 2500), st.integers(0, 255)), min_size=1, max_size=5),
    )
)
def test_any_bytes_pass_or_are_refused(changes):
    """Everything but the weights lies in the first bytes and the last."""
    if isinstance(changes, bytes):
        content = changes
    else:
        damaged = bytearray(CONTENT)
        for position, value in changes:
            damaged[position - 500] = value
        content = bytes(damaged)
    with suppress(PolicyError):
        check_onnx(content)
