"""Connect a robot's standard topics to a task; a simulated robot for tests."""
