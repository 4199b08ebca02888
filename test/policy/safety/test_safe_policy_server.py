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

from her_ros.config.parameters.policy import PolicyParameters
from her_ros.config.schema import ConfigError
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.policy.safety.freshness import StampError
from her_ros.policy.safety.safe_policy_server import SafePolicyServer
from her_ros.policy.state import State
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CloudDecoder, encode_cloud
from her_ros.wire.rows import action_dtype, identity_of, RowError, step_dtype
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

STATE = ('observation', 'achieved_goal', 'desired_goal')
#: bounds that leave an action of the policy as it is
OPEN = {
    'safety_max_action_change': 2.0,
    'safety_max_action_acceleration': 4.0,
    'safety_ramp_s': 0.0,
    'safety_workspace': (-100.0,) * 3 + (100.0,) * 3,
}
START_NS = 1_700_000_000 * 10**9


class Robot:
    """A safe policy server, its clocks, and what it sent."""

    def __init__(self, task, policy, rows, **parameters):
        self.now = 50.0
        self.messages = []
        self._rows = rows
        self._decoder = CloudDecoder(action_dtype(task))
        values = PolicyParameters(**{**OPEN, **parameters})
        self.server = SafePolicyServer(
            task,
            values,
            None,
            np.random.default_rng(0),
            self.messages.append,
            wall_ns=lambda: START_NS + round(1e9 * self.now),
            clock=lambda: self.now,
        )
        self.server.policy_server.offer(policy)
        self.server.activate()

    def passes(self, seconds):
        """Let time pass while the watchdog looks."""
        for _ in range(20):
            self.now += seconds / 20
            self.server.watchdog.tick()

    def state(self, step, age_s=0.0, last=False, nan=False, **identity):
        """Send a state; return the answers that came at once."""
        rows = self._rows(step=step, **identity)
        rows['truncated'] = last
        if nan:
            rows['observation'][0, 0] = np.nan
        count = len(self.messages)
        try:
            self.server.answer(encode_cloud(rows, START_NS + round(1e9 * (self.now - age_s))))
        finally:
            self.now += 1e-3  # no two stamps are alike
        return self.sent[count:]

    @property
    def sent(self):
        return [self._decoder.decode([message])[0] for message in self.messages]


@pytest.fixture
def policy(policy_bytes):
    return OnnxPolicy(policy_bytes(version=3), 'test')


@pytest.fixture
def robot(reach, policy, step_rows):
    return Robot(reach, policy, step_rows)


@pytest.fixture
def latching(reach, policy, step_rows):
    return Robot(reach, policy, step_rows, watchdog_recovery='latched')


def is_safe(answers):
    return not answers['action'].any() and not answers['policy_version'].any()


def steps(answers):
    return [answer['step'].tolist() for answer in answers]


def test_fresh_observations_are_acted_upon(robot, policy, step_rows):
    for step in range(5):
        (answer,) = robot.state(step, envs=(0, 2))
        rows = step_rows(envs=(0, 2), step=step)
        np.testing.assert_array_equal(identity_of(answer), identity_of(rows))
        np.testing.assert_array_equal(answer['action'], policy.act(*(rows[n] for n in STATE)))
        assert answer['policy_version'].tolist() == [3, 3]
        robot.passes(0.04)


def test_a_deadline_shorter_than_two_periods_is_refused(reach, policy, step_rows):
    with pytest.raises(ConfigError, match=r'deadline_s is 0.07; FetchReach .* at least 0.08'):
        Robot(reach, policy, step_rows, watchdog_deadline_s=0.07)


def test_silence_brings_the_safe_action_for_the_last_observation(robot):
    for step in range(3):
        robot.state(step)
    robot.passes(0.3)
    stop, *again = robot.sent[3:]
    assert is_safe(stop)
    assert identity_of(stop).tolist() == [[7, 0, 1, 2]]
    assert len(again) == 5 - 1  # 0.2 s in periods of 0.04 s
    assert robot.server.state == State.STOPPED


def test_rows_of_another_session_in_a_message_are_neither_answered_nor_stopped(robot, step_rows):
    foreign = step_rows(envs=(1,), session=8)
    rows = np.concatenate([step_rows(envs=(0,), session=7), foreign])
    robot.server.answer(encode_cloud(rows, START_NS + round(1e9 * robot.now)))
    robot.passes(0.3)
    answer, *stops = robot.sent
    assert not is_safe(answer)
    assert stops
    assert all(identity_of(each).tolist() == [[7, 0, 1, 0]] for each in robot.sent)


def test_after_a_stop_a_fresh_observation_acts_with_a_new_ramp(reach, policy, step_rows):
    robot = Robot(reach, policy, step_rows, safety_ramp_s=0.4)
    # in its first 0.4 s, 10 periods, the action may grow by a tenth each
    largest = [np.abs(robot.state(step)[0]['action']).max() for step in range(20)]
    assert 0 < largest[0] <= 0.1 + 1e-6
    assert max(largest) > 0.2
    robot.passes(0.2)
    (answer,) = robot.state(20)
    assert 0 < np.abs(answer['action']).max() <= 0.1 + 1e-6


def test_latched_means_latched(latching):
    latching.state(0)
    latching.passes(0.2)
    for step in range(1, 20):
        (answer,) = latching.state(step)
        assert is_safe(answer)
        assert steps([answer]) == [[step]]
    latching.state(20, last=True)
    assert all(is_safe(answer) for answer in latching.state(0, episode=2))
    assert latching.server.state == State.LATCHED
    latching.server.deactivate()
    latching.server.activate()
    (answer,) = latching.state(1, episode=2)
    assert not is_safe(answer)


@pytest.mark.parametrize('freshness', ['stale', 'future', 'jumped_back', 'frozen', 'unstamped'])
def test_what_is_not_known_to_be_fresh_is_not_acted_upon_and_feeds_nothing(robot, freshness):
    first = robot.now - 0.09
    robot.state(0, age_s=0.09)
    for step in range(1, 4):
        robot.passes(0.03)
        stamps = {
            'stale': first + 0.005 * step,
            'future': robot.now + 0.1,
            'jumped_back': first - 0.005 * step,
            'frozen': first,
            'unstamped': -START_NS / 1e9,
        }
        said = 'no stamp' if freshness == 'unstamped' else freshness.replace('_', ' ')
        with pytest.raises(StampError, match=said):
            robot.state(step, age_s=robot.now - stamps[freshness])
    assert len(robot.messages) == 1
    robot.passes(0.02)
    assert is_safe(robot.sent[-1])
    assert steps(robot.sent) == [[0], [0]]
    assert robot.server.report()[freshness] == 3
    assert not is_safe(robot.state(4)[0])


def test_a_clock_that_is_stepped_adds_no_latency(robot):
    robot.state(0, age_s=0.02)
    robot.state(0, age_s=3600.0)  # a repeated one, stamped an hour ago
    robot.state(0, age_s=-3600.0)
    report = robot.server.report()
    assert (report['answers'], report['repeated']) == (1, 2)
    assert report['latency_p99_ms'] == pytest.approx(20.0)


def test_a_repetition_gets_the_same_answer_and_feeds_nothing(robot):
    (first,) = robot.state(0)
    for _ in range(5):
        robot.passes(0.015)
        (again,) = robot.state(0)
        np.testing.assert_array_equal(again, first)
    robot.passes(0.03)
    assert is_safe(robot.sent[-1])
    # after the stop it is an older observation
    assert robot.state(0) == []
    assert robot.server.state == State.STOPPED


@pytest.mark.parametrize('how', ['nan', 'not a step', 'rows of 4 GB', 'policy'])
def test_a_fault_brings_the_safe_action_at_once(robot, reach, monkeypatch, how):
    robot.state(0)
    if how == 'nan':
        with pytest.raises(RowError, match='observation of env 0, episode 1, step 1'):
            robot.state(1, nan=True)
    elif how == 'not a step':
        with pytest.raises(RowError):
            robot.server.answer(b'\0\1')
    elif how == 'rows of 4 GB':
        message = bytearray(encode_cloud(np.zeros(0, step_dtype(reach)), START_NS))
        message[-13:-9] = b'\xff' * 4  # point_step
        with pytest.raises(RowError, match='4294967295 bytes'):
            robot.server.answer(bytes(message))
    else:
        with monkeypatch.context() as patch:
            patch.setattr(robot.server.policy_server.policy, 'act', lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                robot.state(1)
    assert len(robot.messages) == 2
    assert is_safe(robot.sent[-1])
    assert robot.server.state == State.STOPPED
    assert robot.server.report()['faults'] == 1
    robot.passes(0.2)
    assert len(robot.messages) in (6, 7)
    assert all(is_safe(answer) for answer in robot.sent[1:])
    assert not is_safe(robot.state(2)[0])


@pytest.mark.parametrize('meanwhile', ['deadline', 'deactivated'])
def test_an_answer_that_took_too_long_does_not_leave_after_the_stop(
    robot, policy, monkeypatch, meanwhile
):
    robot.state(0)
    act = policy.act

    def slow(*state):
        if meanwhile == 'deadline':
            robot.passes(0.3)
        else:
            robot.server.deactivate()
        return act(*state)

    with monkeypatch.context() as patch:
        patch.setattr(policy, 'act', slow)
        robot.state(1)
    assert len(robot.messages) > 1
    assert all(is_safe(answer) for answer in robot.sent[1:])
    assert steps(robot.sent[1:]) == [[1]] * (len(robot.messages) - 1)
    robot.server.activate()
    # nor later, when it is asked for again
    assert robot.state(1) == []
    assert not is_safe(robot.state(2)[0])


@pytest.mark.parametrize('age_s', [0.0, 5.0])
def test_between_episodes_nothing_is_sent(robot, age_s):
    assert robot.state(0, last=True) == []
    robot.state(0, episode=2)
    # an end needs no right stamp: it asks for nothing to be done
    assert robot.state(1, episode=2, last=True, age_s=age_s) == []
    robot.passes(1.0)
    robot.server.deactivate()
    assert len(robot.messages) == 1
    assert robot.server.watchdog.stops == 1  # the deactivation


def test_the_end_of_another_episode_ends_nothing(robot):
    robot.state(5, episode=2)
    robot.state(50, episode=1, last=True)
    robot.state(50, episode=2, last=True, session=6)
    robot.passes(0.2)
    assert is_safe(robot.sent[-1])


def test_a_new_session_follows_one_that_is_silent(robot):
    robot.state(5, envs=(0, 1))
    robot.passes(0.6)
    count = len(robot.messages)
    robot.state(0, session=8)
    robot.passes(0.12)
    answer, stop = robot.sent[count:]
    assert identity_of(answer).tolist() == identity_of(stop).tolist() == [[8, 0, 1, 0]]


def test_another_session_neither_ends_nor_stops_an_episode(robot):
    for step in range(5):
        assert len(robot.state(step)) == 1
        assert robot.state(step, session=8) == []
        assert robot.state(step, session=8, last=True) == []
        robot.passes(0.04)
    assert robot.server.sessions.refused == 5
    assert robot.server.watchdog.stops == 0
    robot.passes(0.12)
    assert identity_of(robot.sent[-1]).tolist() == [[7, 0, 1, 4]]


def test_without_a_policy_nothing_runs(reach, policy, step_rows):
    robot = Robot(reach, policy, step_rows)
    robot.server.policy_server._offered = None
    assert robot.state(0) == []
    robot.passes(1.0)
    robot.server.deactivate()
    assert robot.messages == []


def test_a_policy_swapped_in_acts_at_once(robot, policy_bytes, step_rows):
    robot.state(0)
    robot.server.policy_server.offer(OnnxPolicy(policy_bytes(version=9, seed=9), 'test'))
    assert robot.state(1)[0]['policy_version'].tolist() == [3]
    assert robot.server.policy_server.swap()
    assert robot.state(2)[0]['policy_version'].tolist() == [9]
    assert not robot.server.policy_server.swap()


def test_the_report_measures_from_stamp_to_publication(robot):
    robot.server.report()
    begin = robot.now
    for step in range(100):
        robot.state(step, age_s=0.003 if step < 98 else 0.05)
        robot.passes(0.06)
    report = robot.server.report()
    assert report['answers_per_s'] == pytest.approx(100 / (robot.now - begin), rel=0.01)
    assert report['latency_p50_ms'] == pytest.approx(3.0, abs=0.1)
    assert report['latency_p99_ms'] == pytest.approx(50.0, abs=1.0)
    assert (report['missed_deadlines'], report['answers']) == (0, 100)


class FullSpeed:
    """A policy that always asks for all there is."""

    version, sha256 = 1, ''

    def act(self, observation, *_):
        return np.ones((len(observation), 4), np.float32)


KINDS = ('state', 'state', 'nan', 'again', 'last', 'off', 'restart', 'silence')
# What the number is, depends on the kind: the age of a state or the length of a silence, seconds.
EVENTS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from([0.0, 0.01, 0.09, 0.11, 5.0, -1.0])),
    max_size=40,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(events=EVENTS, recovery=st.sampled_from(['automatic', 'latched']))
def test_whatever_comes_only_what_is_fresh_and_newer_than_every_stop_is_acted_upon(
    events, recovery
):
    robot = Robot(TASKS['FetchReach'], FullSpeed(), states_at_zero, watchdog_recovery=recovery)
    # acted: the newest state acted upon, until a stop
    step, acted, ever, latched = 0, None, set(), False
    for kind, value in events:
        count, stops = len(robot.messages), robot.server.watchdog.stops
        step += kind in ('state', 'nan', 'last')
        try:
            if kind == 'silence':
                robot.passes(abs(value))
            elif kind in ('off', 'restart'):
                robot.server.deactivate()
                if kind == 'restart':
                    robot.server.activate()
                    latched = False
            else:
                robot.state(step, age_s=value, nan=kind == 'nan', last=kind == 'last')
        except (StampError, RowError):
            assert all(is_safe(answer) for answer in robot.sent[count:])
        for answer in robot.sent[count:]:
            if not is_safe(answer):
                assert kind in ('state', 'again')
                assert step in ever or -0.02 <= value <= 0.1
                assert not latched
                assert steps([answer]) == [[step]]
                assert acted == step or step not in ever
                acted = step
                ever.add(step)
        if robot.server.watchdog.stops > stops:
            acted = None
            latched |= recovery == 'latched' and kind not in ('off', 'restart')


def states_at_zero(step, envs=(0,), episode=1, session=7):
    rows = np.zeros(len(envs), step_dtype(TASKS['FetchReach']))
    rows['session'], rows['env'], rows['episode'], rows['step'] = session, envs, episode, step
    return rows
