"""Disturbances of a simulation: what the policy sees, when, and what its actions do."""
