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
import time

from geometry_msgs.msg import PointStamped
from her_ros.nodes.guarded_node import ONE_BY_ONE_S
from her_ros.nodes.qos import COMMAND, LATCHED, LOCK_STEP
from her_ros.runtime.seeds import integer_seed, SIM_ENV_ROLE
from her_ros.sim.registry import simulation_of
from her_ros.sim.rollout import Rollout
from her_ros.tasks.registry import task_named
from her_ros.wire.cloud import encode_cloud
from her_ros.wire.rows import action_dtype, IDENTITY
import numpy as np
from numpy.lib import recfunctions
import pytest
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Bool
from std_srvs.srv import SetBool, Trigger

pytestmark = pytest.mark.nodes

REACH = {
    'task': 'FetchReach',
    'num_envs': 2,
    'action_timeout_s': 0.3,
    'follow_collection_enabled': False,
}
PICK = {**REACH, 'task': 'FetchPickAndPlace', 'num_envs': 3, 'seed': 11, 'worker': 4}
HAND = {**PICK, 'task': 'gym:HandReach-v3', 'num_envs': 2}
NAN, NO_ACTION, THREE_VALUES, CUT = '/nan', '/no_action', '/three_values', '/cut'
NODES = {
    '/pick': PICK,
    '/hand': HAND,
    '/reach': REACH,
    '/turns': {**REACH, 'num_envs': 16},
    '/demand': {**REACH, 'follow_collection_enabled': True},
    **{name: REACH for name in (NAN, NO_ACTION, THREE_VALUES, CUT)},
}


@pytest.fixture(scope='module')
def reach(make_sim_partner):
    """Partner of a node whose state may be anything: tests begin with the next rollout."""
    return make_sim_partner('/reach')


@pytest.mark.parametrize('name', ['/pick', '/hand'])
def test_steps_equal_an_in_process_rollout(make_sim_partner, name):
    partner, p = make_sim_partner(name), NODES[name]
    task = task_named(p['task'])
    generator = np.random.default_rng(1)
    seed = integer_seed(p['seed'], SIM_ENV_ROLE, p['worker'], 0)
    batch = simulation_of(task, [seed + i for i in range(p['num_envs'])])
    session = partner.rows['session'][0]
    rollout = Rollout(task, batch, int(session))
    rollout.start()
    for _ in range(120):  # over two ends of rollouts
        np.testing.assert_array_equal(partner.rows, rollout.rows)
        if rollout.finished:
            partner.next_rollout()
            rollout.start()
            continue
        actions = generator.uniform(-2, 2, (len(batch), task.action_size)).astype(np.float32)
        rollout.accept(partner.answers(actions))
        rollout.advance()
        reached = partner.step(actions)
        if not rollout.finished:
            np.testing.assert_array_equal(reached['action'], np.clip(actions, -1, 1))
    assert rollout.episode == 3


class HalvesPartner:
    """Answers each half of the environments by itself."""

    def __init__(self, graph, partner):
        self._graph, self._partner = graph, partner

    def newest(self, first_env):
        """Return the present state of the half that begins with this environment."""
        return next(r for r in reversed(self._partner.received) if r['env'][0] == first_env)

    def step(self, first_env):
        """Answer one half; return its next state."""
        rows = self.newest(first_env)
        answers = np.zeros(len(rows), action_dtype(self._partner.task))
        for name in IDENTITY:
            answers[name] = rows[name]
        self._partner.send(answers)
        self._graph.until(
            lambda: self.newest(first_env)['step'][0] != rows['step'][0], f'half {first_env}'
        )
        return self.newest(first_env)


@pytest.fixture
def halves(shared_graph, make_sim_partner):
    """Both halves of a node, at the first state of a new rollout."""
    partner = make_sim_partner('/turns')
    response = shared_graph.call(Trigger, '/turns/sim_env/reset')
    assert response.success
    begun = [lambda env=env: begins_with(partner.received[-2:], env) for env in (0, 8)]
    shared_graph.until(lambda: all(each() for each in begun), 'both halves of a new rollout')
    return HalvesPartner(shared_graph, partner)


def begins_with(messages, env):
    return any(rows['env'][0] == env and not rows['step'].any() for rows in messages)


def test_the_two_halves_end_their_rollout_together(halves):
    episode = halves.newest(0)['episode'][0]
    for step in range(1, 51):
        assert (halves.step(0)['step'] == step).all()
    assert halves.newest(0)['truncated'].all()
    assert halves.newest(0)['env'].tolist() == list(range(8))
    assert halves.newest(8)['env'].tolist() == list(range(8, 16))
    for _ in range(49):
        assert (halves.step(8)['episode'] == episode).all()
        assert (halves.newest(0)['episode'] == episode).all()  # no new one before both ended
    halves.step(8)
    halves._graph.until(
        lambda: all(halves.newest(env)['episode'][0] == episode + 1 for env in (0, 8)),
        'the next rollout of both',
    )


def test_a_half_without_an_answer_is_sent_again_while_the_other_moves_on(halves):
    waiting, received = halves.newest(8), halves._partner.received
    count, deadline = len(received), time.monotonic() + 3 * REACH['action_timeout_s']
    while time.monotonic() < deadline and halves.newest(0)['step'][0] < 45:
        halves.step(0)
        time.sleep(0.02)
    again = [rows for rows in received[count:] if rows['env'][0] == 8]
    assert len(again) >= 2
    for rows in again:
        np.testing.assert_array_equal(rows, waiting)
    assert (halves.step(8)['step'] == 1).all()


def test_unanswered_states_are_sent_again_after_the_timeout(reach):
    first = reach.next_rollout()
    count = len(reach.received)
    begin = reach.sent_at[-1]
    for _ in range(3):
        np.testing.assert_array_equal(reach.repeated(), first)
    assert reach.sent_at[count + 2] - begin > 3 * 0.95 * REACH['action_timeout_s']
    assert reach.step(0.5)['step'].tolist() == [1, 1]


def test_doubled_actions_move_once(reach):
    reach.next_rollout()
    count = len(reach.received)
    for step in range(1, 6):
        state = reach.exchange(reach.answers(0.1 * step), *[reach.answers(-1.0)] * 2)
        assert state['step'].tolist() == [step, step]
        np.testing.assert_allclose(state['action'], 0.1 * step)
    assert {int(rows['step'][0]) for rows in reach.received[count:]} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ('name', 'shift'),
    [('session', 1), ('episode', -1), ('episode', 1), ('step', -1), ('step', 1), ('env', 2)],
)
def test_answers_to_anything_but_the_present_state_are_ignored(reach, name, shift):
    if reach.rows['step'][0] > 40 or not reach.rows['step'][0]:
        reach.next_rollout()
        reach.step(0.0)
    stale, step = reach.answers(-0.9), reach.rows['step'][0]
    stale[name] += np.uint32(shift % 2**32)
    state = reach.exchange(stale, stale, reach.answers(0.2))
    assert (state['step'] == step + 1).all()
    np.testing.assert_allclose(state['action'], 0.2)


def test_halves_may_take_turns(reach):
    reach.next_rollout()
    actions = np.array([[0.1] * 4, [0.2] * 4], np.float32)
    answers = reach.answers(actions)
    reach.send(answers[1:])
    for _ in range(2):  # with one half alone the env stays where it is
        assert reach.repeated()['step'].tolist() == [0, 0]
    state = reach.exchange(answers[:1])
    assert state['step'].tolist() == [1, 1]
    np.testing.assert_array_equal(state['action'], actions)


def test_someone_elses_layout_of_actions_is_understood(reach):
    reach.next_rollout()
    answers = reach.answers(0.25, version=3)
    numbers = [(name, 'u4') for name in ('step', 'session', 'episode')]
    layout = [('note', 'u1'), ('action', 'f8', (4,)), *numbers, ('env', 'u1')]
    other = np.zeros(2, [*layout, ('policy_version', 'u2')])
    recfunctions.assign_fields_by_name(other[::-1], answers, zero_unassigned=False)
    state = reach.exchange(other)
    np.testing.assert_array_equal(state['action'], np.full((2, 4), 0.25))
    assert state['policy_version'].tolist() == [3, 3]


def _without(answers, name):
    return recfunctions.drop_fields(answers, name, usemask=False)


def _with_nan(answers):
    answers = answers.copy()
    answers['action'][1, 3] = np.nan
    return answers


def _three_values(answers):
    fields = [(n, answers.dtype[n].base, answers.dtype[n].shape) for n in answers.dtype.names]
    fields = [(n, kind, (3,) if n == 'action' else shape) for n, kind, shape in fields]
    return np.zeros(len(answers), fields)


@pytest.mark.parametrize(
    ('name', 'spoil', 'message'),
    [
        (NAN, _with_nan, 'action of env 1, episode 1, step 0 is'),
        (NO_ACTION, lambda answers: _without(answers, 'action'), "['action'] are missing"),
        (THREE_VALUES, _three_values, 'action has 3 values per row; expected 4'),
        (CUT, lambda answers: encode_cloud(answers, 1)[:-40], 'is cut short'),
    ],
)
def test_a_wrong_action_is_one_line_and_the_env_goes_on(
    make_sim_partner, sim_envs, name, spoil, message
):
    partner = make_sim_partner(name)
    assert not partner.rows['step'].any()
    right = partner.answers(0.3)
    state = partner.exchange(spoil(right), spoil(right), right)
    assert state['step'].tolist() == [1, 1]
    np.testing.assert_allclose(state['action'], 0.3)
    (line,) = (line for line in sim_envs[name].lines if '[WARN]' not in line)
    assert message in line
    assert line.endswith('; ignored')


def test_a_pause_stops_everything_and_its_end_resumes(shared_graph, reach):
    state = reach.next_rollout()
    pause = '/reach/sim_env/pause'
    response = shared_graph.call(SetBool, pause, data=True)
    assert (response.success, response.message) == (True, 'paused')
    refused = shared_graph.call(Trigger, '/reach/sim_env/reset')
    assert not refused.success
    assert 'unpause' in refused.message
    shared_graph.new_status('/reach/sim_env')
    count = len(reach.received)
    reach.send(reach.answers(0.5))
    # from one to the next passes a second: three timeouts
    shared_graph.new_status('/reach/sim_env')
    assert len(reach.received) == count
    assert shared_graph.call(SetBool, pause, data=False).message == 'running'
    np.testing.assert_array_equal(reach.repeated(), state)
    np.testing.assert_allclose(reach.step(0.7)['action'], 0.7)


def test_reset_abandons_the_rollout(shared_graph, reach):
    episode = reach.next_rollout()['episode'][0]
    reach.step(0.1)
    response = shared_graph.call(Trigger, '/reach/sim_env/reset')
    assert response.success
    shared_graph.until(lambda: reach.rows['episode'][0] > episode, 'another rollout')
    assert (reach.rows['episode'] == episode + 1).all()
    assert not reach.rows['step'].any()
    assert reach.step(0.1)['step'].tolist() == [1, 1]


@pytest.fixture
def command_goal(shared_graph, reach):
    publisher = shared_graph.node.create_publisher(PointStamped, '/reach/goal', COMMAND)
    shared_graph.until(publisher.get_subscription_count, 'a subscriber of goals')

    def command(x, y, z, frame='world'):
        message = PointStamped()
        message.header.frame_id = frame
        message.header.stamp.sec, message.header.stamp.nanosec = 7, 1
        message.point.x, message.point.y, message.point.z = x, y, z
        publisher.publish(message)
        shared_graph.acked(publisher)

    return command


def test_a_goal_takes_effect_with_the_next_episode_only(shared_graph, reach, command_goal):
    first = reach.next_rollout()
    command_goal(1.3, 0.8, 0.6)
    while not reach.rows['truncated'].all():
        state = reach.step(0.1)
        np.testing.assert_array_equal(state['desired_goal'], first['desired_goal'])
    commanded = reach.next_rollout()
    np.testing.assert_array_equal(commanded['desired_goal'], [[1.3, 0.8, 0.6]] * 2)
    status = shared_graph.status('/reach/sim_env')
    assert (status['goal_stamp_ns'], status['goal_state']) == ('7000000001', 'set')


@pytest.mark.parametrize(
    ('goal', 'frame', 'reason'),
    [((1.0, 1.0, 1.0), 'camera', 'camera'), ((np.nan, 1.0, 1.0), 'world', 'not finite')],
)
def test_a_goal_that_cannot_be_is_refused_and_the_old_one_stays(
    shared_graph, reach, sim_envs, command_goal, goal, frame, reason
):
    command_goal(1.2, 0.9, 0.5)
    reach.next_rollout()
    lines = len(sim_envs['/reach'].lines)
    time.sleep(ONE_BY_ONE_S)  # between two lines
    command_goal(*goal, frame=frame)
    np.testing.assert_array_equal(reach.next_rollout()['desired_goal'], [[1.2, 0.9, 0.5]] * 2)
    said = sim_envs['/reach'].lines[lines:]
    assert len(said) == 1
    assert reason in said[0]
    status = shared_graph.status('/reach/sim_env')
    assert status['goal_state'] == 'refused'
    assert reason in status['goal_result']


def test_a_second_node_that_publishes_actions_is_named_and_the_run_goes_on(
    shared_graph, reach, sim_envs
):
    # Two policy nodes may well have the same name.
    name = shared_graph.node.get_name()
    intruder = shared_graph.new_node(name)
    publisher = intruder.create_publisher(PointCloud2, '/reach/action', LOCK_STEP)
    said = f'more than one node publishes actions; stop one of /reach/action: /{name} (pid '
    shared_graph.until(lambda: said in sim_envs['/reach'].output, 'a word')
    status = shared_graph.new_status('/reach/sim_env')
    assert said in status['message']
    assert status['level'] == '1'
    reach.next_rollout()
    intruder.destroy_publisher(publisher)
    shared_graph.until(
        lambda: said not in shared_graph.status('/reach/sim_env')['message'], 'one publisher'
    )


def test_a_second_environment_is_named_and_the_run_goes_on(shared_graph, reach, sim_envs):
    intruder = shared_graph.new_node('intruder')
    publisher = intruder.create_publisher(PointCloud2, '/reach/step', LOCK_STEP)
    said = 'another environment sends too; stop one of /reach/step: /intruder (pid '
    shared_graph.until(lambda: said in sim_envs['/reach'].output, 'a word')
    assert shared_graph.new_status('/reach/sim_env')['level'] == '1'
    reach.next_rollout()
    intruder.destroy_publisher(publisher)
    shared_graph.until(
        lambda: said not in shared_graph.status('/reach/sim_env')['message'], 'one publisher'
    )


def test_a_point_is_no_goal_of_a_task_without_positions(shared_graph, sim_envs, make_sim_partner):
    make_sim_partner('/hand')
    publisher = shared_graph.node.create_publisher(PointStamped, '/hand/goal', COMMAND)
    shared_graph.until(publisher.get_subscription_count, 'a subscriber of goals')
    publisher.publish(PointStamped())
    shared_graph.until(lambda: '15 numbers' in sim_envs['/hand'].output, 'a refusal')


def test_collect_is_read_between_rollouts_only(shared_graph, make_sim_partner, sim_envs):
    partner, name = make_sim_partner('/demand'), '/demand/sim_env'
    assert 'a trainer on /demand/collection_enabled' in shared_graph.new_status(name)['waits_for']
    assert not partner.received
    publisher = shared_graph.node.create_publisher(Bool, '/demand/collection_enabled', LATCHED)
    publisher.publish(Bool(data=True))
    assert partner.step(0.0)['episode'].tolist() == [1, 1]
    intruder = shared_graph.new_node('second_trainer')
    second = intruder.create_publisher(Bool, '/demand/collection_enabled', LATCHED)
    said = (
        'more than one trainer asks for rollouts; stop one of /demand/collection_enabled:'
        f' /second_trainer (pid {os.getpid()})'
    )
    shared_graph.until(lambda: said in shared_graph.status(name)['message'], 'the second trainer')
    intruder.destroy_publisher(second)
    publisher.publish(Bool(data=False))
    shared_graph.acked(publisher)
    partner.finish_rollout()
    assert {int(rows['episode'][0]) for rows in partner.received} == {1}
    assert shared_graph.new_status(name)['waits_for'] == 'the trainer to ask for more'
    publisher.publish(Bool(data=True))
    shared_graph.until(lambda: partner.rows['episode'][0] == 2, 'the second rollout')
    # The trainer is silent from here on: this rollout is finished all the same.
    heard = time.monotonic()
    partner.finish_rollout()
    while (status := shared_graph.new_status(name))[
        'waits_for'
    ] != 'a trainer on /demand/collection_enabled':
        if partner.rows['episode'][0] > 2:  # begun while the trainer was still believed in
            partner.finish_rollout()
        assert time.monotonic() - heard < 40
    said = 'the trainer is gone: nothing on /demand/collection_enabled for'
    assert status['message'].startswith(said)
    assert status['level'] == '1'
    assert partner.rows['truncated'].all()
    output = sim_envs['/demand'].output
    assert output.count(said) == 1
    assert '[WARN]' in output
    publisher.publish(Bool(data=False))
    shared_graph.until(
        lambda: 'the trainer is back on /demand/collection_enabled' in sim_envs['/demand'].output,
        'a word',
    )


def test_diagnostics_report_missing_actions(shared_graph, reach):
    reach.next_rollout()
    name = '/reach/sim_env'
    shared_graph.until(
        lambda: shared_graph.status(name).get('waits_for') == 'an action on /reach/action',
        'diagnostics of a stuck env',
    )
    assert shared_graph.status(name)['level'] == '1'
    sent_again = int(shared_graph.status(name)['states_sent_again'])
    assert int(shared_graph.new_status(name)['states_sent_again']) > sent_again
    steps = int(shared_graph.status(name)['env_steps'])
    reach.finish_rollout()
    shared_graph.until(
        lambda: int(shared_graph.new_status(name)['env_steps']) == steps + 2 * 50, 'env_steps'
    )
