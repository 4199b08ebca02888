import pytest


@pytest.mark.parametrize(
    ('arguments', 'parts'),
    [
        ([], ['nothing to view', 'name a policy, a run or a bag, or give --live alone']),
        (['--live', 'policy.onnx'], ['either --live or a file']),
        (['/nothing.onnx'], ['/nothing.onnx', 'No such file']),
        (['/nothing'], ['/nothing: no such file or folder']),
        (['models'], ['no bag in models']),
        (['models/FetchPush/policy.onnx', '--task', 'FetchTea'], ["'FetchTea'"]),
        (['models/FetchPush/policy.onnx', '--task', 'FetchReach'], ['FetchPush']),
        (['--live', '--namespace', 'my robot'], ["'my robot'"]),
    ],
)
def test_what_cannot_be_viewed_is_one_line(her_ros, arguments, parts):
    ended = her_ros('view', *arguments)
    assert ended.status == 1
    assert not ended.output
    (line,) = ended.errors.splitlines()
    for part in ('her-ros: ', *parts):
        assert part in line
