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

import itertools
import os
import re
from socket import gethostname
import time

from her_ros.nodes.messages import run_policy_message
from her_ros.nodes.qos import LATCHED
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.run_folder import RunFolder
from her_ros.wire.rows import IDENTITY
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
import numpy as np
import pytest
from std_msgs.msg import UInt8MultiArray

pytestmark = pytest.mark.nodes


@pytest.fixture(scope='module')
def models(tmp_path_factory, export_policy):
    """Policy files, good and bad, by name."""
    folder = tmp_path_factory.mktemp('models')
    good = export_policy(version=4)
    contents = {
        'good': good,
        'damaged': good[: len(good) // 2],
        'empty': b'',
        'foreign': export_policy(task='FetchPush'),
    }
    paths = {name: folder / f'{name}.onnx' for name in (*contents, 'missing')}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    return paths


@pytest.fixture(scope='module')
def nodes(shared_graph, models):
    """All nodes that the tests share, started at once."""
    lock_step = {'deployment': False, 'accept_policies': True}
    parameters = {
        '/bare': {},
        '/served': {'model': str(models['good'])},
        '/lazy': {'autostart': False, 'model': str(models['good'])},
        '/explore': {'exploration.enabled': True, 'seed': 5},
        '/explore_again': {'exploration.enabled': True, 'seed': 5},
        '/explore_else': {'exploration.enabled': True, 'seed': 5, 'worker': 1},
        '/crowded': {'exploration.enabled': True},
        **{f'/{name}': {'model': str(models[name])} for name in BAD_MODELS},
    }
    return {
        namespace: shared_graph.start('policy', namespace, {**lock_step, **values})
        for namespace, values in parameters.items()
    }


BAD_MODELS = ('missing', 'damaged', 'empty', 'foreign')


@pytest.fixture
def make_partner(shared_graph, nodes, make_state_partner):
    return lambda namespace, node=None: make_state_partner(shared_graph, namespace, node=node)


def identities(rows):
    return [rows[name].tolist() for name in IDENTITY]


@pytest.mark.parametrize('name', BAD_MODELS)
def test_a_bad_model_is_one_line_and_status_2(nodes, models, name):
    assert nodes[f'/{name}'].ended() == 2
    (line,) = nodes[f'/{name}'].lines
    assert line.startswith('her_ros: ')
    assert str(models[name]) in line
    assert name != 'foreign' or 'FetchPush' in line


def test_a_model_acts_without_noise(make_partner, models):
    partner, policy = make_partner('/served'), OnnxPolicy.load(models['good'])
    for step, count in ((0, 2), (1, 7), (2, 1)):
        rows = partner.states(1, step, count)
        answers = partner.ask(rows)
        state = (rows[name] for name in ('observation', 'achieved_goal', 'desired_goal'))
        np.testing.assert_array_equal(answers['action'], policy.act(*state))
        assert identities(answers) == identities(rows)
        assert set(answers['policy_version'].tolist()) == {4}


def test_last_states_and_states_that_cannot_be_get_no_answer(make_partner, nodes):
    partner = make_partner('/served')
    partner.ask(partner.states(1, 0))
    last, wrong, right = partner.states(1, 1), partner.states(1, 2), partner.states(1, 2)
    last['truncated'] = True
    wrong['observation'][0, 3] = np.nan
    partner.send(last)
    partner.send(wrong)
    answers = partner.ask(right)
    assert identities(answers) == identities(right)
    assert [line for line in nodes['/served'].lines if 'observation of env 0, episode 1' in line]


def test_repeated_states_get_the_same_answer(make_partner):
    partner = make_partner('/explore')
    first, second = partner.states(1, 0), partner.states(1, 1)
    answers = [partner.ask(rows) for rows in (first, first, second, second)]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[2], answers[3])
    assert (answers[0]['action'] != answers[2]['action']).all()


def test_noise_derives_from_seed_and_worker(make_partner):
    rounds = []
    for namespace in ('/explore', '/explore_again', '/explore_else'):
        partner = make_partner(namespace)
        # The node may have acted before: rollouts of one environment until a common state.
        rounds.append([partner.ask(partner.states(1, step, 1))['action'] for step in range(20)])
    one, again, other = (np.concatenate(actions) for actions in rounds)
    assert np.abs(one).max() <= 1.0
    assert not np.isin(one, other).any()
    # what the first node drew for other tests comes first
    assert np.isin(one[:5], again).all() or np.isin(again[:5], one).all()


def test_nothing_is_answered_before_there_is_a_policy(shared_graph, make_partner, export_policy):
    partner = make_partner('/bare')
    partner.send(partner.states(1, 0))
    status = shared_graph.new_status('/bare/policy')
    assert (status['waits_for'], status['level']) == ('a policy', '1')
    partner.offer(export_policy(version=3))
    assert partner.ask(partner.states(1, 0))['policy_version'].tolist() == [3, 3]
    assert len(partner.received) == 1  # nothing came for the first try
    status = shared_graph.new_status('/bare/policy')
    assert (status['message'], status['level'], status['policy_version']) == ('acting', '0', '3')


def test_policies_change_between_rollouts_only(make_partner, export_policy):
    partner = make_partner('/bare')
    versions = []
    contents = {version: export_policy(version=version, seed=version) for version in (1, 2, 3)}
    for version in (1, 2, 3):
        for step in range(10):
            if step == 3 or (version == 1 and not step):
                partner.offer(contents[min(version + (step == 3), 3)])
            rows = partner.states(version, step)
            answers = partner.ask(rows)
            versions.append(int(answers['policy_version'][0]))
            expected = OnnxPolicy(contents[version], '').act(
                rows['observation'], rows['achieved_goal'], rows['desired_goal']
            )
            np.testing.assert_array_equal(answers['action'], expected)
    assert versions == [1] * 10 + [2] * 10 + [3] * 10


@pytest.mark.parametrize('kind', ['foreign', 'damaged'])
def test_a_policy_that_cannot_act_is_refused_and_the_old_one_stays(
    shared_graph, make_partner, export_policy, models, nodes, kind
):
    partner = make_partner('/bare')
    partner.offer(export_policy(version=20))
    assert partner.ask(partner.states(1, 0))['policy_version'].tolist() == [20, 20]
    partner.offer(models[kind].read_bytes())
    for step in range(3):
        assert partner.ask(partner.states(2, step))['policy_version'].tolist() == [20, 20]
    status = shared_graph.new_status('/bare/policy')
    reason = 'made for FetchPush' if kind == 'foreign' else 'not a readable ONNX file'
    assert status['level'] == '1'
    assert reason in status['message']
    assert any('[ERROR]' in line for line in nodes['/bare'].lines)
    # the next good one ends the complaint
    partner.offer(export_policy(version=21))
    assert partner.ask(partner.states(3, 0))['policy_version'].tolist() == [21, 21]
    assert shared_graph.new_status('/bare/policy')['message'] == 'acting'


@pytest.fixture
def lifecycle(shared_graph):
    def change(transition):
        return shared_graph.call(
            ChangeState, '/lazy/policy/change_state', transition=Transition(id=transition)
        ).success

    def state():
        return shared_graph.call(GetState, '/lazy/policy/get_state').current_state.label

    return change, state


def test_a_lifecycle_node_acts_only_while_it_is_active(make_partner, lifecycle, nodes):
    partner, (change, state) = make_partner('/lazy'), lifecycle
    steps = itertools.count()

    def answers_something():
        """Ask; a service call afterwards comes back once the question was dealt with."""
        if not partner.publisher.get_subscription_count():
            return False
        count = len(partner.received)
        partner.send(partner.states(1, next(steps)))
        state()
        state()
        return len(partner.received) > count

    assert state() == 'unconfigured'
    assert not answers_something()
    assert change(Transition.TRANSITION_CONFIGURE)
    assert state() == 'inactive'
    assert not answers_something()
    for _ in range(2):
        assert change(Transition.TRANSITION_ACTIVATE)
        assert state() == 'active'
        partner.ask(partner.states(1, next(steps)))
        assert change(Transition.TRANSITION_DEACTIVATE)
        assert not answers_something()
        assert change(Transition.TRANSITION_CLEANUP)
        assert state() == 'unconfigured'
        assert not answers_something()
        assert change(Transition.TRANSITION_CONFIGURE)
    assert change(Transition.TRANSITION_ACTIVATE)
    partner.ask(partner.states(1, next(steps)))
    assert change(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert state() == 'finalized'
    assert not answers_something()
    told = re.findall('lifecycle: (.*)', nodes['/lazy'].output)
    twice = ['active, was inactive', 'inactive, was active', 'unconfigured, was inactive']
    start = 'inactive, was unconfigured'
    assert told == [start, *twice, start, *twice, start, twice[0], 'finalized, was active']


def test_a_second_environment_is_named_and_the_first_one_is_answered(
    shared_graph, make_partner, nodes
):
    one, other = (
        make_partner('/crowded', shared_graph.new_node(name)) for name in ('left', 'right')
    )
    for step in range(12):
        one.ask(one.states(1, step))
    steps, line = itertools.count(12), 'another environment sends and is not answered'

    def named():
        step = next(steps)
        other.send(other.states(1, step))
        assert one.ask(one.states(1, step))['session'].tolist() == [one.session] * 2
        shared_graph.spin(0.05)
        return any(line in each for each in nodes['/crowded'].lines)

    shared_graph.until(named, 'a line about the second environment')
    (told,) = [each for each in nodes['/crowded'].lines if line in each]
    assert f'/left (pid {os.getpid()}) and /right (pid {os.getpid()})' in told
    assert {int(rows['session'][0]) for rows in other.received} == {one.session}
    status = shared_graph.new_status('/crowded/policy')
    assert int(status['foreign_steps']) > 10
    assert (status['level'], line in status['message']) == ('1', True)
    assert (status['host'], int(status['pid'])) == (gethostname(), nodes['/crowded'].popen.pid)


def test_policies_of_another_run_are_named_and_not_taken(
    graph, tmp_path, export_policy, make_state_partner
):
    folder = RunFolder(tmp_path / 'run')
    folder.create()
    graph.start(
        'policy', '/run',
        {'run_dir': str(folder.path), 'deployment': False, 'accept_policies': True},
    )  # fmt: skip
    pid = os.getpid()
    publishers = [
        graph.new_node(name).create_publisher(UInt8MultiArray, '/run/policy', LATCHED)
        for name in ('own', 'foreign')
    ]
    messages = [
        run_policy_message(export_policy(version=version), run)
        for version, run in ((3, folder.identity), (9, 'f' * 32))
    ]

    def named():
        for publisher, message in zip(publishers, messages, strict=True):
            publisher.publish(message)
            # A subscription of depth 1 keeps only the later one of two that come together.
            time.sleep(0.1)
            graph.spin()
        message = graph.status('/run/policy').get('message', '')
        return all(
            text in message
            for text in (
                'another run sends policies',
                f'/own (pid {pid})',
                f'/foreign (pid {pid})',
            )
        )

    graph.until(named, 'a complaint that names both')
    status = graph.status('/run/policy')
    assert status['policy_version'] == '0'  # no rollout has begun
    partner = make_state_partner(graph, '/run')
    assert partner.ask(partner.states(1, 0))['policy_version'].tolist() == [3, 3]


def test_either_side_may_die_in_mid_rollout(graph, tmp_path, make_env_partner):
    RunFolder(tmp_path / 'run').create()
    shared = {'run_dir': str(tmp_path / 'run'), 'action_timeout_s': 0.2}
    env_parameters = {**shared, 'num_envs': 2, 'follow_collection_enabled': False}
    policy_parameters = {
        'run_dir': shared['run_dir'],
        'exploration.enabled': True,
        'deployment': False,
    }
    env = graph.start('sim_env', '/run', env_parameters)
    policy = graph.start('policy', '/run', policy_parameters)
    watcher = make_env_partner(graph, '/run', 'FetchReach')

    def in_mid_rollout():
        return 5 < watcher.rows['step'][0] < 40

    graph.until(in_mid_rollout, 'a rollout')
    policy.kill()
    stuck = watcher.repeated()
    while (watcher.repeated()['step'] != stuck['step']).any():
        stuck = watcher.received[-1]
    policy = graph.start('policy', '/run', policy_parameters)
    graph.until(lambda: watcher.rows['episode'][0] > stuck['episode'][0], 'the next rollout')
    assert (watcher.rows['session'] == stuck['session']).all()

    graph.until(in_mid_rollout, 'a rollout')
    env.kill()
    env = graph.start('sim_env', '/run', env_parameters)
    graph.until(
        lambda: watcher.rows['session'][0] != stuck['session'][0] and in_mid_rollout(),
        'a rollout of the new session',
    )
    assert policy.popen.poll() is None
    sessions = {}
    for rows in watcher.received:
        seen = sessions.setdefault(int(rows['session'][0]), {})
        seen[int(rows['episode'][0]), int(rows['step'][0])] = rows
    assert len(sessions) == 2
    for seen in sessions.values():
        # nothing between the first and the last state is missing
        (first, begin), (last, end) = min(seen), max(seen)
        wanted = [(e, s) for e in range(first, last + 1) for s in range(51)]
        assert sorted(seen) == [key for key in wanted if (first, begin) <= key <= (last, end)]
    old, new = sessions.values()
    # the new start repeats no start state of the old one
    assert (new[min(new)]['desired_goal'] != old[min(old)]['desired_goal']).all()
