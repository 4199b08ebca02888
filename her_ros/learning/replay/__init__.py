"""Replay buffer, relabelling with achieved goals, and what is drawn more often."""
