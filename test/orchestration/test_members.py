import pytest

from her_ros.orchestration.members import Members


@pytest.fixture
def clock(monkeypatch):
    """A clock of the test's own."""
    now = [100.0]
    monkeypatch.setattr('her_ros.orchestration.members.time.monotonic', lambda: now[0])
    return now


def test_a_free_recorder_is_one_without_an_environment_that_was_heard_lately(clock):
    members = Members('lab/run')
    for name in ('worker_0/recorder', 'worker_0/fetch_env', 'worker_101/recorder', 'trainer'):
        members.heard(f'/lab/run/{name}', 'far', 0.0)
    members.heard('/other/worker_102/recorder', 'far', 0.0)
    assert members.free_recorders() == [101]
    clock[0] += 4.0
    members.heard('/lab/run/worker_0/recorder', 'far', 0.0)
    clock[0] += 2.0
    assert members.free_recorders() == [0]


def test_the_clock_of_the_trainer_is_read_from_the_report_that_came_fastest():
    members = Members('run')
    assert not members.trainer_host
    for ahead_s in (-3.0, -0.1, -2.0):
        members.heard('/run/trainer', 'far', ahead_s)
    members.heard('/run/evaluator', 'near', 50.0)
    assert (members.trainer_host, members.clock_ahead_s) == ('far', -0.1)
