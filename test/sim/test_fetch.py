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

from her_ros.arms.errors import ArmError
from her_ros.sim.errors import SimError
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest

PUSH = TASKS['FetchPush']


def equal_bits(state, other):
    pairs = zip(state, other, strict=True)
    return all(one.tobytes() == np.ascontiguousarray(two).tobytes() for one, two in pairs)


def rows_of(state, rows):
    return tuple(each[rows] for each in state)


def test_equals_the_original_bit_for_bit(task, original, busy_actions):
    seeds = [0, 1, 77, 2**31 + 5, 123456]
    ours = FetchBatch(task, [9] * len(seeds), threads=2)
    theirs = [original(task) for _ in seeds]
    generator = np.random.default_rng(3)
    moved = 0.0
    for episode in range(4):
        first = episode == 0  # later episodes go on with the generators
        state = ours.reset(seeds=seeds if first else None)
        pairs = zip(theirs, seeds, strict=True)
        seen = [env.reset(seed=seed if first else None)[0] for env, seed in pairs]
        assert equal_bits(state, [[each[k] for each in seen] for k in state._fields])
        start = state
        for step in range(task.episode_length):
            actions = busy_actions(step, state.observation, generator)
            state = ours.step(actions)
            pairs = zip(theirs, actions, strict=True)
            results = [env.step(action) for env, action in pairs]
            seen, rewards, _, _, infos = zip(*results, strict=True)
            assert equal_bits(state, [[each[k] for each in seen] for k in state._fields])
            goals = (state.achieved_goal, state.desired_goal)
            np.testing.assert_array_equal(task.reward(*goals), rewards)
            np.testing.assert_array_equal(
                task.is_success(*goals), [info['is_success'] for info in infos]
            )
        moved = max(moved, np.abs(state.achieved_goal - start.achieved_goal).max())
    assert moved > 0.05  # or the contacts would not have been compared


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_rounds_actions_as_the_original_does(original, dtype):
    ours, theirs = FetchBatch(PUSH, [4]), original(PUSH).unwrapped
    ours.reset(), theirs.reset(seed=4)
    for action in np.random.default_rng(0).uniform(-2, 2, (5, 4)).astype(dtype):
        seen = theirs.step(action)[0]
        assert ours.step(action[None]).observation.tobytes() == seen['observation'].tobytes()


def test_an_environment_does_not_depend_on_the_others_nor_on_threads(task, busy_actions):
    together, apart = FetchBatch(task, range(5), threads=1), FetchBatch(task, range(5), threads=2)
    alone = FetchBatch(task, [3])
    states = [each.reset() for each in (together, apart, alone)]
    generator = np.random.default_rng(1)
    for step in range(15):
        actions = busy_actions(step, states[0].observation, generator)
        states = [together.step(actions), apart.step(actions), alone.step(actions[3:4])]
        assert equal_bits(states[0], states[1])
        assert equal_bits(rows_of(states[0], [3]), states[2])


def test_rows_may_be_stepped_in_parts(task, busy_actions):
    whole, parted = FetchBatch(task, range(4)), FetchBatch(task, range(4))
    state = whole.reset()
    parted.reset([2, 0]), parted.reset([1, 3])
    generator = np.random.default_rng(2)
    for step in range(10):
        actions = busy_actions(step, state.observation, generator)
        state = whole.step(actions)
        for rows in ([3, 1], [0, 2]):
            assert equal_bits(parted.step(actions[rows], rows), rows_of(state, rows))
        assert equal_bits(parted.state(), state)


def test_reset_of_some_leaves_the_others_alone(task, busy_actions):
    batch, fresh = FetchBatch(task, range(4)), FetchBatch(task, range(4))
    state = batch.reset()
    actions = busy_actions(0, state.observation, np.random.default_rng(0))
    before = batch.step(actions)
    again = batch.reset([1, 2])
    after = batch.state()
    assert equal_bits(rows_of(after, [0, 3]), rows_of(before, [0, 3]))
    assert equal_bits(rows_of(after, [1, 2]), again)
    fresh.reset()
    assert equal_bits(rows_of(fresh.reset(), [1, 2]), again)  # the second start of their seeds


def test_seeds_replace_only_the_generators_they_are_given_for(task):
    batch = FetchBatch(task, [5, 6])
    first = batch.reset()
    second = batch.reset(seeds=[None, np.int64(6)])
    assert equal_bits(rows_of(second, [1]), rows_of(first, [1]))
    assert not equal_bits(rows_of(second, [0]), rows_of(first, [0]))


def test_a_goal_set_by_hand_lasts_for_the_episode_and_changes_nothing_else(task):
    batch, plain = FetchBatch(task, range(3)), FetchBatch(task, range(3))
    plain.reset()
    start = batch.reset()
    batch.set_goal(start.achieved_goal[:2], [0, 1])
    assert task.is_success(*batch.state()[1:])[:2].all()
    assert equal_bits(rows_of(batch.state(), [2]), rows_of(start, [2]))
    actions = np.full((3, 4), 0.7, np.float32)
    moved, expected = batch.step(actions), plain.step(actions)
    np.testing.assert_array_equal(moved.desired_goal[:2], start.achieved_goal[:2])
    assert equal_bits(moved[:2], expected[:2])
    assert equal_bits(batch.reset(), plain.reset())
    batch.set_goal([1.3, 0.7, 0.5])
    assert (batch.state().desired_goal == [1.3, 0.7, 0.5]).all()


def test_what_was_returned_stays_as_it_was(task):
    batch = FetchBatch(task, range(2))
    kept = [batch.reset(), batch.step(np.ones((2, 4), np.float32)), batch.state()]
    copies = [tuple(each.copy() for each in state) for state in kept]
    batch.set_goal([0.0, 0.0, 0.0])
    batch.step(-np.ones((2, 4), np.float32))
    batch.reset()
    assert all(equal_bits(state, copy) for state, copy in zip(kept, copies, strict=True))
    assert not any(np.shares_memory(*pair) for pair in zip(kept[1], kept[2], strict=True))


def test_errors_name_the_fault():
    batch = FetchBatch(PUSH, range(3))
    with pytest.raises(SimError, match=r'call reset\(\)'):
        batch.step(np.zeros((3, 4), np.float32))
    batch.reset([0, 1])
    batch.step(np.zeros((2, 4), np.float32), [0, 1])
    with pytest.raises(SimError, match=r'call reset\(\)'):
        batch.step(np.zeros((3, 4), np.float32))
    batch.reset()
    with pytest.raises(SimError, match=r'shape \(4,\); expected \(3, 4\)'):
        batch.step(np.zeros(4, np.float32))
    actions = np.zeros((3, 4), np.float32)
    actions[1, 2] = np.nan
    with pytest.raises(SimError, match=r'action 1 is \[0.0, 0.0, nan, 0.0\]'):
        batch.step(actions)
    with pytest.raises(SimError, match='they must be finite'):
        batch.set_goal([0.0, np.inf, 0.0])
    with pytest.raises(SimError, match='2 seeds for 3 environments'):
        batch.reset(seeds=[1, 2])
    with pytest.raises(SimError, match='seed -1 is negative'):
        batch.reset(seeds=[1, -1, 2])
    for rows in ([], [0, 0], [3], [-1], [True, False, True], [[0]]):
        with pytest.raises(SimError, match='they must be different numbers below 3'):
            batch.reset(rows)
    with pytest.raises(SimError, match='0 seeds'):
        FetchBatch(PUSH, [])
    other = GoalTask('Stack', (('object', 3),), 3, 4, 0.05, 0.04, 50)
    with pytest.raises(ArmError, match=r"'Stack' .*FetchReach"):
        FetchBatch(other, [0])


def test_refused_input_changes_nothing():
    batch, plain = FetchBatch(PUSH, range(2)), FetchBatch(PUSH, range(2))
    batch.reset(), plain.reset()
    with pytest.raises(SimError):
        batch.step(np.full((2, 4), np.nan, np.float32))
    with pytest.raises(SimError):
        batch.reset(seeds=[1])
    assert equal_bits(batch.state(), plain.state())
    assert equal_bits(batch.reset(), plain.reset())
