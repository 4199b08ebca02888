import pytest

from her_ros.nodes.hints import Hints


@pytest.fixture
def clock(monkeypatch):
    """A clock of the test's own."""
    now = [100.0]
    monkeypatch.setattr('her_ros.nodes.hints.time.monotonic', lambda: now[0])
    return now


def test_a_bag_that_is_not_found_is_named_after_a_minute_and_a_half(clock):
    found = {'a'}
    hints = Hints(found.__contains__)
    for name in 'abc':
        hints.heard(name)
    clock[0] += 89.0
    assert not hints.trouble()
    found.add('c')
    clock[0] += 2.0
    assert hints.trouble().startswith("1 recorded bags are not in bags/, such as 'b'; ")
    found.add('b')
    assert not hints.trouble()
