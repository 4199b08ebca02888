import pytest

from her_ros.policy.actor import Order
from her_ros.policy.safety.stamps import StampError, StampJudge, Verdict

S = 1_000_000_000
NOW = 1_700_000_000 * S


@pytest.fixture
def judge():
    return StampJudge(max_age_s=0.1, tolerance_s=0.02)


@pytest.mark.parametrize(
    ('age_ms', 'verdict'),
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
def test_the_age_decides_on_the_first_observation(judge, age_ms, verdict):
    assert judge.judge(NOW - age_ms * 1_000_000, NOW, 1, Order.NEW) == verdict


def at(judge, stamp_ms, now_ms, order=Order.NEW, session=1):
    return judge.judge(NOW + stamp_ms * 1_000_000, NOW + now_ms * 1_000_000, session, order)


def test_a_frozen_source_is_seen_although_its_steps_go_on(judge):
    verdicts = [at(judge, 0, now) for now in (0, 40, 80, 120)]
    assert verdicts == ['fresh', 'frozen', 'frozen', 'frozen']
    assert at(judge, 160, 160) == 'fresh'


def test_a_clock_that_was_set_back_is_stale_until_its_age_is_right(judge):
    # the sender's clock alone: by 10 s, then set right again
    assert at(judge, 0, 0) == 'fresh'
    verdicts = [at(judge, now - 10_000, now) for now in (40, 80, 120)]
    assert verdicts == ['jumped_back', 'stale', 'stale']
    assert at(judge, 160, 160) == 'fresh'


def test_a_clock_shared_with_the_sender_that_was_set_back_costs_one_observation(judge):
    assert at(judge, 0, 0) == 'fresh'
    verdicts = [at(judge, now - 10_000, now - 10_000) for now in (40, 80)]
    assert verdicts == ['jumped_back', 'fresh']


def test_a_stamp_from_the_future_leaves_no_trace(judge):
    assert at(judge, 0, 0) == 'fresh'
    assert at(judge, 5_000, 40) == 'future'
    assert at(judge, 80, 80) == 'fresh'


def test_what_has_no_stamp_is_named_so_and_leaves_no_trace(judge):
    assert judge.judge(0, NOW, 1, Order.NEW) == 'unstamped'
    assert at(judge, 0, 0) == 'fresh'
    assert judge.judge(0, NOW, 1, Order.NEW) == 'unstamped'
    assert at(judge, 40, 40) == 'fresh'


def test_another_session_may_have_another_clock(judge):
    assert at(judge, 15, 0, session=1) == 'fresh'
    assert at(judge, 5, 10, session=2) == 'fresh'
    assert at(judge, 5, 20, session=2) == 'frozen'


@pytest.mark.parametrize('stamp_ms', [-10_000, 0, 40, 10_000])
def test_what_was_answered_is_never_fresh_whatever_its_stamp(judge, stamp_ms):
    at(judge, 0, 0)
    assert at(judge, stamp_ms, 40, Order.REPEATED) == 'repeated'
    assert at(judge, stamp_ms, 40, Order.OLD) == 'out_of_order'
    # and it moves no limit for those that follow
    assert at(judge, 41, 41) == 'fresh'


def test_every_verdict_is_counted(judge):
    seen = [
        at(judge, 0, 0),
        at(judge, 0, 40),
        at(judge, -5, 40),
        at(judge, 90, 200),
        at(judge, 300, 200),
        at(judge, 200, 200, Order.REPEATED),
        at(judge, 200, 200, Order.OLD),
        judge.judge(0, NOW, 1, Order.NEW),
    ]
    assert set(seen) == set(Verdict)
    assert judge.counts == dict.fromkeys(Verdict, 1)


@pytest.mark.parametrize('verdict', Verdict)
def test_only_what_a_healthy_sender_never_does_is_an_error(judge, verdict):
    if verdict in ('fresh', 'repeated', 'out_of_order'):
        judge.require_known(verdict, 0.5)
        return
    if verdict == 'unstamped':
        with pytest.raises(StampError, match=r'has no stamp \(0\)') as refusal:
            judge.require_known(verdict, 1.7e9)
        assert '1.7' not in str(refusal.value)
        return
    with pytest.raises(StampError, match=r'\+0\.500 s behind our clock .*deadline_s 0\.1'):
        judge.require_known(verdict, 0.5)
