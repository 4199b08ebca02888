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

from her_ros.bags.reader import read_bag
from her_ros.nodes.messages import bytes_message, run_policy_message
from her_ros.nodes.qos import HINT, LATCHED
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.files import sha256
from her_ros.runtime.run_folder import RunFolder
import numpy as np
import pytest
from std_msgs.msg import String, UInt8MultiArray

pytestmark = pytest.mark.nodes

SETTINGS = {
    'one': {'episodes': 5, 'num_envs': 5, 'threads': 2},
    'other': {'episodes': 5, 'num_envs': 2, 'threads': 1},
    'slow': {'episodes': 100, 'num_envs': 1},  # takes seconds
}


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    parent = tmp_path_factory.mktemp('runs')
    folders = {name: RunFolder(parent / name) for name in SETTINGS}
    for folder in folders.values():
        folder.create()
    return folders


@pytest.fixture(scope='module')
def nodes(shared_graph, folders):
    return {
        name: shared_graph.start(
            'evaluator', f'/{name}', {**values, 'run_dir': str(folders[name].path)}
        )
        for name, values in SETTINGS.items()
    }


@pytest.fixture(scope='module')
def demand(shared_graph, nodes):
    """Ask for an evaluation, as the trainer does."""
    publishers = {
        name: shared_graph.node.create_publisher(
            UInt8MultiArray, f'/{name}/evaluation/policy', LATCHED
        )
        for name in SETTINGS
    }
    return lambda name, content: publishers[name].publish(bytes_message(content))


@pytest.fixture
def evaluate(shared_graph, folders, demand, export_policy):
    """Ask for an evaluation; return its bag."""

    def evaluate(name, version):
        content = export_policy(version=version)
        demand(name, content)
        path = folders[name].evaluation_bag(version, sha256(content))
        shared_graph.until(path.exists, str(path))
        return read_bag(path)

    return evaluate


def test_the_same_policy_gives_the_same_episodes(evaluate):
    # evaluated in two nodes, with other numbers of environments and threads
    one, other = (evaluate(name, version=3) for name in ('one', 'other'))
    assert len(one.episodes) == len(other.episodes) == 5
    for some, others in zip(one.episodes, other.episodes, strict=True):
        for name in set(some.rows.dtype.names) - {'env', 'episode'}:
            np.testing.assert_array_equal(some.rows[name], others.rows[name])


def test_exactly_that_version_acted_without_noise(evaluate, export_policy):
    bag = evaluate('one', version=4)
    policy = OnnxPolicy(export_policy(version=4), '')
    assert bag.metadata['policy_version'] == '4'
    assert bag.metadata['policy_sha256'] == policy.sha256
    assert bag.left_over == 0
    for episode in bag.episodes:
        assert set(episode.rows['policy_version'][1:].tolist()) == {4}
        goals = episode.achieved_goal[:-1], episode.rows['desired_goal'][:-1]
        # in batches of other sizes onnxruntime adds in another order
        acted = policy.act(episode.observation[:-1], *goals)
        np.testing.assert_allclose(episode.action, acted, atol=1e-5)


def test_another_runs_demand_is_named_and_not_met(
    shared_graph, folders, nodes, evaluate, export_policy
):
    foreign = shared_graph.new_node('foreign').create_publisher(
        UInt8MultiArray, '/one/evaluation/policy', LATCHED
    )
    shared_graph.until(foreign.get_subscription_count, 'the evaluator')
    content = export_policy(version=66)
    foreign.publish(run_policy_message(content, 'f' * 32))
    line = 'another run asks for evaluations'
    shared_graph.until(
        lambda: [each for each in nodes['one'].lines if line in each and '/foreign' in each],
        'a line about the other run',
    )
    assert evaluate('one', 8).metadata['policy_version'] == '8'
    assert not folders['one'].evaluation_bag(66, sha256(content)).exists()


def test_start_states_are_the_same_for_all_versions(evaluate):
    starts = [
        [(e.observation[0].tolist(), e.desired_goal.tolist()) for e in evaluate('one', v).episodes]
        for v in (5, 6)
    ]
    assert starts[0] == starts[1]


def test_what_is_evaluated_already_is_announced_again(shared_graph, folders, evaluate, demand):
    path = evaluate('one', 7).path
    before, hints = path.stat(), []
    shared_graph.node.create_subscription(String, '/one/rollout_recorded', hints.append, HINT)
    shared_graph.until(
        lambda: shared_graph.node.count_publishers('/one/rollout_recorded'), 'hints'
    )
    shared_graph.until(
        lambda: evaluate('one', 7) and hints, 'a hint that names the bag that is there'
    )
    assert {hint.data for hint in hints} == {path.name}
    assert path.stat() == before


def test_a_newer_demand_ends_the_older_one_and_a_stop_ends_any(
    shared_graph, folders, nodes, demand, evaluate, export_policy
):
    name, folder = '/slow/evaluator', folders['slow'].evaluation

    def begin(version):
        demand('slow', export_policy(version=version))
        wanted = f'evaluates version {version}'
        shared_graph.until(lambda: shared_graph.status(name).get('message') == wanted, wanted)

    begin(1)
    newer = evaluate('slow', 2)
    assert list(folder.iterdir()) == [newer.path]
    begin(3)
    nodes['slow'].interrupt()
    assert nodes['slow'].ended() == 0
    assert list(folder.iterdir()) == [newer.path]


@pytest.mark.parametrize('kind', ['damaged', 'foreign'])
def test_what_cannot_be_evaluated_is_refused_and_the_next_one_is_evaluated(
    shared_graph, nodes, demand, evaluate, export_policy, kind
):
    lines = len(nodes['other'].lines)
    bad = export_policy(task='FetchPush') if kind == 'foreign' else b'no policy'
    demand('other', bad)
    shared_graph.until(lambda: len(nodes['other'].lines) > lines, 'a line in the log')
    reason = 'made for FetchPush' if kind == 'foreign' else 'not a readable ONNX file'
    assert reason in nodes['other'].lines[-1]
    assert len(evaluate('other', 9 if kind == 'foreign' else 10).episodes) == 5
