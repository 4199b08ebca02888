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

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from her_ros.nodes.messages import policy_of
from her_ros.nodes.qos import LATCHED
import pytest
from std_msgs.msg import UInt8MultiArray

pytestmark = pytest.mark.nodes


@pytest.fixture(scope='module')
def models(tmp_path_factory, export_policy):
    folder, content = tmp_path_factory.mktemp('models'), export_policy(version=12)
    paths = {name: folder / f'{name}.onnx' for name in ('plain', 'signed', 'none')}
    for name in ('plain', 'signed'):
        paths[name].write_bytes(content)
    signature = Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(content)
    paths['signed'].with_name('signed.onnx.sig').write_bytes(signature)
    paths['none'].write_bytes(b'no policy')
    return paths


@pytest.mark.parametrize('name', ['plain', 'signed'])
def test_a_policy_arrives_with_its_signature(shared_graph, models, name):
    received, topic = [], f'/{name}/policy'
    command = shared_graph.cli('publish', str(models[name]), '--topic', topic)
    shared_graph.node.create_subscription(UInt8MultiArray, topic, received.append, LATCHED)
    shared_graph.until(lambda: received and command.popen.poll() is not None, 'the policy')
    assert command.ended() == 0
    (line,) = command.lines
    assert topic in line
    assert '12' in line
    content, signature = policy_of(received[0])
    assert content == models[name].read_bytes()
    assert len(received) == 1
    assert (len(signature) == 64) == (name == 'signed')
    if signature:
        assert signature == models[name].with_name('signed.onnx.sig').read_bytes()


def test_no_subscriber_is_one_line_and_status_1(shared_graph, models):
    arguments = ('--topic', '/nobody/policy', '--timeout', '0.5')
    command = shared_graph.cli('publish', str(models['plain']), *arguments)
    assert command.ended() == 1
    (line,) = command.lines
    assert line.startswith('her-ros: /nobody/policy: nobody listens after 0.5 s')


def test_what_is_no_policy_is_not_published(shared_graph, models):
    command = shared_graph.cli('publish', str(models['none']))
    assert command.ended() == 1
    (line,) = command.lines
    assert line.startswith(f'her-ros: {models["none"]}: ')
