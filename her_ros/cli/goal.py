"""``her-ros goal``: what clicking on the table in RViz does, from the command line."""

from geometry_msgs.msg import PointStamped

from her_ros.cli.sender import send
from her_ros.core.topics import GOAL
from her_ros.nodes.qos import COMMAND


def send_goal(
    position: tuple[float, float, float], frame: str, namespace: str, timeout_s: float = 10.0
) -> None:
    """Publish a goal and see that it arrives; whether it is taken, the bridge says.

    :param position: metres, shape (3,)
    :raises HerRosError: if nobody listens
    """
    # Stamped with 0, as what asks for the newest transform is.
    message = PointStamped()
    message.header.frame_id = frame
    message.point.x, message.point.y, message.point.z = position
    topic = f'/{namespace.strip("/")}/{GOAL}'
    question = 'is robot_bridge or fetch_env running in this namespace and ROS domain?'
    send(message, topic, COMMAND, timeout_s, question)
    print(f'{topic}: goal {list(position)} in {frame} sent')
