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

import json
import os
import shutil
from socket import gethostname

from her_ros.bags.reader import read_bag
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.learning.training.checkpoint import load_checkpoint
from her_ros.learning.training.online import Training
from her_ros.nodes.messages import bytes_of, run_policy_message
from her_ros.nodes.qos import LATCHED
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.files import sha256
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest
from std_msgs.msg import Bool, UInt8MultiArray

pytestmark = pytest.mark.nodes

REACH = TASKS['FetchReach']
SMALL = {
    'hidden_sizes': [8], 'batch_size': 16, 'replay_capacity': 10_000, 'device': 'cpu',
    'warm_up_steps': 100, 'updates_per_step': 2.0, 'max_updates_owed': 10,
    'evaluation_interval': 100_000,
}  # fmt: skip
NAMES = ('refusing', 'resumed', 'missing', 'altered', 'foreign', 'cuda', 'evaluated')


@pytest.fixture(scope='module')
def folders(tmp_path_factory, write_bag):
    """Run folders with what each test needs in them."""
    parent = tmp_path_factory.mktemp('runs')
    folders = {name: RunFolder(parent / name) for name in NAMES}
    for name, folder in folders.items():
        folder.create()
        if name in ('refusing', 'resumed', 'evaluated'):
            write_bag(folder.bags, 'a', seed=1)
    _train(folders['resumed'])
    training = _train(folders['evaluated'], evaluation_interval=100)
    assert training.begin_evaluation()
    _evaluation_bag(folders['evaluated'], training).write_bytes(b'damaged')
    for name in ('missing', 'altered'):
        for path in (folders['resumed'].checkpoint, *folders['resumed'].bags.iterdir()):
            shutil.copy(path, folders[name].path / path.relative_to(folders['resumed'].path))
    (folders['missing'].bags / 'a.mcap').unlink()
    (folders['altered'].bags / 'a.mcap').unlink()
    write_bag(folders['altered'].bags, 'a', seed=2)
    write_bag(folders['refusing'].bags, 'b', task='FetchPush')
    whole = write_bag(folders['refusing'].bags, 'c', seed=3).read_bytes()
    (folders['refusing'].bags / 'c.mcap').write_bytes(whole[:-100])
    return folders


def _evaluation_bag(folder, training):
    version, content = training.candidate_policy
    return folder.evaluation_bag(version, sha256(content))


def _train(folder, **changes):
    """Leave a checkpoint after one bag and a few updates."""
    parameters = TrainerParameters(**{**SMALL, 'hidden_sizes': (8,), **changes})
    training = Training(REACH, parameters, folder, lambda path: read_bag(path, REACH).episodes)
    training.ingest_new_bags()
    while training.updates_owed:
        training.update(0.1)
    for _ in range(5):
        training.policy()  # five versions were given out
    folder.policy.write_bytes(training.learner.policy(9, {}))
    training.save()
    return training


@pytest.fixture(scope='module')
def nodes(shared_graph, folders):
    """All nodes of this module, started at once."""
    own = {
        'refusing': {'updates_per_step': 0.0},
        'foreign': {'updates_per_step': 0.0, 'start_from': str(folders['resumed'].policy)},
        'cuda': {'device': 'cuda'},
        'evaluated': {'evaluation_interval': 100, 'stop.env_steps': 100},
    }
    return {
        name: shared_graph.start(
            'trainer',
            f'/{name}',
            {**SMALL, **own.get(name, {}), 'run_dir': str(folders[name].path)},
            CUDA_VISIBLE_DEVICES='',
        )
        for name in NAMES
    }


def test_no_gpu_where_one_is_demanded_is_one_line_and_status_2(nodes):
    assert nodes['cuda'].ended() == 2
    (line,) = nodes['cuda'].lines
    assert line.startswith('her_ros: ')
    assert 'cuda' in line


@pytest.mark.parametrize('name', ['missing', 'altered'])
def test_a_logged_bag_that_is_not_as_it_was_is_named(nodes, folders, name):
    assert nodes[name].ended() == 2
    (line,) = nodes[name].lines
    assert str(folders[name].bags / 'a.mcap') in line
    assert name in line


def test_bags_that_teach_nothing_stay_and_are_reported_and_the_rest_is_learned_from(
    shared_graph, folders, nodes, write_bag
):
    name, bags = '/refusing/trainer', folders['refusing'].bags
    shared_graph.until(lambda: shared_graph.status(name), 'diagnostics')
    status = shared_graph.new_status(name)
    assert (status['bags_refused'], status['episodes'], status['env_steps']) == ('2', '2', '100')
    refusals = [line for line in nodes['refusing'].lines if 'not learned from' in line]
    assert len(refusals) == 2
    for bag, reason in (('b.mcap', 'recorded from FetchPush'), ('c.mcap', 'cut short')):
        assert any(str(bags / bag) in line and reason in line for line in refusals)
        assert (bags / bag).exists()
    write_bag(bags, 'd', seed=4)
    shared_graph.until(lambda: shared_graph.status(name)['env_steps'] == '200', 'the next bag')
    status = shared_graph.new_status(name)
    assert status['bags_refused'] == '2'
    assert status['waits_for'] == 'bags'


def test_a_evaluation_bag_is_repeated_and_the_run_finishes(shared_graph, folders, nodes):
    folder = folders['evaluated']
    (damaged,) = shared_graph.until(
        lambda: list(folder.evaluation.glob('*.damaged_1')), 'the damaged bag under another name'
    )
    assert damaged.read_bytes() == b'damaged'
    values = {'run_dir': str(folder.path), 'episodes': 2, 'num_envs': 2}
    evaluator = shared_graph.start('evaluator', '/evaluated', values)
    assert nodes['evaluated'].ended() == 0
    lines = [line for line in nodes['evaluated'].lines if 'not evaluated' in line]
    assert len(lines) == 1
    assert str(damaged.with_suffix('')) in lines[0]
    assert damaged.name in lines[0]
    (evaluation,) = json.loads(folder.result.read_text())['evaluations']
    assert evaluation['episodes'] == 2
    evaluator.interrupt()
    assert evaluator.ended() == 0


def test_a_resumed_run_continues_from_its_checkpoint(shared_graph, folders, nodes, write_bag):
    node, folder = nodes['resumed'], folders['resumed']
    collect, policies = [], []
    shared_graph.node.create_subscription(
        Bool, '/resumed/collection_enabled', lambda message: collect.append(message.data), LATCHED
    )
    shared_graph.node.create_subscription(
        UInt8MultiArray, '/resumed/policy', policies.append, LATCHED
    )
    # 100 steps and 2 updates per step
    shared_graph.until(lambda: 'resumed at 100 env steps, 200 updates' in node.output, 'a resume')
    shared_graph.until(lambda: policies, 'the policy of the checkpoint')
    first = OnnxPolicy(bytes_of(policies[-1]), 'topic', REACH)
    assert first.version == 6
    assert first.contract.provenance['updates'] == '200'
    shared_graph.until(lambda: collect and collect[-1], 'a demand for rollouts')

    # Another bag: 200 updates owed, of 10 allowed, hold collection until they are made.
    collect.clear()
    write_bag(folder.bags, 'b', seed=5)
    shared_graph.until(lambda: False in collect, 'a hold')
    shared_graph.until(lambda: collect[-1], 'its end')
    shared_graph.until(
        lambda: OnnxPolicy(bytes_of(policies[-1]), '').contract.provenance['updates'] == '400',
        'the policy after all updates',
    )
    assert OnnxPolicy(bytes_of(policies[-1]), '').version > first.version
    status = shared_graph.new_status('/resumed/trainer')
    counters = (status['env_steps'], status['episodes'], status['updates'])
    assert counters == ('200', '4', '400')
    node.interrupt()
    assert node.ended() == 0
    state = load_checkpoint(folder.checkpoint)
    assert state['learner']['counters'] == [200, 4, 400]
    assert [name for name, _ in state['log']] == ['a.mcap', 'b.mcap']


def test_the_policy_that_a_run_starts_from_acts_before_the_first_update(
    shared_graph, folders, nodes
):
    source = OnnxPolicy.load(folders['resumed'].policy)
    policies = []
    shared_graph.node.create_subscription(
        UInt8MultiArray, '/foreign/policy', policies.append, LATCHED
    )
    shared_graph.until(lambda: policies, 'the first policy')
    first = OnnxPolicy(bytes_of(policies[0]), 'topic', REACH)
    assert first.contract.provenance['updates'] == '0'
    state = np.ones((1, REACH.observation_size)), np.ones((1, 3)), np.zeros((1, 3))
    np.testing.assert_allclose(first.act(*state), source.act(*state), atol=1e-5)
    assert nodes['foreign'].popen.poll() is None


def test_another_trainer_on_the_policy_topic_is_named_and_this_one_goes_on(
    shared_graph, nodes, export_policy
):
    shared_graph.until(lambda: shared_graph.status('/foreign/trainer'), 'diagnostics')
    intruder = shared_graph.new_node('intruder')
    publisher = intruder.create_publisher(UInt8MultiArray, '/foreign/policy', LATCHED)
    content, line = export_policy(), 'somebody else sends policies to this run'

    def named():
        publisher.publish(run_policy_message(content, 'f' * 32))
        shared_graph.spin(0.2)
        return any(line in each for each in nodes['foreign'].lines)

    shared_graph.until(named, 'a line about the intruder')
    (told,) = [each for each in nodes['foreign'].lines if line in each]
    assert f'/intruder (pid {os.getpid()})' in told
    status = shared_graph.new_status('/foreign/trainer')
    # its run is named, as its diagnostics tell it
    process = f'pid {nodes["foreign"].popen.pid}, run {status["run_dir"]}'
    assert f'/foreign/trainer (host {gethostname()}, {process})' in told
    assert (status['level'], nodes['foreign'].popen.poll()) == ('1', None)
