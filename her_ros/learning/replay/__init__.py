"""Replay buffer, relabelling with achieved goals, and prioritised sampling."""
