import pytest
from mcap.writer import Writer

from her_ros.cli.offline_bags import task_of
from her_ros.core.errors import HerRosError


def test_a_bag_without_a_step_topic_is_named_with_its_topics(tmp_path):
    path = tmp_path / 'a.mcap'
    with path.open('wb') as file:
        writer = Writer(file)
        writer.start('ros2')
        schema = writer.register_schema('std_msgs/msg/String', 'ros2msg', b'string data\n')
        channel = writer.register_channel('/rosout', 'cdr', schema)
        writer.add_message(channel, 1, b'\0\1\0\0\2\0\0\0a\0', 1)
        writer.finish()
    with pytest.raises(HerRosError, match=r'a\.mcap: no step topic of type .*/rosout'):
        task_of([(path, '')])
