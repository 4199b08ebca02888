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

from geometry_msgs.msg import PointStamped
from her_ros.nodes.messages import bytes_message, bytes_of, goal_of, policy_message, policy_of
from her_ros.runtime.errors import HerRosError
import numpy as np
import pytest


@pytest.mark.parametrize('content', [b'', bytes(range(256)) * 1000])
def test_bytes_come_back(content):
    assert bytes_of(bytes_message(content)) == content


@pytest.mark.parametrize('signature', [b'', bytes(range(64))])
def test_a_policy_comes_back_with_its_signature(signature):
    message = policy_message(b'an ONNX file', signature)
    assert policy_of(message) == (b'an ONNX file', signature)
    assert bytes_of(message) == b'an ONNX file' + signature


def test_a_policy_that_is_not_as_long_as_its_layout_says_is_refused():
    message = policy_message(b'an ONNX file', bytes(64))
    message.layout.dim[0].size = 11
    with pytest.raises(HerRosError, match=r'76 bytes .* 11 \+ 64'):
        policy_of(message)


def goal(x=1.25, y=-0.5, z=0.75, frame='world'):
    message = PointStamped()
    message.header.frame_id = frame
    message.point.x, message.point.y, message.point.z = x, y, z
    return message


@pytest.mark.parametrize('frame', ['world', ''])
def test_goals_of_the_world_are_taken(frame):
    np.testing.assert_array_equal(goal_of(goal(frame=frame)), [1.25, -0.5, 0.75])


@pytest.mark.parametrize(
    ('message', 'named'),
    [(goal(frame='base_link'), 'base_link'), (goal(z=np.nan), 'nan'), (goal(x=-np.inf), 'inf')],
)
def test_other_goals_are_refused_by_name(message, named):
    with pytest.raises(HerRosError, match=named):
        goal_of(message)
