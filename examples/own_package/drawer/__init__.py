"""A task, an agent and a goal strategy for her_ros, in a package of their own."""
