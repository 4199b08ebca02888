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

from her_ros.policy.policy_server import Order
from her_ros.policy.safety.freshness import Freshness, FreshnessChecker, StampError
import pytest

S = 1_000_000_000
NOW = 1_700_000_000 * S


@pytest.fixture
def checker():
    return FreshnessChecker(max_age_s=0.1, tolerance_s=0.02)


@pytest.mark.parametrize(
    ('age_ms', 'freshness'),
    [
        (0, 'fresh'),
        (99, 'fresh'),
        (101, 'stale'),
        (3_600_000, 'stale'),
        (-19, 'fresh'),
        (-21, 'future'),
        (-3_600_000, 'future'),
    ],
)
def test_the_age_decides_on_the_first_observation(checker, age_ms, freshness):
    assert checker.check(NOW - age_ms * 1_000_000, NOW, 1, Order.NEW) == freshness


def at(checker, stamp_ms, now_ms, order=Order.NEW, session=1):
    return checker.check(NOW + stamp_ms * 1_000_000, NOW + now_ms * 1_000_000, session, order)


def test_a_frozen_source_is_seen_although_its_steps_go_on(checker):
    results = [at(checker, 0, now) for now in (0, 40, 80, 120)]
    assert results == ['fresh', 'frozen', 'frozen', 'frozen']
    assert at(checker, 160, 160) == 'fresh'


def test_a_clock_that_was_set_back_is_stale_until_its_age_is_right(checker):
    # the sender's clock alone: by 10 s, then set right again
    assert at(checker, 0, 0) == 'fresh'
    results = [at(checker, now - 10_000, now) for now in (40, 80, 120)]
    assert results == ['jumped_back', 'stale', 'stale']
    assert at(checker, 160, 160) == 'fresh'


def test_a_clock_shared_with_the_sender_that_was_set_back_costs_one_observation(checker):
    assert at(checker, 0, 0) == 'fresh'
    results = [at(checker, now - 10_000, now - 10_000) for now in (40, 80)]
    assert results == ['jumped_back', 'fresh']


def test_a_stamp_from_the_future_leaves_no_trace(checker):
    assert at(checker, 0, 0) == 'fresh'
    assert at(checker, 5_000, 40) == 'future'
    assert at(checker, 80, 80) == 'fresh'


def test_what_has_no_stamp_is_named_so_and_leaves_no_trace(checker):
    assert checker.check(0, NOW, 1, Order.NEW) == 'unstamped'
    assert at(checker, 0, 0) == 'fresh'
    assert checker.check(0, NOW, 1, Order.NEW) == 'unstamped'
    assert at(checker, 40, 40) == 'fresh'


def test_another_session_may_have_another_clock(checker):
    assert at(checker, 15, 0, session=1) == 'fresh'
    assert at(checker, 5, 10, session=2) == 'fresh'
    assert at(checker, 5, 20, session=2) == 'frozen'


@pytest.mark.parametrize('stamp_ms', [-10_000, 0, 40, 10_000])
def test_what_was_answered_is_never_fresh_whatever_its_stamp(checker, stamp_ms):
    at(checker, 0, 0)
    assert at(checker, stamp_ms, 40, Order.REPEATED) == 'repeated'
    assert at(checker, stamp_ms, 40, Order.OLD) == 'out_of_order'
    # and it moves no limit for those that follow
    assert at(checker, 41, 41) == 'fresh'


def test_every_result_is_counted(checker):
    seen = [
        at(checker, 0, 0),
        at(checker, 0, 40),
        at(checker, -5, 40),
        at(checker, 90, 200),
        at(checker, 300, 200),
        at(checker, 200, 200, Order.REPEATED),
        at(checker, 200, 200, Order.OLD),
        checker.check(0, NOW, 1, Order.NEW),
    ]
    assert set(seen) == set(Freshness)
    assert checker.counts == dict.fromkeys(Freshness, 1)


@pytest.mark.parametrize('freshness', Freshness)
def test_only_what_a_healthy_sender_never_does_is_an_error(checker, freshness):
    if freshness in ('fresh', 'repeated', 'out_of_order'):
        checker.require_known(freshness, 0.5)
        return
    if freshness == 'unstamped':
        with pytest.raises(StampError, match=r'has no stamp \(0\)') as refusal:
            checker.require_known(freshness, 1.7e9)
        assert '1.7' not in str(refusal.value)
        return
    with pytest.raises(StampError, match=r'\+0\.500 s behind our clock .*deadline_s 0\.1'):
        checker.require_known(freshness, 0.5)
