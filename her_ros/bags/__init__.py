"""Episodes in and out of ROS 2 bags; owns mcap and rosbags."""
