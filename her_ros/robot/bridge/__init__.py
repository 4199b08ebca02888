"""Logic of the bridge without ROS: episodes, observations, commands, goals."""
