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
import signal
import threading
import time

from her_ros.nodes.qos import LOCK_STEP, with_deadline
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.wire.cloud import encode_cloud
from her_ros.wire.rows import IDENTITY
from her_ros.wire.topics import ACTION, STEP
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2

pytestmark = [pytest.mark.nodes, pytest.mark.real_time]


@pytest.fixture(scope='module')
def nodes(start_policies, models, calm):
    """All nodes that the tests share, started at once."""
    good = {'model': str(models['good'])}
    prompt = {**calm, 'watchdog.deadline_s': 0.3}
    parameters = {
        '/calm': {**calm, **good, 'realtime.collect_between_steps': True},
        '/manual': {**calm, 'autostart': False},
        '/prompt': {**prompt, **good},
        '/latched': {**prompt, **good, 'watchdog.recovery': 'latched'},
        '/interrupted': {**calm, **good},
        '/terminated': {**calm, **good},
        '/promised': {
            **calm,
            **good,
            'watchdog.request_deadline': True,
            'watchdog.deadline_s': 1.0,
        },
        '/empty': {},
        '/nowhere': {**good, 'realtime.cpu_affinity': [1023]},
    }
    return start_policies(parameters)


@pytest.fixture
def make_partner(shared_graph, nodes, make_state_partner):
    return lambda namespace: make_state_partner(shared_graph, namespace)


@pytest.fixture
def change(shared_graph):
    """Ask a node for a transition; tell whether it succeeded."""

    def ask(namespace, transition):
        return shared_graph.call(
            ChangeState,
            f'{namespace}/policy/change_state',
            transition=Transition(id=transition),
        ).success

    return ask


@pytest.fixture
def state_of(shared_graph):
    return lambda namespace: (
        shared_graph.call(GetState, f'{namespace}/policy/get_state').current_state.label
    )


def is_safe(answers):
    return not answers['action'].any() and not answers['policy_version'].any()


def identities(rows):
    return [rows[name].tolist() for name in IDENTITY]


@pytest.mark.parametrize(
    ('namespace', 'named'), [('/empty', 'model is empty'), ('/nowhere', 'realtime.cpu_affinity')]
)
def test_an_automatic_start_that_fails_is_one_line_and_status_2(nodes, namespace, named):
    assert nodes[namespace].ended() == 2
    (line,) = nodes[namespace].lines
    assert line.startswith('her_ros: ')
    assert named in line


def test_configuring_needs_a_good_model_and_can_be_tried_again(
    shared_graph, make_partner, nodes, change, state_of, set_model, models
):
    def errors():
        return len([line for line in nodes['/manual'].lines if '[ERROR]' in line])

    configure = Transition.TRANSITION_CONFIGURE
    assert not change('/manual', configure)
    assert state_of('/manual') == 'unconfigured'
    assert errors() == 1
    assert 'model is empty' in nodes['/manual'].output
    for count, name in enumerate(('damaged', 'foreign', 'missing'), start=2):
        # nothing acts yet, so the value is taken; configuring looks at it
        assert not set_model(shared_graph, '/manual', models[name])
        assert not change('/manual', configure)
        assert errors() == count
        assert str(models[name]) in nodes['/manual'].lines[-1]
    assert str(models['missing']) in shared_graph.new_status('/manual/policy')['message']
    set_model(shared_graph, '/manual', models['good'])
    assert change('/manual', configure)
    assert state_of('/manual') == 'inactive'
    described = OnnxPolicy.load(models['good']).describe()
    assert any(described in line for line in nodes['/manual'].lines)
    status = shared_graph.new_status('/manual/policy')
    assert (status['state'], status['level']) == ('inactive', '1')
    assert change('/manual', Transition.TRANSITION_ACTIVATE)
    partner = make_partner('/manual')
    assert not is_safe(partner.ask(partner.states(1, 0)))
    # an invalid transition is refused, and everything goes on
    assert not change('/manual', configure)
    assert not change('/manual', 99)
    assert not is_safe(partner.ask(partner.states(1, 1)))
    assert change('/manual', Transition.TRANSITION_DEACTIVATE)
    assert change('/manual', Transition.TRANSITION_CLEANUP)
    assert shared_graph.new_status('/manual/policy')['policy_sha256'] == ''
    shared_graph.until(lambda: not partner.publisher.get_subscription_count(), 'a farewell')


def test_fresh_observations_are_acted_upon_and_measured(shared_graph, make_partner, models):
    partner, policy = make_partner('/calm'), OnnxPolicy.load(models['good'])
    for step in range(60):
        rows = partner.states(1, step)
        answers = partner.ask(rows)
        state = (rows[name] for name in ('observation', 'achieved_goal', 'desired_goal'))
        np.testing.assert_array_equal(answers['action'], policy.act(*state))
        assert identities(answers) == identities(rows)
    status = shared_graph.new_status('/calm/policy')
    assert (status['message'], status['level'], status['state']) == ('acting', '0', 'acting')
    assert (status['policy_version'], status['policy_sha256']) == ('4', policy.sha256)
    assert 0 < float(status['latency_p50_ms']) <= float(status['latency_p99_ms']) < 5000
    assert float(status['answers_per_s']) >= 0
    for counter in ('missed_deadlines', 'stale', 'interventions', 'interventions_workspace'):
        assert status[counter] == '0'


def test_a_deactivation_brings_the_safe_action(make_partner, change):
    partner = make_partner('/calm')
    rows = partner.states(2, 7)
    partner.ask(rows)
    count = len(partner.received)
    assert change('/calm', Transition.TRANSITION_DEACTIVATE)
    (stop,) = partner.received[count:]
    assert is_safe(stop)
    assert identities(stop) == identities(rows)
    assert change('/calm', Transition.TRANSITION_ACTIVATE)
    assert not is_safe(partner.ask(partner.states(2, 8)))
    # between episodes nothing has to be stopped
    partner.send(partner.states(2, 9, truncated=True))
    count = len(partner.received)
    assert change('/calm', Transition.TRANSITION_DEACTIVATE)
    assert len(partner.received) == count
    assert change('/calm', Transition.TRANSITION_ACTIVATE)


@pytest.mark.parametrize(
    ('namespace', 'number'), [('/interrupted', signal.SIGINT), ('/terminated', signal.SIGTERM)]
)
def test_the_last_word_of_an_interrupted_node_is_the_safe_action(
    nodes, make_partner, shared_graph, namespace, number
):
    partner, stop = make_partner(namespace), threading.Event()

    def fall_silent_at_the_end():
        # states go on coming while the node ends
        for step in itertools.count(1):
            if stop.wait(0.005):
                return
            partner.publisher.publish(encode_cloud(partner.states(1, step), time.time_ns()))

    partner.ask(partner.states(1, 0))
    thread = threading.Thread(target=fall_silent_at_the_end)
    thread.start()
    try:
        shared_graph.until(lambda: len(partner.received) > 20, 'an episode')
        nodes[namespace].popen.send_signal(number)
        shared_graph.until(lambda: nodes[namespace].popen.poll() is not None, 'an end')
    finally:
        stop.set()
        thread.join()
    shared_graph.until(lambda: is_safe(partner.received[-1]), 'the safe action')
    assert nodes[namespace].ended() == 0
    assert [is_safe(each) for each in partner.received].count(True) == 1


def test_silence_stops_and_a_fresh_observation_resumes(shared_graph, make_partner):
    partner = make_partner('/prompt')
    rows = partner.states(1, 0)
    assert not is_safe(partner.ask(rows))
    asked = time.monotonic()
    shared_graph.until(lambda: is_safe(partner.received[-1]), 'the safe action')
    assert time.monotonic() - asked > 0.2
    assert identities(partner.received[-1]) == identities(rows)
    status = shared_graph.new_status('/prompt/policy')
    assert (status['state'], status['level'], status['missed_deadlines']) == ('stopped', '2', '1')
    assert status['message'].startswith('stopped until a fresh observation')
    count = len(partner.received)
    shared_graph.until(lambda: len(partner.received) >= count + 5, 'more safe actions')
    partner.send(partner.states(1, 1))
    shared_graph.until(lambda: not is_safe(partner.received[-1]), 'an action')
    partner.send(partner.states(1, 2, truncated=True))
    assert shared_graph.new_status('/prompt/policy')['level'] == '0'


def test_latched_means_until_the_next_activation(shared_graph, make_partner, change):
    partner = make_partner('/latched')
    assert not is_safe(partner.ask(partner.states(1, 0)))
    shared_graph.until(lambda: is_safe(partner.received[-1]), 'the safe action')
    status = shared_graph.new_status('/latched/policy')
    assert (status['state'], status['level']) == ('latched', '2')
    for step in range(1, 5):
        rows = partner.states(1, step)
        partner.send(rows)
        shared_graph.until(
            lambda r=rows: identities(partner.received[-1]) == identities(r), 'an answer'
        )
        assert is_safe(partner.received[-1])
    assert change('/latched', Transition.TRANSITION_DEACTIVATE)
    assert change('/latched', Transition.TRANSITION_ACTIVATE)
    assert not is_safe(partner.ask(partner.states(1, 9)))
    partner.send(partner.states(1, 10, truncated=True))


def test_what_is_not_finite_stops_at_once(shared_graph, make_partner):
    partner = make_partner('/calm')
    rows, wrong = partner.states(3, 0), partner.states(3, 1)
    wrong['observation'][0, 3] = np.nan
    assert not is_safe(partner.ask(rows))
    count = len(partner.received)
    partner.send(wrong)
    # What comes next names the last fresh observation, as it answers none.
    shared_graph.until(lambda: len(partner.received) > count, 'the safe action')
    stop = partner.received[count]
    assert is_safe(stop)
    assert identities(stop) == identities(rows)
    status = shared_graph.new_status('/calm/policy')
    assert (status['state'], status['faults']) == ('stopped', '1')
    assert 'observation of env 0, episode 3, step 1' in status['message']
    partner.send(partner.states(3, 2))
    shared_graph.until(lambda: not is_safe(partner.received[-1]), 'an action')
    assert shared_graph.new_status('/calm/policy')['message'] == 'acting'


def test_stamps_that_cannot_be_fresh_are_refused_and_counted(shared_graph, nodes, make_partner):
    partner = make_partner('/calm')
    partner.ask(partner.states(4, 0))
    before = shared_graph.new_status('/calm/policy')
    count = len(partner.received)
    for episode, step, age_s in ((4, 1, -3600.0), (3, 9, 0.0), (4, 2, 3600.0)):
        stamp_ns = time.time_ns() - round(1e9 * age_s)
        partner.publisher.publish(encode_cloud(partner.states(episode, step), stamp_ns))
    after = shared_graph.until(
        lambda: (
            '3600.0' in shared_graph.new_status('/calm/policy')['message']
            and shared_graph.status('/calm/policy')
        ),
        'a refusal',
    )
    for counter in ('future', 'jumped_back', 'out_of_order'):
        assert int(after[counter]) == int(before[counter]) + 1, counter
    assert len(partner.received) == count
    assert after['level'] == '1'
    assert not is_safe(partner.ask(partner.states(4, 5)))
    partner.send(partner.states(4, 6, truncated=True))


def test_a_requested_deadline_must_be_offered(shared_graph, nodes, make_partner):
    silent = make_partner('/promised')
    topic = f'/promised/{STEP}'
    shared_graph.until(lambda: shared_graph.node.count_subscribers(topic), 'the node')
    publisher = shared_graph.node.create_publisher(
        PointCloud2, topic, with_deadline(LOCK_STEP, 0.5)
    )
    shared_graph.until(publisher.get_subscription_count, 'a subscriber')
    assert silent.publisher.get_subscription_count() == 0
    # and what the node offers fits who asks for it
    received = []
    shared_graph.node.create_subscription(
        PointCloud2,
        f'/promised/{ACTION}',
        received.append,
        with_deadline(LOCK_STEP, 2.0),
        raw=True,
    )

    def answered():
        publisher.publish(encode_cloud(silent.states(1, next(steps)), time.time_ns()))
        return received

    steps = itertools.count()
    shared_graph.until(answered, 'an answer')
