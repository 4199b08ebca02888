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

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from her_ros.policy.models import Models
from her_ros.policy.onnx_policy import OnnxPolicy, PolicyError
from her_ros.policy.signature import signature_path
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import sha256
from her_ros.tasks.registry import task_named, TASKS
from her_ros.wire.contract import ContractError, METADATA_KEY, PolicyContract
import numpy as np
import onnx
from onnx import helper, TensorProto
import pytest


def states(task, count, seed=0):
    random = np.random.default_rng(seed)
    sizes = (task.observation_size, task.goal_size, task.goal_size)
    return [random.normal(size=(count, size)) for size in sizes]


def identity_model(sizes=(('x', 3),), output=('y', 3)):
    """Return a valid ONNX file that passes its first input on."""
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ['n', s]) for n, s in sizes]
    result = helper.make_tensor_value_info(output[0], TensorProto.FLOAT, ['n', output[1]])
    node = helper.make_node('Identity', [sizes[0][0]], [output[0]])
    graph = helper.make_graph([node], 'foreign', values, [result])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)


def test_actions_are_float32_within_their_limits_for_any_number_of_rows(policy_bytes, reach):
    policy = OnnxPolicy(policy_bytes(), 'here')
    for count in (0, 1, 33):
        actions = policy.act(*(100 * values for values in states(reach, count)))
        assert actions.shape == (count, reach.action_size)
        assert actions.dtype == np.float32
        assert (np.abs(actions) <= 1).all()


def test_rows_act_alone(policy_bytes, reach):
    policy = OnnxPolicy(policy_bytes(), 'here')
    together = policy.act(*states(reach, 20))
    for index in range(20):
        alone = policy.act(*(values[index:][:1] for values in states(reach, 20)))
        np.testing.assert_allclose(alone[0], together[index], atol=1e-6)


def test_interleaved_views_are_read_right(policy_bytes, step_rows):
    rows = step_rows(range(5))
    names = ('observation', 'achieved_goal', 'desired_goal')
    assert not rows['observation'].flags.c_contiguous
    policy = OnnxPolicy(policy_bytes(), 'here')
    np.testing.assert_array_equal(
        policy.act(*(rows[name] for name in names)),
        policy.act(*(rows[name].astype(np.float32) for name in names)),
    )


def test_a_policy_knows_its_version_and_contract(policy_bytes, reach, tmp_path):
    content = policy_bytes(version=12)
    path = tmp_path / 'policy.onnx'
    path.write_bytes(content)
    for policy in (OnnxPolicy(content, 'here', reach), OnnxPolicy.load(path, reach)):
        assert policy.version == 12
        assert policy.sha256 == sha256(content)
        assert policy.contract == PolicyContract.of(reach, 12, {'run': 'run_001'})


def test_acting_takes_no_thread_beside_the_callers(policy_bytes, reach):
    before = len(os.listdir('/proc/self/task'))
    policy = OnnxPolicy(policy_bytes(), 'here')
    policy.act(*states(reach, 1000))
    assert len(os.listdir('/proc/self/task')) == before


def test_a_policy_for_another_task_is_refused_with_both_names(policy_bytes, reach):
    content = policy_bytes(task=TASKS['FetchPush'])
    assert OnnxPolicy(content, 'here').contract.task == 'FetchPush'
    with pytest.raises(ContractError, match=r'^here: .* made for FetchPush: .* FetchReach needs'):
        OnnxPolicy(content, 'here', reach)


def test_a_policy_for_another_task_of_the_same_sizes_is_refused(policy_bytes):
    with pytest.raises(ContractError, match=r'^here: .* made for FetchPush'):
        OnnxPolicy(policy_bytes(task=TASKS['FetchPush']), 'here', TASKS['FetchSlide'])


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / 'none.onnx', tmp_path):
        with pytest.raises(PolicyError, match=f'^{path}: cannot be read'):
            OnnxPolicy.load(path)


def test_what_has_no_end_is_not_read(tmp_path):
    """A pipe would hang the node, and a device fill the memory."""
    os.mkfifo(tmp_path / 'pipe.onnx')
    with (tmp_path / 'large.onnx').open('wb') as file:
        file.truncate(1 << 40)
    expected = {
        tmp_path / 'pipe.onnx': 'not a regular file',
        Path('/dev/zero'): 'not a regular file',
        tmp_path / 'large.onnx': '1099511627776 bytes',
        Path('a\0b'): 'null',
    }
    for path, said in expected.items():
        with pytest.raises(PolicyError, match=said):
            OnnxPolicy.load(path)


@pytest.mark.parametrize('content', [b'', b'no ONNX', b'\x00' * 1000, bytes(range(256)) * 10])
def test_what_is_no_onnx_is_refused_in_one_line(content, capfd):
    with pytest.raises(PolicyError, match=r'^topic: not a readable ONNX file') as caught:
        OnnxPolicy(content, 'topic')
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ('', '')


def test_a_foreign_onnx_file_is_refused():
    content = identity_model().SerializeToString()
    with pytest.raises(PolicyError, match=r'^topic: an ONNX file, but not a policy exported by'):
        OnnxPolicy(content, 'topic')


@pytest.mark.parametrize(
    ('sizes', 'output'),
    [
        ((('x', 3),), ('y', 3)),
        ((('observation', 10), ('achieved_goal', 3), ('goal', 3)), ('action', 10)),
        ((('observation', 10), ('achieved_goal', 3), ('desired_goal', 3)), ('action', 10)),
        ((('observation', 4), ('achieved_goal', 3), ('desired_goal', 3)), ('action', 4)),
    ],
)
def test_a_graph_that_breaks_its_contract_is_refused(reach, sizes, output):
    model = identity_model(sizes, output)
    contract = PolicyContract.of(reach, 1, {})
    helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    with pytest.raises(PolicyError, match=r'^topic: '):
        OnnxPolicy(model.SerializeToString(), 'topic', reach)


def test_a_file_cut_short_anywhere_is_refused_in_one_line(policy_bytes, capfd):
    content = policy_bytes()
    for size in range(0, len(content), 13):
        with pytest.raises(PolicyError, match=r'^topic: ') as caught:
            OnnxPolicy(content[:size], 'topic')
        assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ('', '')


def test_a_damaged_file_is_refused_in_one_line_or_acts_within_limits(policy_bytes, reach, capfd):
    """Weights carry no checksum, but no damage gives an action that is none, or ends the node."""
    content = policy_bytes()
    random = np.random.default_rng(0)
    inputs = states(reach, 3)
    refused = []
    for position in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[position] ^= 1 << random.integers(8)
        try:
            actions = OnnxPolicy(bytes(damaged), 'topic', reach).act(*inputs)
        except HerRosError as error:
            refused.append(str(error))
            continue
        assert actions.shape == (3, reach.action_size)
        assert (np.abs(actions) <= 1).all(), position
    # At least the contract, whose every letter counts, is a large part of the file.
    assert len(refused) > 50
    assert all(len(message.splitlines()) == 1 for message in refused)
    assert capfd.readouterr() == ('', '')


def test_actions_that_are_not_finite_are_refused(policy_bytes):
    model = onnx.load_from_string(policy_bytes())
    (bias,) = [each for each in model.graph.initializer if each.name == 'bias_1']
    bias.raw_data = np.full(bias.dims, np.nan, np.float32).tobytes()
    with pytest.raises(PolicyError, match=r'^topic: .*not finite'):
        OnnxPolicy(model.SerializeToString(), 'topic')


@pytest.fixture
def file(policy_bytes, tmp_path):
    path = tmp_path / 'policy.onnx'
    path.write_bytes(policy_bytes())
    return path


def test_a_file_with_the_checksum_asked_for_is_read(file, reach):
    wanted = sha256(file.read_bytes())
    for each in (wanted, wanted.upper(), f' {wanted} ', ''):
        assert OnnxPolicy.load(file, reach, expected_sha256=each).sha256 == wanted


def test_a_file_with_another_checksum_is_refused_with_both(file, policy_bytes, reach):
    found, wanted = sha256(file.read_bytes()), sha256(policy_bytes(seed=1))
    with pytest.raises(PolicyError, match=f'^{file}: its SHA-256 is {found}, {wanted} is asked'):
        OnnxPolicy.load(file, reach, expected_sha256=wanted)


def test_a_signed_file_is_read_and_one_altered_since_refused(file, policy_bytes, reach):
    private = Ed25519PrivateKey.generate()
    key = private.public_key()
    with pytest.raises(PolicyError, match=f'^{file}: not signed'):
        OnnxPolicy.load(file, reach, key=key)
    signature_path(file).write_bytes(private.sign(file.read_bytes()))
    assert OnnxPolicy.load(file, reach, key=key).version == 1
    file.write_bytes(policy_bytes(seed=1))
    assert OnnxPolicy.load(file, reach).version == 1
    with pytest.raises(PolicyError, match=f'^{file}: its signature is wrong'):
        OnnxPolicy.load(file, reach, key=key)


def test_what_is_not_the_right_file_never_reaches_the_parser(file, monkeypatch):
    """A parser is where a crafted file does its harm."""
    monkeypatch.setattr('onnxruntime.InferenceSession', lambda *_, **__: pytest.fail('parsed'))
    with pytest.raises(PolicyError, match='SHA-256'):
        OnnxPolicy.load(file, expected_sha256='0' * 64)
    with pytest.raises(PolicyError, match='not signed'):
        OnnxPolicy.load(file, key=Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize('newer', ['Opset', 'IR version'])
def test_a_file_for_a_newer_onnx_is_refused_with_both_numbers(policy_bytes, newer, capfd):
    model = onnx.load_from_string(policy_bytes())
    if newer == 'Opset':
        model.opset_import[0].version = 99
    else:
        model.ir_version = 99
    expected = rf'^topic: made for {newer} 99 of ONNX, and onnxruntime \S+ here reads up to \d+;'
    with pytest.raises(PolicyError, match=expected) as caught:
        OnnxPolicy(model.SerializeToString(), 'topic')
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ('', '')


def test_warming_up_acts_as_often_as_asked_and_changes_no_action(policy_bytes, reach, monkeypatch):
    policy = OnnxPolicy(policy_bytes(), 'here')
    before = policy.act(*states(reach, 3))
    calls = []
    act = policy.act
    monkeypatch.setattr(policy, 'act', lambda *values: calls.append(act(*values).shape))
    policy.warm_up(5)
    assert calls == [(1, reach.action_size)] * 5
    np.testing.assert_array_equal(act(*states(reach, 3)), before)


def test_a_policy_describes_itself_in_one_line(policy_bytes, reach):
    content = policy_bytes(version=12)
    line = OnnxPolicy(content, 'models/policy.onnx').describe()
    assert line == (
        f'models/policy.onnx: FetchReach, version 12, SHA-256 {sha256(content)[:12]},'
        ' control period 0.04 s (run run_001)'
    )
    model = onnx.load_from_string(content)
    contract = PolicyContract.of(reach, 3, {'run': 'one\nline'})
    helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    line = OnnxPolicy(model.SerializeToString(), 'here').describe()
    assert line.endswith('(run one line)')


def test_a_graph_that_cannot_act_on_some_states_is_one_line(policy_bytes, reach):
    """A failure of onnxruntime is an error of ours, for any number of states."""
    policy = OnnxPolicy(policy_bytes(), 'here')
    observation, *goals = states(reach, 2)
    for wrong in ((observation[:, :5], *goals), (observation, goals[0][:1], goals[1][:1])):
        with pytest.raises(PolicyError, match=r'^here: its graph is not what its contract says'):
            policy.act(*wrong)


def test_a_policy_of_another_arm_acts_if_that_is_accepted(policy_bytes, tmp_path):
    path, task = tmp_path / 'policy.onnx', task_named('Reach', 'six_joint')
    path.write_bytes(policy_bytes(task=TASKS['FetchReach']))
    with pytest.raises(
        ContractError, match=r'policy\.onnx: .* trained on the Fetch, not on arm six'
    ):
        Models(task, '').from_file(str(path), '')
    policy = Models(task, '', accept_arm=True).from_file(str(path), '')
    assert policy.contract.is_of_other_arm(task)
    assert Models(task, '', accept_arm=True).from_topic(path.read_bytes(), b'').contract == (
        policy.contract
    )
