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

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.learner import Learner
from her_ros.nodes.qos import LATCHED
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.files import sha256
from her_ros.tasks.registry import task_named
import pytest
from std_msgs.msg import UInt8MultiArray
from std_srvs.srv import Trigger

pytestmark = pytest.mark.nodes
SMALL = LearnerParameters(hidden_sizes=(8,), replay_capacity=100)


@pytest.fixture(scope='module')
def key():
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope='module')
def nodes(start_policies, models, calm, key, tmp_path_factory):
    """All nodes that the tests share, started at once."""
    folder = tmp_path_factory.mktemp('signed')
    signed, public = folder / 'signed.onnx', folder / 'key.pem'
    signed.write_bytes(models['good'].read_bytes())
    signed.with_name('signed.onnx.sig').write_bytes(key.sign(signed.read_bytes()))
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(pem)
    good, verified = {'model': str(models['good'])}, {'verify_key': str(public)}
    elsewhere = folder / 'elsewhere.onnx'
    task = replace(task_named('Reach', 'six_joint'), workspace=(0.1, 0, 0, 0.7, 0.3, 0.5, 0))
    elsewhere.write_bytes(Learner(task, SMALL).policy(1, {}))
    on_arm = {'task': 'Reach', 'arm': 'six_joint', 'model': str(elsewhere)}
    parameters = {
        '/calm': {**calm, **good},
        '/taught': {**calm, 'accept_policies': True},
        '/strict': {**calm, **verified, 'model': str(signed), 'accept_policies': True},
        '/deaf': {'exploration.enabled': True},
        '/unsigned': {**good, **verified},
        '/other_workspace': on_arm,
        '/accepted': {**on_arm, 'accept_arm': True},
        '/not_here': {**on_arm, 'arm': '/nowhere/six_joint.yaml'},
        '/other_arm': {**good, 'task': 'Reach', 'arm': 'six_joint'},
        '/other_file': {**good, 'model_sha256': 'f' * 64},
    }
    return start_policies(parameters)


@pytest.fixture
def make_partner(shared_graph, nodes, make_state_partner):
    return lambda namespace: make_state_partner(shared_graph, namespace)


def test_a_policy_of_another_workspace_acts_only_if_accepted_and_this_is_reported(nodes, wait):
    assert nodes['/other_workspace'].ended() == 2
    (line,) = nodes['/other_workspace'].lines
    assert 'elsewhere.onnx: the policy was trained on an arm six_joint with another works' in line
    told = 'trained in another workspace of arm six_joint: [0.1, 0, 0, 0.7, 0.3, 0.5, 0], and acts'
    wait(lambda: told in nodes['/accepted'].output, 'a warning')


def test_a_workspace_that_is_not_described_on_this_machine_is_not_checked(nodes, wait):
    wait(lambda: 'lifecycle: active' in nodes['/not_here'].output, 'an active node')
    assert '; the workspace of policies is not checked' in nodes['/not_here'].output


@pytest.mark.parametrize('namespace', ['/unsigned', '/other_arm', '/other_file'])
def test_a_file_that_is_not_what_was_asked_for_is_one_line_and_status_2(nodes, namespace):
    assert nodes[namespace].ended() == 2
    (line,) = nodes[namespace].lines
    assert line.startswith('her_ros: ')
    assert 'good.onnx' in line


def test_policies_from_the_topic_are_not_even_listened_to(shared_graph, nodes, make_partner):
    make_partner('/calm').ask(make_partner('/calm').states(1, 0))
    assert shared_graph.node.count_subscribers('/calm/policy') == 0
    assert shared_graph.node.count_subscribers('/calm/step') == 1


def test_a_node_that_acts_at_random_although_policies_are_published_says_so(
    shared_graph, make_partner, nodes
):
    assert shared_graph.new_status('/deaf/policy')['level'] == '0'
    shared_graph.node.create_publisher(UInt8MultiArray, '/deaf/policy', LATCHED)
    line = 'takes no policies from /deaf/policy: accept_policies is false'
    shared_graph.until(
        lambda: line in shared_graph.status('/deaf/policy')['message'], 'a complaint'
    )
    assert shared_graph.status('/deaf/policy')['level'] == '1'
    (told,) = [each for each in nodes['/deaf'].lines if line in each]
    assert '[WARN]' in told


def test_a_new_model_acts_from_the_next_episode_on_or_at_once(
    shared_graph, make_partner, set_model, models
):
    partner = make_partner('/calm')

    def version(episode, step):
        return set(partner.ask(partner.states(episode, step))['policy_version'].tolist())

    def swap_now():
        return shared_graph.call(Trigger, '/calm/policy/swap_now')

    assert version(1, 0) == {4}
    for name in ('damaged', 'foreign', 'missing'):
        assert str(models[name]) in set_model(shared_graph, '/calm', models[name])
        status = shared_graph.new_status('/calm/policy')
        assert str(models[name]) in status['message']
        assert status['level'] == '1'
        assert version(1, 1 + len(name)) == {4}
    assert not swap_now().success
    reason = set_model(shared_graph, '/calm', models['better'], model_sha256='f' * 64)
    assert 'sha-256' in reason.lower()
    right = sha256(models['better'].read_bytes())
    assert not set_model(shared_graph, '/calm', models['better'], model_sha256=right)
    assert version(1, 20) == {4}
    assert shared_graph.new_status('/calm/policy')['message'] == 'acting'
    assert version(2, 0) == {5}
    assert not set_model(shared_graph, '/calm', models['good'], model_sha256='')
    assert version(2, 1) == {5}
    response = swap_now()
    assert response.success
    assert response.message == OnnxPolicy.load(models['good']).describe()
    assert version(2, 2) == {4}


def test_a_policy_from_the_topic_acts_if_accept_policies_is_set(
    shared_graph, make_partner, models
):
    assert shared_graph.new_status('/taught/policy')['waits_for'] == 'a policy'
    partner = make_partner('/taught')
    partner.offer(models['better'].read_bytes())
    assert partner.ask(partner.states(1, 0))['policy_version'].tolist() == [5, 5]


def test_with_a_key_only_signed_policies_act(shared_graph, make_partner, models, key):
    partner, content = make_partner('/strict'), models['better'].read_bytes()
    other_key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    for episode, signature in enumerate((b'', other_key.sign(content), bytes(64)), start=1):
        partner.offer(content, signature)
        assert partner.ask(partner.states(episode, 0))['policy_version'].tolist() == [4, 4]
        status = shared_graph.new_status('/strict/policy')
        assert 'policy topic' in status['message']
        assert status['level'] == '1'
    partner.offer(content, key.sign(content))
    assert partner.ask(partner.states(9, 0))['policy_version'].tolist() == [5, 5]
    assert shared_graph.new_status('/strict/policy')['message'] == 'acting'
