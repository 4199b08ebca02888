from her_ros.orchestration.members import Members


def test_a_free_recorder_is_one_without_an_environment():
    names = {
        'worker_0/recorder',
        'worker_0/fetch_env',
        'worker_101/recorder',
        'worker_100/recorder',
    }
    members = Members(names | {'trainer', 'worker_102/recorder', 'worker_102/policy'})
    assert members.free_recorders() == [100, 101]
