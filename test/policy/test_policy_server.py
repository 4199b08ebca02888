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

import dataclasses

from her_ros.policy.exploration import Exploration, Explorer
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.policy.policy_server import PolicyServer
from her_ros.wire.rows import action_dtype, identity_of, RowError
from her_ros.wire.sessions import Sessions
import numpy as np
import pytest

EXPLORATION = Exploration(noise_std=0.2, random_probability=0.3)
STATE = ('observation', 'achieved_goal', 'desired_goal')


@pytest.fixture
def new_policy(policy_bytes):
    return lambda version=1: OnnxPolicy(policy_bytes(version, seed=version), 'test')


@pytest.fixture
def new_server(reach, new_policy):
    """Make an server that has a policy of a version, or none for None."""

    def make(version=1, exploration=None):
        server = PolicyServer(reach, exploration, np.random.default_rng(0))
        if version is not None:
            server.offer(new_policy(version))
        return server

    return make


@pytest.fixture(params=[None, EXPLORATION], ids=['deterministic', 'exploring'])
def server(request, new_server):
    return new_server(exploration=request.param)


def ended(rows, how='truncated'):
    rows = rows.copy()
    rows[how] = 1
    return rows


def test_a_state_is_answered_by_its_identity(server, step_rows, reach):
    rows = step_rows(envs=[4, 0, 2], episode=3, step=5)
    answers = server.answer(rows)
    assert answers.dtype == action_dtype(reach)
    np.testing.assert_array_equal(identity_of(answers), identity_of(rows))
    assert (answers['policy_version'] == 1).all()
    assert (np.abs(answers['action']) <= 1).all()


def test_without_exploration_the_policy_acts(new_server, new_policy, step_rows):
    rows = step_rows(envs=range(5))
    answers = new_server().answer(rows)
    expected = new_policy().act(*(rows[name] for name in STATE))
    np.testing.assert_array_equal(answers['action'], expected)


def test_with_exploration_the_policys_action_is_explored(new_server, new_policy, step_rows):
    server = new_server(exploration=EXPLORATION)
    explorer = Explorer(EXPLORATION, 4, np.random.default_rng(0))
    for step in range(5):
        rows = step_rows(envs=range(5), step=step)
        actions = new_policy().act(*(rows[name] for name in STATE))
        expected = explorer.explore(actions, rows['env'], rows['step'] == 0)
        np.testing.assert_array_equal(server.answer(rows)['action'], expected)


def test_a_repeated_state_gets_the_same_action_again(server, step_rows):
    for step in range(4):
        rows = step_rows(envs=[0, 1, 2], step=step)
        first = server.answer(rows).copy()
        for _ in range(3):
            np.testing.assert_array_equal(server.answer(rows), first)
        np.testing.assert_array_equal(server.answer(rows[1:]), first[1:])


def test_repeated_and_new_states_may_come_together(server, step_rows):
    first = server.answer(step_rows(envs=[0, 1], step=0)).copy()
    mixed = np.concatenate([step_rows(envs=[1], step=0), step_rows(envs=[0], step=1)])
    answers = server.answer(mixed)
    np.testing.assert_array_equal(identity_of(answers), identity_of(mixed))
    np.testing.assert_array_equal(answers[0], first[1])


def test_older_states_are_not_answered(server, step_rows):
    rows = [step_rows(episode=2, step=step) for step in range(3)]
    for each in rows:
        assert len(server.answer(each)) == 1
    for each in (*rows[:2], step_rows(episode=1, step=3), step_rows(episode=1, step=0)):
        assert len(server.answer(each)) == 0
    assert len(server.answer(rows[2])) == 1


def test_states_are_older_by_environment(server, step_rows):
    server.answer(step_rows(envs=[0], step=5))
    answers = server.answer(step_rows(envs=[0, 1], step=4))
    assert answers['env'].tolist() == [1]


def test_any_subset_of_rows_may_come(server, step_rows):
    """Two halves take turns, and one environment is left out for a while."""
    for step in range(3):
        for half in ([0, 1], [3, 2]):
            answers = server.answer(step_rows(envs=half, step=step))
            assert answers['env'].tolist() == half
            assert (answers['step'] == step).all()
    assert server.answer(step_rows(envs=[9], step=2))['env'].tolist() == [9]
    assert len(server.answer(step_rows(envs=range(10), step=3))) == 10
    assert len(server.answer(step_rows(envs=[])[:0])) == 0


@pytest.mark.parametrize('how', ['terminated', 'truncated'])
def test_last_states_are_not_answered(server, step_rows, how):
    server.answer(step_rows(envs=[0, 1], step=4))
    rows = step_rows(envs=[0, 1], step=5)
    rows[how][0] = 1
    assert server.answer(rows)['env'].tolist() == [1]
    assert len(server.answer(ended(step_rows(envs=[1], step=6), how))) == 0
    assert len(server.answer(step_rows(envs=[0, 1], episode=2, step=0))) == 2


def test_a_new_session_is_accepted_wherever_it_starts(server, step_rows):
    server.answer(step_rows(envs=[0, 1], episode=9, step=30, session=7))
    for session in (8, 3, 2**32 - 1, 0):
        rows = step_rows(envs=[0, 1], episode=1, step=0, session=session)
        answers = server.answer(rows)
        np.testing.assert_array_equal(identity_of(answers), identity_of(rows))


def test_of_a_message_of_two_sessions_the_first_counts(server, step_rows):
    rows = np.concatenate([step_rows(session=8, envs=[0]), step_rows(session=7, envs=[1])])
    assert server.answer(Sessions().heard(rows))['session'].tolist() == [8]


def test_a_policy_takes_over_between_rollouts_only(new_server, new_policy, step_rows):
    server = new_server()
    assert server.answer(step_rows(envs=[0, 1], episode=4, step=0))['policy_version'][0] == 1
    server.offer(new_policy(2))
    for step in range(1, 4):
        rows = step_rows(envs=[0, 1], episode=4, step=step)
        answers = server.answer(rows)
        assert (answers['policy_version'] == 1).all()
        np.testing.assert_array_equal(
            answers['action'], new_policy(1).act(*(rows[name] for name in STATE))
        )
    assert len(server.answer(ended(step_rows(envs=[0, 1], episode=4, step=4)))) == 0
    rows = step_rows(envs=[0], episode=5, step=0)
    answers = server.answer(rows)
    assert answers['policy_version'] == 2
    np.testing.assert_array_equal(
        answers['action'], new_policy(2).act(*(rows[name] for name in STATE))
    )
    # The other half of the same rollout, with a third policy there by now.
    server.offer(new_policy(3))
    assert server.answer(step_rows(envs=[1], episode=5, step=0))['policy_version'] == 2
    assert server.policy.version == 2
    assert (server.answer(step_rows(envs=[0, 1], episode=6))['policy_version'] == 3).all()


def test_of_several_policies_offered_the_newest_takes_over(new_server, new_policy, step_rows):
    server = new_server()
    server.offer(new_policy(2))
    server.offer(new_policy(3))
    assert server.answer(step_rows())['policy_version'] == 3


def test_a_new_session_is_a_new_rollout(new_server, new_policy, step_rows):
    server = new_server()
    server.answer(step_rows(session=7, episode=5))
    server.offer(new_policy(2))
    assert server.answer(step_rows(session=8, episode=1))['policy_version'] == 2


def test_before_any_policy_a_deterministic_server_keeps_silent(new_server, new_policy, step_rows):
    server = new_server(version=None)
    assert not server.ready
    assert len(server.answer(step_rows())) == 0
    server.offer(new_policy())
    assert server.ready
    # The environment sends its state again and again.
    assert server.answer(step_rows())['policy_version'] == 1


def test_before_any_policy_an_exploring_server_is_uniformly_random(new_server, step_rows):
    server = new_server(version=None, exploration=EXPLORATION)
    assert server.ready
    answers = server.answer(step_rows(envs=range(5000)))
    assert (answers['policy_version'] == 0).all()
    actions = answers['action']
    assert np.abs(actions).max() <= 1
    counts, _ = np.histogram(actions, np.linspace(-1, 1, 21))
    expected = actions.size / 20
    chi_square = ((counts - expected) ** 2 / expected).sum()
    # A chi-square of k degrees of freedom has the mean k and the variance 2 k.
    assert abs(chi_square - 19) < 4 * (2 * 19) ** 0.5


def test_a_rollout_begun_at_random_ends_at_random(new_server, new_policy, step_rows):
    server = new_server(version=None, exploration=EXPLORATION)
    server.answer(step_rows(step=0))
    server.offer(new_policy())
    assert server.answer(step_rows(step=1))['policy_version'] == 0
    assert server.answer(step_rows(episode=2))['policy_version'] == 1


@pytest.mark.parametrize('name', STATE)
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_a_state_that_is_not_finite_is_named(server, step_rows, name, value):
    rows = step_rows(envs=[3, 4], step=2)
    rows[name][1, 0] = value
    with pytest.raises(RowError, match=f'step: {name} of env 4, episode 1, step 2'):
        server.answer(rows)


def test_an_absurd_environment_is_refused_without_memory_for_it(server, step_rows):
    with pytest.raises(RowError, match='env is 4294967295; at most 65536 fit'):
        server.answer(step_rows(envs=[2**32 - 1]))
    assert len(server.answer(step_rows(envs=[65535]))) == 1


@pytest.mark.parametrize('bad', ['not finite', 'absurd env'])
def test_a_refused_message_changes_nothing(new_server, new_policy, step_rows, bad):
    server = new_server()
    first = server.answer(step_rows(session=7)).copy()
    server.offer(new_policy(2))
    rows = step_rows(session=8, episode=9, envs=[2**32 - 1 if bad == 'absurd env' else 0])
    if bad == 'not finite':
        rows['observation'] = np.nan
    with pytest.raises(RowError):
        server.answer(rows)
    np.testing.assert_array_equal(server.answer(step_rows(session=7)), first)
    assert server.answer(step_rows(session=7, step=1))['policy_version'] == 1


@dataclasses.dataclass
class Environment:
    """The other side of the lock-step over a channel that loses, doubles and delays."""

    step_rows: object
    num_envs: int
    length: int
    session: int = 7
    episode: int = 1
    step: int = 0

    def __post_init__(self):
        self.taken = {}
        self.answered = np.zeros(self.num_envs, bool)

    @property
    def message(self):
        rows = self.step_rows(range(self.num_envs), self.episode, self.step, self.session)
        return ended(rows) if self.step == self.length else rows

    def accept(self, answers):
        for answer in answers:
            identity = tuple(identity_of(answer[None])[0].tolist())
            action = (answer['action'].tobytes(), int(answer['policy_version']))
            # Whenever and however often it comes: one state, one action.
            assert self.taken.setdefault(identity, action) == action
            if identity[::2] == (self.session, self.episode) and identity[3] == self.step:
                self.answered[identity[1]] = True
        if self.step == self.length:
            self.episode, self.step = self.episode + 1, 0
        elif self.answered.all():
            self.step += 1
        else:
            return
        self.answered[:] = False


@pytest.mark.parametrize('seed', range(10))
def test_the_lock_step_survives_lost_doubled_and_late_messages(
    new_server, new_policy, step_rows, seed
):
    random = np.random.default_rng(seed)
    server = new_server(version=None, exploration=EXPLORATION)
    environment = Environment(step_rows, num_envs=3, length=4)
    on_their_way, rounds = [], 0
    while environment.episode <= 5:
        rounds += 1
        assert rounds < 2000
        sent = environment.message
        on_their_way.append(sent[random.random(3) < 0.7])
        if random.random() < 0.05:
            server.offer(new_policy(rounds))
        back = []
        for message in on_their_way:
            if random.random() < 0.7:
                back += [server.answer(message).copy()] * random.integers(0, 3)
        # What is sent again comes after what is newer.
        on_their_way = [each for each in on_their_way if random.random() < 0.5]
        random.shuffle(back)
        environment.accept(np.concatenate(back) if back else ())
    assert len(environment.taken) == 5 * 4 * 3
    for episode in range(1, 6):
        versions = {action[1] for key, action in environment.taken.items() if key[2] == episode}
        assert len(versions) == 1
