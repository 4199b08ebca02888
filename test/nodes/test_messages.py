import numpy as np
import pytest
from geometry_msgs.msg import PointStamped

from her_ros.core.errors import HerRosError
from her_ros.nodes.messages import bytes_message, bytes_of, goal_of


@pytest.mark.parametrize('content', [b'', bytes(range(256)) * 1000])
def test_bytes_come_back(content):
    assert bytes_of(bytes_message(content)) == content


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
