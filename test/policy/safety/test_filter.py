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

import math

from her_ros.config.parameters.policy import SafetyParameters
from her_ros.policy.safety.filter import CAUSES, safe_action, SafetyError, SafetyFilter
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import TASKS
from her_ros.wire.rows import MAX_ENVIRONMENTS, RowError, step_dtype
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

PUSH = TASKS['FetchPush']
WORKSPACE = SafetyParameters().safety_workspace
INSIDE = (1.3, 0.7, 0.6)
#: actions leave as float32, and those of three periods make an acceleration
ROUNDING = 1e-6
ROUNDING_M = 1e-8

# The same examples each time, so that a failure is one of the code.
proven = settings(deadline=None, derandomize=True, max_examples=150)


# No change from one action to the next in [-1, 1] is larger.
WIDE = {'safety_max_action_change': 2.0, 'safety_max_action_acceleration': 4.0}


def unramped(**bounds):
    return SafetyParameters(safety_ramp_s=0.0, **{**WIDE, **bounds})


def rows_of(envs, positions, episode=1, step=1, session=7):
    rows = np.zeros(len(envs), step_dtype(PUSH))
    rows['session'], rows['env'] = session, envs
    rows['episode'], rows['step'] = episode, step
    rows['observation'][:, :3] = positions
    return rows


def given_by(safety, asked, position=INSIDE, **identity):
    """Filter one environment's actions in turn; each number asks for all components alike."""
    rows = rows_of([0], [position], **identity)
    actions = [np.full((1, 4), each, np.float32) for each in asked]
    return np.array([safety.apply(rows, each)[0] for each in actions])


# --- no input gets past -----------------------------------------------------------------------

anything = st.floats(width=32) | st.sampled_from(
    [math.nan, math.inf, -math.inf, 1e-45, -1e-45, 3e38, -3e38, 1.0, -1.0, 0.0]
)
component = st.floats(-1.0, 1.0, width=32) | anything
coordinate = st.floats(0.0, 2.0) | st.floats(0.0, 2.0) | st.floats()


@st.composite
def limits_in_their_ranges(draw):
    least = [draw(st.floats(-0.5, 1.5)) for _ in range(3)]
    size = [draw(st.floats(1e-6, 2.0)) for _ in range(3)]
    return SafetyParameters(
        safety_max_action=draw(st.sampled_from([0.0, 0.1, 1.0]) | st.floats(0.0, 1.0)),
        safety_max_action_change=draw(st.floats(1e-3, 2.0)),
        safety_max_action_acceleration=draw(st.floats(1e-3, 4.0) | st.floats(1e-3, 0.2)),
        safety_workspace=(*least, *(a + b for a, b in zip(least, size, strict=True))),
        safety_ramp_s=draw(st.sampled_from([0.0, 0.2]) | st.floats(0.0, 1.0)),
    )


@st.composite
def messages(draw):
    """Make rows of some environments with actions, anything in both; None: restart."""
    if draw(st.integers(0, 19)) == 0:
        return None
    envs = draw(st.lists(st.sampled_from([0, 1, 6]), min_size=1, max_size=3, unique=True))
    rows = rows_of(envs, 0.0)
    for row in rows:
        row['session'] = draw(st.sampled_from([7] * 9 + [8]))
        row['episode'] = draw(st.sampled_from([1] * 9 + [2]))
        row['step'] = draw(st.sampled_from([3] * 9 + [0]))
        row['observation'] = draw(coordinate)
        row['observation'][:3] = [draw(coordinate) for _ in range(3)]
    # Asked for several times, as bounds over time have more to do then.
    actions = [[draw(component) for _ in range(4)] for _ in envs]
    return rows, np.array(actions, np.float32), draw(st.integers(1, 12))


class Observer:
    """Watches what one environment is given, and knows the bounds only."""

    def __init__(self, limits: SafetyParameters) -> None:
        self.limits = limits
        self.episode = None
        self.stop()

    def stop(self):
        self.last = np.zeros(4)
        self.changes = [{0.0}] * 4
        self.count = 0

    def watch(self, row, asked, given):
        if row['step'] == 0 or self.episode != (row['session'], row['episode']):
            self.last, self.changes = np.zeros(4), [{0.0}] * 4
        self.episode = (row['session'], row['episode'])
        self.count += 1
        position = row['observation'][:3]
        if not (np.isfinite(asked).all() and np.isfinite(position).all()):
            assert (given == 0.0).all()
            self.stop()
            return
        self.check_limit(given)
        self.check_box(position, given)
        braked = self.brakes(position, given)
        self.check_changes(given - self.last, braked)
        self.last = given

    def check_limit(self, given):
        p = self.limits
        assert (np.abs(given) <= p.safety_max_action).all()
        share = min(1.0, self.count * 0.04 / p.safety_ramp_s) if p.safety_ramp_s else 1.0
        assert (np.abs(given) <= p.safety_max_action * share + ROUNDING).all()

    def check_box(self, position, given):
        least, greatest = np.reshape(self.limits.safety_workspace, (2, 3))
        aim = position + 0.05 * given[:3]
        assert (aim <= np.maximum(greatest, position) + ROUNDING_M).all()
        assert (aim >= np.minimum(least, position) - ROUNDING_M).all()

    def brakes(self, position, given):
        """Tell in which components the workspace may have a part: those that aim at a wall."""
        least, greatest = np.reshape(self.limits.safety_workspace, (2, 3))
        aim = position + 0.05 * given[:3]
        at_wall = np.minimum(np.abs(aim - least), np.abs(aim - greatest)) < ROUNDING_M
        outside = (position < least) | (position > greatest)
        return [*(at_wall | (outside & (given[:3] == 0.0))), False]

    def check_changes(self, changes, braked):
        p = self.limits
        for i, (change, at_wall) in enumerate(zip(changes, braked, strict=True)):
            steady = abs(change) <= p.safety_max_action_change + ROUNDING and any(
                abs(change - before) <= p.safety_max_action_acceleration + ROUNDING
                for before in self.changes[i]
            )
            assert steady or at_wall, (i, change, self.changes[i])
            # After the workspace has braked hard, a change counts as none.
            self.changes[i] = {change, 0.0} if at_wall else {change}


@proven
@given(limits_in_their_ranges(), st.lists(messages(), min_size=1, max_size=12))
def test_no_input_gets_past_the_bounds(limits, sent):
    safety = SafetyFilter(PUSH, limits)
    observers = {env: Observer(limits) for env in (0, 1, 6)}
    for message in sent:
        if message is None:
            safety.restart()
            for observer in observers.values():
                observer.stop()
            continue
        rows, actions, times = message
        for _ in range(times):
            given_actions = safety.apply(rows, actions)
            assert given_actions.dtype == np.float32
            assert np.isfinite(given_actions).all()
            for row, asked, given_action in zip(rows, actions, given_actions, strict=True):
                observers[row['env']].watch(row, asked, given_action.astype(np.float64))


@proven
@given(
    st.lists(st.floats(-1.0, 1.0, width=32), min_size=2, max_size=40),
    st.floats(0.01, 1.0),
    st.floats(1e-3, 2.0),
    st.floats(1e-3, 4.0),
)
def test_limit_change_and_acceleration_hold_at_once(asked, limit, change, acceleration):
    """From bound to bound and back, in which no bound may give way to another."""
    limits = unramped(
        safety_max_action=limit,
        safety_max_action_change=change,
        safety_max_action_acceleration=acceleration,
    )
    held = np.repeat([np.sign(each) for each in asked], 5)
    actions = given_by(SafetyFilter(PUSH, limits), held).astype(np.float64)
    actions = np.concatenate((np.zeros((2, 4)), actions))
    assert np.abs(actions).max() <= limit
    assert np.abs(np.diff(actions, axis=0)).max() <= change + ROUNDING
    assert np.abs(np.diff(actions, 2, axis=0)).max() <= acceleration + ROUNDING


@proven
@given(st.tuples(*[st.floats(0.0, 2.0)] * 3), st.tuples(*[st.floats(-1.0, 1.0, width=32)] * 4))
def test_the_workspace_only_ever_makes_components_smaller(position, action):
    rows, actions = rows_of([0], [position]), np.array([action], np.float32)
    ((given_action),) = SafetyFilter(PUSH, unramped()).apply(rows, actions)
    assert (np.abs(given_action) <= np.abs(actions[0])).all()
    assert (given_action * actions[0] >= 0.0).all()


# --- and no more is taken away than has to be -------------------------------------------------


@proven
@given(
    st.lists(st.lists(st.floats(-1.0, 1.0, width=32), min_size=4, max_size=4), min_size=1),
    st.booleans(),
)
def test_within_the_bounds_what_a_policy_asks_for_leaves_bit_for_bit(asked, restarts):
    safety = SafetyFilter(PUSH, SafetyParameters(**WIDE))
    rows = rows_of([0, 2], [INSIDE, (1.2, 0.9, 0.8)])
    for _ in range(5):  # 0.2 s of ramp in periods of 0.04 s
        safety.apply(rows, np.zeros((2, 4), np.float32))
    for number, action in enumerate(asked):
        actions = np.array([action, action[::-1]], np.float32)
        rows['step'] = number if restarts else number + 1
        assert safety.apply(rows, actions).tobytes() == actions.tobytes()
    assert safety.interventions == 0
    assert not any(safety.interventions_by.values())


@proven
@given(st.floats(1 / 64, 1.0, width=32), st.floats(0.01, 2.0), st.floats(0.01, 4.0))
def test_an_action_held_is_reached_as_fast_as_the_bounds_allow(target, change, acceleration):
    """In n periods changes grow and shrink by A and reach C: they sum to n terms at the most."""
    limits = unramped(safety_max_action_change=change, safety_max_action_acceleration=acceleration)

    def farthest(n):
        terms = (
            min(k * acceleration, (n + 1 - k) * acceleration, change) for k in range(1, n + 1)
        )
        return sum(terms)

    needed = next(n for n in range(1, 1000) if farthest(n) >= target - ROUNDING)
    actions = given_by(SafetyFilter(PUSH, limits), [target] * (needed + 20))[:, 0]
    first = needed - 1
    np.testing.assert_allclose(actions[first:], target, atol=1e-5)
    assert actions.max() <= target + ROUNDING  # never more than was asked for


def test_the_ramp_grows_in_equal_parts_from_zero():
    safety = SafetyFilter(PUSH, SafetyParameters(safety_ramp_s=0.2))
    expected = [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]  # 0.2 s are five periods of 0.04 s
    np.testing.assert_allclose(given_by(safety, [1.0] * 6)[:, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(given_by(safety, [-1.0] * 2, episode=2)[:, 0], -1.0)
    safety.restart()
    np.testing.assert_allclose(
        given_by(safety, [-1.0] * 6)[:, 0], np.negative(expected), rtol=1e-6
    )


@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf])
def test_one_value_that_is_not_finite_stops_its_environment_alone(bad):
    safety = SafetyFilter(PUSH, SafetyParameters(safety_ramp_s=0.2))
    rows, actions = rows_of([0, 1], [INSIDE] * 2), np.ones((2, 4), np.float32)
    for _ in range(6):
        safety.apply(rows, actions)
    actions[0, 3] = bad
    np.testing.assert_array_equal(safety.apply(rows, actions), [[0.0] * 4, [1.0] * 4])
    actions[0, 3] = 1.0
    np.testing.assert_allclose(safety.apply(rows, actions)[:, 0], [0.2, 1.0], rtol=1e-6)
    rows['observation'][1, 2] = bad
    np.testing.assert_allclose(safety.apply(rows, actions)[:, 0], [0.4, 0.0], rtol=1e-6)


def test_a_new_episode_starts_from_standstill_with_or_without_its_first_row():
    limits = unramped(safety_max_action_change=0.1)
    for identity in ({'step': 0}, {'episode': 2}, {'session': 8}):
        safety = SafetyFilter(PUSH, limits)
        before = given_by(safety, [1.0] * 8)
        np.testing.assert_allclose(before[:, 0], np.arange(1, 9) / 10, rtol=1e-6)
        np.testing.assert_allclose(given_by(safety, [1.0], **identity)[:, 0], 0.1, rtol=1e-6)


def test_at_the_wall_every_way_but_out_is_open():
    safety = SafetyFilter(PUSH, unramped())
    x, y, z = WORKSPACE[3:]
    half_a_step_away = (x - 0.025, y, z + 0.3)
    out = given_by(safety, [1.0], half_a_step_away)[0]
    np.testing.assert_allclose(out, [0.5, 0.0, 0.0, 1.0], atol=1e-6)
    np.testing.assert_array_equal(given_by(safety, [-1.0], half_a_step_away)[0], -1.0)
    np.testing.assert_array_equal(given_by(safety, [0.0], half_a_step_away)[0], 0.0)


def test_after_the_wall_has_braked_the_way_back_begins_gently():
    safety = SafetyFilter(PUSH, unramped(safety_max_action_acceleration=0.1))
    assert given_by(safety, [1.0] * 12)[-1, 0] == 1.0
    wall = (WORKSPACE[3], *INSIDE[1:])
    back = given_by(safety, [1.0, -1.0, -1.0], wall)[:, 0]
    np.testing.assert_allclose(back, [0.0, -0.1, -0.3], atol=ROUNDING)


# --- counting ---------------------------------------------------------------------------------


def test_each_cause_is_counted_once_per_action_it_changed():
    safety = SafetyFilter(
        PUSH, SafetyParameters(safety_max_action=0.5, safety_max_action_change=0.2)
    )
    wall = (WORKSPACE[3], *INSIDE[1:])
    expected = dict.fromkeys(CAUSES, 0)

    def check(total, **more):
        for cause, count in more.items():
            expected[cause] += count
        assert (safety.interventions, safety.interventions_by) == (total, expected)

    given_by(safety, [0.1])
    check(0)
    given_by(safety, [0.6])  # 0.5, 0.2 by the ramp
    check(1, limit=1, ramp=1)
    given_by(safety, [0.2] * 4)
    check(1)
    given_by(safety, [0.45])
    check(2, change=1)
    given_by(safety, [0.4], wall)
    check(3, workspace=1)
    given_by(safety, [math.nan], wall)
    check(4, not_finite=1)
    rows = rows_of([3, 4, 5], [INSIDE] * 3)
    safety.apply(rows, np.array([[0.3] * 4, [0.0] * 4, [0.2, 0.0, 0.0, 0.0]], np.float32))
    check(6, ramp=2)
    assert all(type(count) is int for count in safety.interventions_by.values())


def test_acceleration_is_counted_apart_from_change():
    safety = SafetyFilter(PUSH, unramped(safety_max_action_acceleration=0.1))
    given_by(safety, [0.5])
    assert safety.interventions_by == {**dict.fromkeys(CAUSES, 0), 'acceleration': 1}


@proven
@given(limits_in_their_ranges(), st.lists(messages(), min_size=1, max_size=8))
def test_every_action_that_is_changed_is_counted(limits, sent):
    safety = SafetyFilter(PUSH, limits)
    changed = 0
    for rows, actions, _ in filter(None, sent):
        changed += int((safety.apply(rows, actions) != actions).any(1).sum())
        assert safety.interventions == changed
        assert max(safety.interventions_by.values()) <= changed
        assert sum(safety.interventions_by.values()) >= changed


# --- what is asked of the caller ----------------------------------------------------------------


def test_the_input_is_left_as_it_is():
    actions = np.full((1, 4), 2.0, np.float32)
    rows = rows_of([0], [INSIDE])
    before = rows.copy()
    SafetyFilter(PUSH, SafetyParameters()).apply(rows, actions)
    assert (actions == 2.0).all()
    assert rows.tobytes() == before.tobytes()


def test_no_rows_give_no_actions():
    given_actions = SafetyFilter(PUSH, SafetyParameters()).apply(
        rows_of([], np.zeros((0, 3))), np.zeros((0, 4), np.float32)
    )
    assert given_actions.shape == (0, 4)


def test_an_env_that_must_be_noise_is_refused():
    rows = rows_of([MAX_ENVIRONMENTS], [INSIDE])
    with pytest.raises(RowError, match=f'env is {MAX_ENVIRONMENTS}'):
        SafetyFilter(PUSH, SafetyParameters()).apply(rows, np.zeros((1, 4), np.float32))


@pytest.mark.parametrize(
    ('workspace', 'axis'),
    [
        ((1.6, 0.4, 0.4, 1.05, 1.1, 0.9), 'x'),
        ((1.0, 0.4, 0.4, 1.6, 0.4, 0.9), 'y'),
        ((1.0, 0.4, math.nan, 1.6, 1.1, 0.9), 'z'),
    ],
)
def test_an_empty_box_is_refused_by_its_axis(workspace, axis):
    with pytest.raises(SafetyError, match=rf'^safety\.workspace: its least {axis} is'):
        SafetyFilter(PUSH, SafetyParameters(safety_workspace=workspace))


def test_a_task_that_does_not_observe_its_gripper_is_refused():
    task = GoalTask('Maze', (('position', 2),), 2, 2, 0.5, 0.1, 100)
    with pytest.raises(SafetyError, match=r'^Maze: its observation has no gripper_position of 3'):
        SafetyFilter(task, SafetyParameters())


def test_the_position_is_found_wherever_it_stands():
    task = GoalTask('Mine', (('torque', 2), ('gripper_position', 3)), 3, 4, 0.05, 0.04, 50)
    rows = np.zeros(1, step_dtype(task))
    rows['observation'] = [9.0, 9.0, *WORKSPACE[3:]]
    ones = np.ones((1, 4), np.float32)
    (action,) = SafetyFilter(task, unramped()).apply(rows, ones)
    np.testing.assert_array_equal(action, [0.0, 0.0, 0.0, 1.0])


def test_the_safe_action_moves_nothing():
    action = safe_action(PUSH)
    assert (action.shape, action.dtype) == ((4,), np.float32)
    assert not action.any()
