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
import threading
import time

from her_ros.policy.safety.watchdog import Watchdog
from her_ros.policy.state import State
import pytest


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def safe_actions():
    return []


@pytest.fixture
def new_watchdog(clock, safe_actions):
    def make(latching=False):
        watchdog = Watchdog(0.1, 0.04, latching, lambda: safe_actions.append(clock()), clock)
        watchdog.activate()
        return watchdog

    return make


def passes(clock, watchdog, seconds, looks=100):
    """Let time pass, in steps so small that every due time is met."""
    for _ in range(looks):
        clock.now += seconds / looks
        watchdog.tick()


def test_nothing_is_due_before_the_first_observation(new_watchdog, clock, safe_actions):
    watchdog = new_watchdog()
    passes(clock, watchdog, 10.0)
    assert (watchdog.state, safe_actions) == (State.ACTING, [])


def test_what_is_fed_in_time_acts(new_watchdog, clock, safe_actions):
    watchdog = new_watchdog()
    for _ in range(50):
        assert watchdog.feed()
        passes(clock, watchdog, 0.099)
    assert (watchdog.state, watchdog.stops, safe_actions) == (State.ACTING, 0, [])


@pytest.mark.parametrize(('latching', 'state'), [(False, 'stopped'), (True, 'latched')])
def test_after_the_deadline_safe_actions_come_every_period(
    new_watchdog, clock, safe_actions, latching, state
):
    watchdog = new_watchdog(latching)
    watchdog.feed()
    fed = clock()
    passes(clock, watchdog, 1.0, looks=1000)
    assert watchdog.state == state
    # one stop, however long it lasts: (1.0 - 0.1) / 0.04 = 22.5 periods
    assert (watchdog.stops, watchdog.missed_deadlines) == (1, 1)
    assert len(safe_actions) == 23
    assert safe_actions[0] - fed == pytest.approx(0.1, abs=0.002)
    gaps = [b - a for a, b in itertools.pairwise(safe_actions)]
    assert gaps == pytest.approx([0.04] * 22, abs=0.002)


def test_a_fresh_observation_ends_a_stop(new_watchdog, clock, safe_actions):
    watchdog = new_watchdog()
    watchdog.feed()
    passes(clock, watchdog, 0.2)
    count = len(safe_actions)
    assert watchdog.feed()
    passes(clock, watchdog, 0.09)
    assert (watchdog.state, len(safe_actions)) == (State.ACTING, count)


def test_only_an_activation_ends_a_latched_stop(new_watchdog, clock):
    watchdog = new_watchdog(latching=True)
    watchdog.feed()
    passes(clock, watchdog, 0.2)
    for end in (watchdog.feed, watchdog.rest):
        assert not end()
        assert watchdog.state == State.LATCHED
    watchdog.deactivate()
    watchdog.activate()
    assert watchdog.feed()


def test_between_episodes_nothing_is_due(new_watchdog, clock, safe_actions):
    watchdog = new_watchdog()
    watchdog.feed()
    watchdog.rest()
    passes(clock, watchdog, 10.0)
    assert safe_actions == []
    # and with the episode a stop has ended too
    watchdog.feed()
    passes(clock, watchdog, 0.2)
    watchdog.rest()
    assert watchdog.state == State.ACTING


def test_a_stop_is_at_once_and_lasts(new_watchdog, clock, safe_actions):
    watchdog = new_watchdog()
    watchdog.feed()
    watchdog.stop()
    assert safe_actions == [clock()]
    passes(clock, watchdog, 0.1)
    assert (watchdog.state, len(safe_actions)) == (State.STOPPED, 3)
    assert watchdog.missed_deadlines == 0


def test_a_deactivation_brings_the_safe_action_once(new_watchdog, clock, safe_actions):
    watchdog = new_watchdog()
    watchdog.feed()
    watchdog.deactivate()
    watchdog.deactivate()
    passes(clock, watchdog, 1.0)
    assert not watchdog.feed()
    watchdog.stop()
    assert (watchdog.state, len(safe_actions)) == (State.INACTIVE, 1)


@pytest.fixture
def running():
    """Make watchdogs of the real clock, with their thread."""
    made = []

    def make(bring_safe_action):
        watchdog = Watchdog(0.02, 0.01, False, bring_safe_action)
        made.append(watchdog)
        watchdog.start()
        watchdog.activate()
        return watchdog

    yield make
    for watchdog in made:
        watchdog.close()
    assert not [thread for thread in threading.enumerate() if thread.name == 'watchdog']


def test_the_thread_stops_while_the_main_thread_is_stuck(running):
    times = []
    watchdog = running(lambda: times.append(time.monotonic()))
    fed = time.monotonic()
    watchdog.feed()
    while time.monotonic() < fed + 1.0:
        pass  # never waits, so that the other thread has to take its turn
    assert watchdog.state == State.STOPPED
    assert len(times) > 5
    assert times[0] - fed >= 0.02


def test_the_thread_sleeps_between_episodes_and_wakes_for_the_next(running, wait):
    stops = []
    watchdog = running(lambda: stops.append(watchdog.stops))
    for number in (1, 2, 3):
        watchdog.feed()
        wait(lambda n=number: n in stops, 'a stop')
        watchdog.rest()
        time.sleep(0.03)
        count = len(stops)
        time.sleep(0.05)
        assert len(stops) == count


def test_an_action_that_cannot_be_brought_is_tried_again(running, wait):
    tries = []

    def fails_at_first():
        tries.append(len(tries))
        if len(tries) < 4:
            raise OSError('no way out')

    watchdog = running(fails_at_first)
    watchdog.feed()
    wait(lambda: 'no way out' in watchdog.problem or len(tries) >= 4, 'a problem')
    wait(lambda: len(tries) > 5 and not watchdog.problem, 'an end of the problem')
    assert watchdog.missed_deadlines == 1
