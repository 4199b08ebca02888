"""Goal-conditioned robot learning from ROS 2 bags with DDPG and Hindsight Experience Replay."""

__version__ = '0.1.0'
