"""A robot's standard topics as steps and actions of a task; a simulated robot to try it on."""
