"""Read and write episodes in ROS 2 bags; uses mcap and rosbags."""
