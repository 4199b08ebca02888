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
