import itertools
import signal
import threading
import time

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import PointCloud2
from std_srvs.srv import Trigger

from her_ros.core.cloud import encode_cloud
from her_ros.core.files import sha256
from her_ros.core.rows import IDENTITY
from her_ros.core.topics import ACTION, POLICY, STEP
from her_ros.deploy.policy import OnnxPolicy
from her_ros.nodes.messages import policy_message
from her_ros.nodes.qos import LATCHED, LOCK_STEP, with_deadline

pytestmark = pytest.mark.nodes

ANYWHERE = [-100.0] * 3 + [100.0] * 3
#: bounds that leave an action as it is, and deadlines that a busy machine keeps
CALM = {
    'workspace': ANYWHERE,
    'max_action_change': 2.0,
    'max_action_acceleration': 4.0,
    'ramp_s': 0.0,
    'deadline_s': 10.0,
}


@pytest.fixture(scope='module')
def key():
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope='module')
def models(tmp_path_factory, export_policy, key):
    """Policy files by name, the public key among them."""
    folder = tmp_path_factory.mktemp('models')
    good = export_policy(version=4)
    contents = {
        'good': good,
        'better': export_policy(version=5, seed=5),
        'damaged': good[: len(good) // 2],
        'foreign': export_policy(task='FetchPush'),
        'signed': good,
    }
    paths = {name: folder / f'{name}.onnx' for name in (*contents, 'missing')}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    paths['signed'].with_name('signed.onnx.sig').write_bytes(key.sign(good))
    paths['key'] = folder / 'key.pem'
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    paths['key'].write_bytes(pem)
    return paths


@pytest.fixture(scope='module')
def nodes(shared_graph, models):
    """All nodes that the tests share, started at once."""
    good = {'model': str(models['good'])}
    signed = {'model': str(models['signed']), 'verify_key': str(models['key'])}
    prompt = {**CALM, 'deadline_s': 0.3}
    parameters = {
        '/calm': {**CALM, **good, 'collect_between_steps': True},
        '/manual': {**CALM, 'autostart': False},
        '/prompt': {**prompt, **good},
        '/latched': {**prompt, **good, 'recovery': 'latched'},
        '/interrupted': {**CALM, **good},
        '/terminated': {**CALM, **good},
        '/taught': {**CALM, 'accept_policies': True},
        '/strict': {**CALM, **signed, 'accept_policies': True},
        '/promised': {**CALM, **good, 'request_deadline': True, 'deadline_s': 1.0},
        '/empty': {},
        '/unsigned': {**good, 'verify_key': str(models['key'])},
        '/nowhere': {**good, 'cpu_affinity': [1023]},
        '/other_file': {**good, 'model_sha256': 'f' * 64},
    }
    return {
        namespace: shared_graph.start('policy', namespace, values)
        for namespace, values in parameters.items()
    }


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


@pytest.fixture
def set_model(shared_graph, models):
    """Set the parameter model of a node; return why not, or nothing."""

    def ask(namespace, name, **more):
        values = {'model': str(models[name]), **more}
        parameters = [
            Parameter(
                name=key,
                value=ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=value),
            )
            for key, value in values.items()
        ]
        service = f'{namespace}/policy/set_parameters'
        *_, result = shared_graph.call(SetParameters, service, parameters=parameters[::-1]).results
        assert result.successful != bool(result.reason)
        return result.reason

    return ask


def is_safe(answers):
    return not answers['action'].any() and not answers['policy_version'].any()


def identities(rows):
    return [rows[name].tolist() for name in IDENTITY]


@pytest.mark.parametrize(
    ('namespace', 'named'),
    [
        ('/empty', 'model is empty'),
        ('/unsigned', 'good.onnx'),
        ('/other_file', 'good.onnx'),
        ('/nowhere', 'cpu_affinity'),
    ],
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
        assert not set_model('/manual', name)
        assert not change('/manual', configure)
        assert errors() == count
        assert str(models[name]) in nodes['/manual'].lines[-1]
    assert str(models['missing']) in shared_graph.new_status('/manual/policy')['message']
    set_model('/manual', 'good')
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


def test_policies_from_the_topic_are_not_even_listened_to(shared_graph, nodes, make_partner):
    make_partner('/calm').ask(make_partner('/calm').states(1, 0))
    assert shared_graph.node.count_subscribers('/calm/policy') == 0
    assert shared_graph.node.count_subscribers('/calm/step') == 1


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


def test_silence_stops_and_a_fresh_observation_goes_on(shared_graph, make_partner):
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
        assert str(models[name]) in set_model('/calm', name)
        status = shared_graph.new_status('/calm/policy')
        assert str(models[name]) in status['message']
        assert status['level'] == '1'
        assert version(1, 1 + len(name)) == {4}
    assert not swap_now().success
    assert 'sha-256' in set_model('/calm', 'better', model_sha256='f' * 64).lower()
    right = sha256(models['better'].read_bytes())
    assert not set_model('/calm', 'better', model_sha256=right)
    assert version(1, 20) == {4}
    assert shared_graph.new_status('/calm/policy')['message'] == 'acting'
    assert version(2, 0) == {5}
    assert not set_model('/calm', 'good', model_sha256='')
    assert version(2, 1) == {5}
    response = swap_now()
    assert response.success
    assert response.message == OnnxPolicy.load(models['good']).describe()
    assert version(2, 2) == {4}


def offered(graph, namespace, message):
    """Publish a policy message, and see that it arrives."""
    publisher = graph.node.create_publisher(type(message), f'{namespace}/{POLICY}', LATCHED)
    graph.until(publisher.get_subscription_count, 'a subscriber of policies')
    publisher.publish(message)
    graph.acked(publisher)
    graph.node.destroy_publisher(publisher)


def test_a_policy_from_the_topic_acts_where_that_is_asked_for(shared_graph, make_partner, models):
    assert shared_graph.new_status('/taught/policy')['waits_for'] == 'a policy'
    offered(shared_graph, '/taught', policy_message(models['better'].read_bytes()))
    partner = make_partner('/taught')
    assert partner.ask(partner.states(1, 0))['policy_version'].tolist() == [5, 5]


def test_with_a_key_only_signed_policies_act(shared_graph, make_partner, models, key):
    partner, content = make_partner('/strict'), models['better'].read_bytes()
    other_key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    for episode, signature in enumerate((b'', other_key.sign(content), bytes(64)), start=1):
        offered(shared_graph, '/strict', policy_message(content, signature))
        assert partner.ask(partner.states(episode, 0))['policy_version'].tolist() == [4, 4]
        status = shared_graph.new_status('/strict/policy')
        assert 'policy topic' in status['message']
        assert status['level'] == '1'
    offered(shared_graph, '/strict', policy_message(content, key.sign(content)))
    assert partner.ask(partner.states(9, 0))['policy_version'].tolist() == [5, 5]
    assert shared_graph.new_status('/strict/policy')['message'] == 'acting'


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
