"""Goal-conditioned robot learning from ROS 2 bags with DDPG and Hindsight Experience Replay."""

from her_ros.core.process import quiet_start

__version__ = '0.1.0'

quiet_start()
