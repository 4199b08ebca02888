"""MuJoCo model of the Fetch arm: scenes, compiled model, settled state."""
