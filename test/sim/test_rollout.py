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

from her_ros.runtime.pace import Pace
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.rollout import PipelinedRollouts, Rollout
from her_ros.tasks.registry import TASKS
from her_ros.wire.rows import action_dtype, RowError
import numpy as np
import pytest

PUSH = TASKS['FetchPush']
SEEDS = (3, 4, 5)
GOAL = np.array([1.3, 0.7, 0.45])


def new_rollout(task=PUSH, seeds=SEEDS, session=9):
    return Rollout(task, FetchBatch(task, seeds), session)


def answers_to(rows, actions, policy_version=2):
    answers = np.zeros(len(rows), action_dtype(PUSH))
    for name in ('session', 'env', 'episode', 'step'):
        answers[name] = rows[name]
    answers['action'], answers['policy_version'] = actions, policy_version
    return answers


def random_actions(generator):
    return generator.uniform(-1.5, 1.5, (len(SEEDS), 4)).astype(np.float32)


def play(rollout, generator, goal=None):
    """Run one whole rollout; return the rows of its steps."""
    steps = [rollout.start(goal)]
    while not rollout.finished:
        assert rollout.accept(answers_to(steps[-1], random_actions(generator)))
        steps.append(rollout.advance())
    return np.stack(steps)


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def test_rows_are_the_states_of_the_batch(task, generator):
    # the same batch driven by hand, clipped actions and all, over two rollouts
    rollout, batch = new_rollout(task), FetchBatch(task, SEEDS)
    for episode in (1, 2):
        rows, state = rollout.start(), batch.reset()
        for step in range(task.episode_length + 1):
            for name in ('observation', 'achieved_goal', 'desired_goal'):
                np.testing.assert_array_equal(rows[name], getattr(state, name))
            assert (rows['step'] == step).all()
            assert (rows['episode'] == episode).all()
            assert (rows['session'] == 9).all()
            assert rows['env'].tolist() == [0, 1, 2]
            if step < task.episode_length:
                actions = random_actions(generator)
                rollout.accept(answers_to(rows, actions))
                rows = rollout.advance()
                np.testing.assert_array_equal(rows['action'], np.clip(actions, -1, 1))
                state = batch.step(np.clip(actions, -1, 1))


def test_reward_and_success_are_the_tasks_of_the_state_reached(generator):
    # a goal at the gripper's start is reached now and left again
    reach = TASKS['FetchReach']
    rollout = new_rollout(reach)
    goal = rollout.start()['achieved_goal'][0] + [0.04, 0.0, 0.0]
    rows = play(rollout, generator, goal)
    moved = rows[1:]
    goals = moved['achieved_goal'], moved['desired_goal']
    np.testing.assert_array_equal(moved['reward'], reach.reward(*goals))
    np.testing.assert_array_equal(moved['is_success'], reach.is_success(*goals))
    assert set(moved['reward'].ravel().tolist()) == {0.0, -1.0}


def test_first_rows_tell_of_no_move(generator):
    rollout = new_rollout()
    for _ in range(2):
        first = play(rollout, generator)[0]
        for name in ('action', 'policy_version', 'reward', 'is_success', 'truncated'):
            assert not first[name].any(), name


def test_only_the_last_rows_are_truncated_and_none_terminates(generator):
    rows = play(new_rollout(), generator)
    assert len(rows) == PUSH.episode_length + 1
    assert not rows['truncated'][:-1].any()
    assert rows['truncated'][-1].all()
    assert not rows['terminated'].any()


def test_rows_once_handed_out_stay_as_they_are(generator):
    rollout = new_rollout()
    handed_out, copies = [rollout.start()], []
    for _ in range(5):
        copies.append(handed_out[-1].copy())
        rollout.accept(answers_to(handed_out[-1], random_actions(generator)))
        handed_out.append(rollout.advance())
    for rows, copy in zip(handed_out, copies, strict=False):
        np.testing.assert_array_equal(rows, copy)


@pytest.mark.parametrize(
    ('name', 'shift'),
    [('session', 1), ('episode', 1), ('episode', -1), ('step', 1), ('step', -1), ('env', 3)],
)
def test_answers_to_anything_else_change_nothing(name, shift):
    rollout, untouched = new_rollout(), new_rollout()
    for each in (rollout, untouched):
        each.start()
        each.accept(answers_to(each.rows, 0.0))
        each.advance()  # step 1, so that there are older ones
    foreign = answers_to(rollout.rows, 0.9, policy_version=77)
    foreign[name] += np.uint32(shift % 2**32)
    assert not rollout.accept(foreign)
    for each in (rollout, untouched):
        assert each.accept(answers_to(each.rows, 0.1))
    np.testing.assert_array_equal(rollout.advance(), untouched.advance())


def test_halves_may_take_turns(generator):
    rollout, whole = new_rollout(), new_rollout()
    rows, actions = rollout.start(), random_actions(generator)
    assert not rollout.accept(answers_to(rows[[2]], actions[[2]]))
    assert not rollout.accept(answers_to(rows[:0], actions[:0]))
    assert rollout.accept(answers_to(rows[[1, 0]], actions[[1, 0]]))
    whole.start()
    whole.accept(answers_to(whole.rows, actions))
    np.testing.assert_array_equal(rollout.advance(), whole.advance())


def test_no_step_without_all_answers():
    rollout = new_rollout()
    rows = rollout.start()
    rollout.accept(answers_to(rows, 0.0))
    rollout.advance()
    rollout.accept(answers_to(rollout.rows[:2], 0.0))
    with pytest.raises(AssertionError):
        rollout.advance()


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_action_that_is_not_finite_is_refused_whole(bad):
    rollout, untouched = new_rollout(), new_rollout()
    answers = answers_to(rollout.start(), 0.9)
    answers['action'][1, 2] = bad
    with pytest.raises(RowError, match=r'action: action of env 1, episode 1, step 0 is .*finite'):
        rollout.accept(answers)
    untouched.start()
    for each in (rollout, untouched):
        # nothing of the refused message was taken over
        assert not each.accept(answers_to(each.rows[[1]], 0.1))
        assert each.accept(answers_to(each.rows[[0, 2]], 0.1))
    np.testing.assert_array_equal(rollout.advance(), untouched.advance())


def test_nan_in_a_late_action_is_ignored():
    rollout = new_rollout()
    answers = answers_to(rollout.start(), np.nan)
    answers['step'] = 40
    assert not rollout.accept(answers)


def test_accept_all_equals_answers(generator):
    one, other = new_rollout(), new_rollout()
    one.start(), other.start()
    for version in range(1, 4):
        actions = random_actions(generator)
        one.accept(answers_to(one.rows, actions, version))
        other.accept_all(actions, version)
        np.testing.assert_array_equal(one.advance(), other.advance())


def test_a_given_goal_holds_for_its_rollout_and_leaves_the_draws_alone(generator):
    given, drawn = new_rollout(), new_rollout()
    rows = play(given, np.random.default_rng(1), GOAL)
    np.testing.assert_array_equal(rows['desired_goal'], np.broadcast_to(GOAL, (51, 3, 3)))
    play(drawn, np.random.default_rng(1))
    np.testing.assert_array_equal(given.start(), drawn.start())


def test_seeds_repeat_a_rollout():
    one, other = new_rollout(), new_rollout(seeds=(90, 91, 92))
    first = play(one, np.random.default_rng(1))
    again = one.start(seeds=SEEDS)
    for name in ('observation', 'desired_goal'):
        np.testing.assert_array_equal(again[name], first[0][name])
        assert (other.start()[name] != first[0][name]).any()
    assert (again['episode'] == 2).all()


def test_finished_before_the_first_and_after_the_last_step_only(generator):
    rollout = new_rollout()
    assert rollout.finished
    rollout.start()
    for _ in range(PUSH.episode_length):
        assert not rollout.finished
        rollout.accept_all(random_actions(generator), 1)
        rollout.advance()
    assert rollout.finished


@pytest.mark.parametrize('num_envs', [3, 16])
def test_turns_show_what_one_rollout_shows(generator, num_envs):
    seeds = list(range(num_envs))
    turns, whole = PipelinedRollouts(PUSH, seeds, 1, session=9), new_rollout(seeds=seeds)
    assert turns.finished
    for episode in (1, 2):
        rows = np.concatenate(list(turns.start(GOAL)))
        np.testing.assert_array_equal(rows, whole.start(GOAL))
        assert turns.episode == episode
        for _ in range(PUSH.episode_length):
            assert not turns.finished
            actions = generator.uniform(-1.5, 1.5, (num_envs, 4)).astype(np.float32)
            answers = answers_to(rows, actions)
            # Answers come in pieces, in any order, and each turn moves as soon as it can.
            order = generator.permutation(num_envs)
            moved = [
                part for piece in np.split(order, [1]) for part in turns.accept(answers[piece])
            ]
            assert len(moved) == (2 if num_envs == 16 else 1)
            rows = np.sort(np.concatenate(moved), order='env')
            whole.accept(answers)
            np.testing.assert_array_equal(rows, whole.advance())
        assert turns.finished
        assert turns.unanswered == []


def test_one_turn_may_run_ahead_of_the_other(generator):
    turns = PipelinedRollouts(PUSH, list(range(16)), 1, session=9)
    first, second = turns.start()
    for step in range(1, PUSH.episode_length + 1):
        (first,) = turns.accept(answers_to(first, np.zeros((8, 4), np.float32)))
        assert (first['step'] == step).all()
    waiting = turns.unanswered
    assert [rows['env'].tolist() for rows in waiting] == [list(range(8, 16))]
    assert not turns.finished
    assert list(turns.accept(answers_to(first, np.zeros((8, 4), np.float32)))) == []
    (second,) = turns.accept(answers_to(second, np.zeros((8, 4), np.float32)))
    assert (second['step'] == 1).all()


class Ticks(Pace):
    """A pace that nobody waits for, and that notes when it was asked to."""

    def __init__(self):
        self.calls = []
        super().__init__(0.04)
        self.calls.clear()

    def start(self):
        self.calls.append('start')

    def wait(self):
        self.calls.append('wait')


def test_in_step_with_the_clock_all_move_together_and_every_move_waits(generator):
    ticks, seeds = Ticks(), list(range(16))
    turns, whole = (
        PipelinedRollouts(PUSH, seeds, 1, session=9, pace=ticks),
        new_rollout(seeds=seeds),
    )
    for _ in range(2):
        (rows,) = turns.start(GOAL)
        np.testing.assert_array_equal(rows, whole.start(GOAL))
        for _ in range(PUSH.episode_length):
            actions = generator.uniform(-1, 1, (16, 4)).astype(np.float32)
            answers = answers_to(rows, actions)
            assert list(turns.accept(answers[1:])) == []  # nobody moves, so nobody waits
            (rows,) = turns.accept(answers[:1])
            whole.accept(answers)
            np.testing.assert_array_equal(rows, whole.advance())
        assert turns.finished
    assert ticks.calls == ['start', *['wait'] * PUSH.episode_length] * 2


@pytest.mark.parametrize('num_envs', [3, 16])
def test_joint_positions_are_those_of_environment_0(num_envs):
    seeds = list(range(num_envs))
    turns, batch = PipelinedRollouts(PUSH, seeds, 1, session=9), FetchBatch(PUSH, seeds)
    rows = np.concatenate(list(turns.start()))
    batch.reset()
    np.testing.assert_array_equal(turns.first_qpos(), batch.qpos(0))
    kept = turns.first_qpos()
    actions = np.full((num_envs, 4), 0.5, np.float32)
    list(turns.accept(answers_to(rows, actions)))
    batch.step(actions)
    np.testing.assert_array_equal(turns.first_qpos(), batch.qpos(0))
    assert (kept != turns.first_qpos()).any()
