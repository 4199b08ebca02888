"""A simulated robot for tests: motion, sensor faults, timing."""
